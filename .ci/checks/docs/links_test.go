package docs

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestBrokenLinksAreFound(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "docs"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"README.md", "docs/a.md", "main.go"} {
		if err := os.WriteFile(filepath.Join(root, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	readme := parse("README.md", "# Top\n## Below\n")
	a := parse("docs/a.md", "# A page\n")
	pages := map[string]*page{readme.path: readme, a.path: a}

	for _, test := range []struct{ target, want string }{
		{"../README.md", ""},
		{"../README.md#below", ""},
		{"../README.md#above", "no such heading"},
		{"#a-page", ""},
		{"#b-page", "no such heading"},
		{"../main.go#L10", ""},
		{"..", ""},
		{"../gone.go", "no such file"},
		{"../../outside.md", "leaves the repository"},
		{"/README.md", "starts at the root of a site: write it relative to the page"},
		{"https://example.com/x", ""},
		{"mailto:a@example.com", ""},
	} {
		if got := broken(root, pages, a, test.target); got != test.want {
			t.Errorf("broken(%q) = %q, want %q", test.target, got, test.want)
		}
	}
}

func TestUnknownMakeTargetsAreFound(t *testing.T) {
	p := parse("a.md", "```sh\nmake run\nGATEWAYS=4 make tset  # typo\ngit clone x && make test\n```\n```go\nmake gone\n```\n")
	got := checkTargets(p, "\nrun: build\n\ntest:\n")
	if want := []string{"a.md:3: make tset: no such target"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
