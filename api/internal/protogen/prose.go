package protogen

import (
	"regexp"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// prose turns comments of protos into those of the documents: the fields and rpcs
// that they name are called there what JSON calls them.
type prose struct {
	fields map[string]string // displayName of display_name
	rpcs   map[string]string // sendMessage of SendMessage
}

func newProse(methods []method, types []protoreflect.Descriptor) prose {
	p := prose{make(map[string]string), make(map[string]string)}
	for _, m := range methods {
		p.rpcs[string(m.Name())] = m.name
	}
	for _, d := range types {
		m, ok := d.(protoreflect.MessageDescriptor)
		if !ok {
			continue
		}
		for i := range m.Fields().Len() {
			// One without an underscore is called the same, or is an English word too.
			if f := m.Fields().Get(i); strings.Contains(string(f.Name()), "_") {
				p.fields[string(f.Name())] = f.JSONName()
			}
		}
	}
	return p
}

var word = regexp.MustCompile(`\w+`)

// rename puts words of the documents in the place of those of the protos.
func rename(text string, names map[string]string) string {
	return word.ReplaceAllStringFunc(text, func(w string) string {
		if other, ok := names[w]; ok {
			return other
		}
		return w
	})
}

// file returns the comment above the file, where that of its package stands, as
// Markdown. It is about more than JSON, so rpcs keep their names.
func (p prose) file(f protoreflect.FileDescriptor) string {
	const syntax, pkg = 12, 2 // fields of FileDescriptorProto
	for _, path := range []protoreflect.SourcePath{{syntax}, {pkg}} {
		if comment := f.SourceLocations().ByPath(path).LeadingComments; comment != "" {
			return rename(join(split(comment)), p.fields)
		}
	}
	return ""
}

// lines returns the comment above d, as it is broken into lines there.
func (p prose) lines(d protoreflect.Descriptor) []string {
	lines := split(d.ParentFile().SourceLocations().ByDescriptor(d).LeadingComments)
	for i, line := range lines {
		lines[i] = rename(rename(line, p.fields), p.rpcs)
	}
	return lines
}

func split(comment string) []string {
	var lines []string
	for line := range strings.SplitSeq(strings.TrimSpace(comment), "\n") {
		lines = append(lines, strings.TrimRight(strings.TrimPrefix(line, " "), " "))
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
