package docs

import (
	"slices"
	"testing"
)

const sample = "# Parley\n" +
	"See [the map](docs/map.md#north \"title\") and `[not](this)`.\n" +
	"<img src=\"docs/x.png\">\n" +
	"\n" +
	"## How to start it (fast)\n" +
	"```sh run\n" +
	"# not a heading, [not](a-link)\n" +
	"make test\n" +
	"```\n" +
	"\n" +
	"1. [first](a.go): and [more](b.go)\n" +
	"2. nothing\n" +
	"## End\n" +
	"- [later](c.go)\n" +
	"\n" +
	"[ref]: docs/ref.md\n"

func TestParse(t *testing.T) {
	p := parse("README.md", sample)
	if p.lines != 16 {
		t.Errorf("lines: got %d, want 16", p.lines)
	}
	wantHeadings := []heading{{1, 1, "Parley"}, {5, 2, "How to start it (fast)"}, {13, 2, "End"}}
	if !slices.Equal(p.headings, wantHeadings) {
		t.Errorf("headings: got %v, want %v", p.headings, wantHeadings)
	}
	wantLinks := []link{
		{2, "docs/map.md#north"},
		{3, "docs/x.png"},
		{11, "a.go"},
		{11, "b.go"},
		{14, "c.go"},
		{16, "docs/ref.md"},
	}
	if !slices.Equal(p.links, wantLinks) {
		t.Errorf("links: got %v, want %v", p.links, wantLinks)
	}
	if len(p.fences) != 1 || p.fences[0].info != "sh run" || len(p.fences[0].code) != 2 {
		t.Errorf("fences: got %+v", p.fences)
	}
	if want := []item{{11, "a.go"}, {12, ""}}; !slices.Equal(p.numbered, want) {
		t.Errorf("reading path: got %v, want %v", p.numbered, want)
	}
}

func TestAnchor(t *testing.T) {
	for text, want := range map[string]string{
		"How to start it (fast)": "how-to-start-it-fast",
		"`make run`, in short":   "make-run-in-short",
		"三条命令":                   "三条命令",
		"[A link](x.md) here":    "a-link-here",
	} {
		if got := anchor(text); got != want {
			t.Errorf("anchor(%q) = %q, want %q", text, got, want)
		}
	}
}
