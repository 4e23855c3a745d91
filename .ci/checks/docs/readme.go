package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const (
	english = "README.md"
	chinese = "README.zh-CN.md"

	screenLines = 100 // what we call one screen
	maxPath     = 8   // files of the reading path
)

// CheckReadme compares the two READMEs: what a reader of one finds, the reader
// of the other finds at the same place. Their numbered list is the reading path:
// the files that follow one frame.
func CheckReadme(root string) ([]string, error) {
	var pages [2]*page
	for i, name := range []string{english, chinese} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return nil, err
		}
		pages[i] = parse(name, string(text))
	}
	problems := slices.Concat(readable(pages[0]), readable(pages[1]))
	for _, i := range pages[0].numbered {
		info, err := os.Stat(filepath.Join(root, i.target))
		if i.target != "" && (err != nil || !info.Mode().IsRegular()) {
			problems = append(problems, fmt.Sprintf("%s:%d: %s is no file: the reading path follows files", english, i.line, i.target))
		}
	}
	return append(problems, compare(pages[0], pages[1])...), nil
}

// readable checks one README by itself.
func readable(p *page) (problems []string) {
	if p.lines > screenLines {
		problems = append(problems, fmt.Sprintf("%s: %d lines: it should fit one screen, which is %d", p.path, p.lines, screenLines))
	}
	if n := len(p.numbered); n == 0 || n > maxPath {
		problems = append(problems, fmt.Sprintf("%s: the numbered list, which is the reading path, has %d items, want 1 to %d", p.path, n, maxPath))
	}
	for _, i := range p.numbered {
		if i.target == "" {
			problems = append(problems, fmt.Sprintf("%s:%d: an item of the reading path without a link to its file", p.path, i.line))
		}
	}
	return problems
}

// compare reports where two READMEs differ in structure: the levels of their
// headings, their code (comments may be translated) and where their links lead.
func compare(a, b *page) (problems []string) {
	differ := func(what string, x, y []string) {
		for i := range max(len(x), len(y)) {
			at := func(s []string) string {
				if i < len(s) {
					return s[i]
				}
				return "nothing"
			}
			if at(x) != at(y) {
				problems = append(problems, fmt.Sprintf("%s %d: %s has %s, %s has %s", what, i+1, a.path, at(x), b.path, at(y)))
				return // what follows is only shifted
			}
		}
	}
	differ("heading", levels(a), levels(b))
	differ("code block", blocks(a), blocks(b))
	differ("link (in the order of the alphabet)", destinations(a, b.path), destinations(b, a.path))
	differ("item of the reading path", pathOf(a), pathOf(b))
	return problems
}

func levels(p *page) (list []string) {
	for _, h := range p.headings {
		list = append(list, fmt.Sprintf("level %d", h.level))
	}
	return list
}

func blocks(p *page) (list []string) {
	for _, f := range p.fences {
		list = append(list, fmt.Sprintf("%q", f.info+"\n"+strings.Join(withoutComments(f.code), "\n")))
	}
	return list
}

// destinations lists where the links of p lead, sorted, since another language
// may name them in another order. The link to the other README is left out.
func destinations(p *page, other string) (list []string) {
	for _, l := range p.links {
		if l.target != other {
			list = append(list, l.target)
		}
	}
	slices.Sort(list)
	return list
}

func pathOf(p *page) (list []string) {
	for _, i := range p.numbered {
		list = append(list, i.target)
	}
	return list
}

// comment is # or // at the start of a line or after a space, to the end.
var comment = regexp.MustCompile(`(?:^|\s+)(?:#|//)(?:\s.*)?$`)

func withoutComments(code []string) []string {
	out := make([]string, len(code))
	for i, line := range code {
		out[i] = comment.ReplaceAllString(line, "")
	}
	return out
}
