package protogen

import (
	"regexp"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// prose turns comments of protos into those of the documents: the fields and rpcs
// that they name are called there what JSON calls them.
type prose struct{ words map[string]string }

func newProse(methods []method, types []protoreflect.Descriptor) prose {
	p := prose{make(map[string]string)}
	for _, m := range methods {
		p.words[string(m.Name())] = m.name
	}
	for _, d := range types {
		m, ok := d.(protoreflect.MessageDescriptor)
		if !ok {
			continue
		}
		for i := range m.Fields().Len() {
			// One without an underscore is called the same, or is an English word too.
			if f := m.Fields().Get(i); strings.Contains(string(f.Name()), "_") {
				p.words[string(f.Name())] = f.JSONName()
			}
		}
	}
	return p
}

var word = regexp.MustCompile(`\w+`)

func (p prose) rename(text string) string {
	return word.ReplaceAllStringFunc(text, func(w string) string {
		if other, ok := p.words[w]; ok {
			return other
		}
		return w
	})
}

// lines returns the comment above d, as it is broken into lines there.
func (p prose) lines(d protoreflect.Descriptor) []string {
	return p.split(d.ParentFile().SourceLocations().ByDescriptor(d).LeadingComments)
}

func (p prose) split(comment string) []string {
	var lines []string
	for line := range strings.SplitSeq(strings.TrimSpace(comment), "\n") {
		lines = append(lines, p.rename(strings.TrimRight(strings.TrimPrefix(line, " "), " ")))
	}
	return lines
}

// text returns the comment above d as Markdown, a paragraph or an item of a list per
// line.
func (p prose) text(d protoreflect.Descriptor) string { return join(p.lines(d)) }

func join(lines []string) string {
	var b strings.Builder
	fresh := true // nothing to go on with in this line
	for _, line := range lines {
		line = strings.TrimSpace(line)
		item := strings.HasPrefix(line, "- ")
		switch {
		case line == "":
			b.WriteString("\n\n")
			fresh = true
			continue
		case item && !fresh:
			b.WriteString("\n")
		case !fresh:
			b.WriteString(" ")
		}
		b.WriteString(line)
		fresh = false
	}
	return b.String()
}

var sentenceEnd = regexp.MustCompile(`[.?!](\s|$)`)

// firstSentence returns a text up to its first full stop, without it.
func firstSentence(text string) string {
	if end := sentenceEnd.FindStringIndex(text); end != nil {
		return text[:end[0]]
	}
	return text
}
