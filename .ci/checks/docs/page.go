// Package docs checks the pages of the repository (*.md): links lead somewhere, the
// commands in them work, the two READMEs are equal in structure, and what the pages for
// those who come from elsewhere name is there.
package docs

import (
	"regexp"
	"strings"
	"unicode"
)

// page is a Markdown file taken apart, as far as the checks need it.
type page struct {
	path     string // slash-separated, below the root of the repository
	lines    int
	headings []heading
	fences   []fence
	links    []link
	numbered []item // of numbered lists
}

type heading struct {
	line, level int
	text        string
}

// fence is a code block between two lines of ```.
type fence struct {
	line int
	info string // what follows the opening ```
	code []string
}

// link is an inline link, a picture, or the target of a reference.
type link struct {
	line   int
	target string
}

// item is one of a numbered list, with the first link in it.
type item struct {
	line   int
	target string // empty: none
}

var (
	fenceLine   = regexp.MustCompile("^ {0,3}(```+|~~~+)(.*)$")
	headingLine = regexp.MustCompile(`^(#{1,6}) +(.*?) *#*$`)
	itemLine    = regexp.MustCompile(`^\d+[.)] `)
	inlineLink  = regexp.MustCompile(`\]\(<?([^)\s>]+)>?(?: +"[^"]*")?\)`)
	reference   = regexp.MustCompile(`^ {0,3}\[[^\]]+\]: *<?([^\s>]+)>?`)
	htmlLink    = regexp.MustCompile(`(?:href|src)="([^"]+)"`)
	codeSpan    = regexp.MustCompile("`[^`]*`")
)

// parse takes a page apart.
func parse(path, text string) *page {
	p := &page{path: path}
	closing := "" // the fence we are in
	for line := range strings.Lines(text) {
		p.lines++
		line = strings.TrimRight(line, "\r\n")
		if closing != "" {
			if strings.HasPrefix(strings.TrimLeft(line, " "), closing) {
				closing = ""
				continue
			}
			last := &p.fences[len(p.fences)-1]
			last.code = append(last.code, line)
			continue
		}
		if m := fenceLine.FindStringSubmatch(line); m != nil {
			closing = m[1]
			p.fences = append(p.fences, fence{line: p.lines, info: strings.TrimSpace(m[2])})
			continue
		}
		if m := headingLine.FindStringSubmatch(line); m != nil {
			p.headings = append(p.headings, heading{p.lines, len(m[1]), m[2]})
		}
		targets := targets(line)
		for _, target := range targets {
			p.links = append(p.links, link{p.lines, target})
		}
		if itemLine.MatchString(line) {
			i := item{line: p.lines}
			if len(targets) > 0 {
				i.target = targets[0]
			}
			p.numbered = append(p.numbered, i)
		}
	}
	return p
}

// targets returns where the links of a line outside code lead.
func targets(line string) (found []string) {
	line = codeSpan.ReplaceAllString(line, "")
	for _, pattern := range []*regexp.Regexp{inlineLink, reference, htmlLink} {
		for _, m := range pattern.FindAllStringSubmatch(line, -1) {
			found = append(found, m[1])
		}
	}
	return found
}

// anchor is the name a heading can be linked by, as GitHub forms it.
func anchor(text string) string {
	text = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(text, "$1")
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case r == ' ':
			b.WriteByte('-')
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r), r == '-', r == '_':
			b.WriteRune(r)
		}
	}
	return b.String()
}
