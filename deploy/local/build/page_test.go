package build

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// webRepo is a repository that has nothing but the sources of a page, with an npm and a
// node that write down how they were called.
func webRepo(t *testing.T, node string) (root string, calls func() string) {
	t.Helper()
	root = t.TempDir()
	tools := t.TempDir()
	log := filepath.Join(tools, "calls")
	for name, text := range map[string]string{
		filepath.Join(root, "api/web/package.json"):      "{}",
		filepath.Join(root, "api/web/package-lock.json"): "{}",
		filepath.Join(root, "api/web/src/main.ts"):       "hello",
		filepath.Join(root, "api/sdk/src/index.ts"):      "sdk",
		filepath.Join(tools, "node"):                     "#!/bin/sh\necho " + node + "\n",
		filepath.Join(tools, "npm"): "#!/bin/sh\necho \"$1\" >>" + log + "\n" +
			"if [ -e broken ]; then echo it broke; exit 1; fi\n" +
			"if [ \"$1\" = ci ]; then /bin/mkdir -p node_modules; fi\n" +
			"if [ \"$1\" = run ]; then /bin/mkdir -p dist; echo page >dist/index.html; fi\n",
	} {
		write(t, name, text)
	}
	t.Setenv("PATH", tools)
	return root, func() string {
		b, _ := os.ReadFile(log) // nobody called yet
		return strings.Join(strings.Fields(string(b)), " ")
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestPageIsBuiltOnceForItsSources(t *testing.T) {
	root, calls := webRepo(t, "v20.20.2")
	page := func(want string) {
		t.Helper()
		if err := (Builder{Root: root}).Page(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := calls(); got != want {
			t.Errorf("npm was called with %q, want %q", got, want)
		}
	}
	page("ci run")
	page("ci run")
	write(t, filepath.Join(root, "api/sdk/src/index.ts"), "another sdk")
	page("ci run run")
	write(t, filepath.Join(root, "api/web/package-lock.json"), `{"x":1}`)
	page("ci run run ci run")
	if err := os.RemoveAll(filepath.Join(root, "api/web/dist")); err != nil {
		t.Fatal(err)
	}
	page("ci run run ci run run")
}

func TestWithoutANodeThatCanEverythingElseGoesOn(t *testing.T) {
	for _, test := range []struct{ node, want string }{
		{"v18.2.0", "this one is v18.2.0"},
		{"v20.9.0", "this one is v20.9.0"},
		{"nonsense", "does not say its version"},
	} {
		root, calls := webRepo(t, test.node)
		var said []string
		if err := (Builder{Root: root, Say: func(line string) { said = append(said, line) }}).Page(t.Context()); err != nil {
			t.Errorf("%s: %v", test.node, err)
		}
		if text := strings.Join(said, "\n"); !strings.Contains(text, test.want) || !strings.Contains(text, "Everything but the page works") || calls() != "" {
			t.Errorf("%s: said %q, called npm with %q", test.node, text, calls())
		}
	}
	root, _ := webRepo(t, "v22.1.0")
	t.Setenv("PATH", t.TempDir())
	var said string
	if err := (Builder{Root: root, Say: func(line string) { said += line }}).Page(t.Context()); err != nil || !strings.Contains(said, "no node command") {
		t.Errorf("said %q, %v", said, err)
	}
}

func TestABuildThatFailsIsSaidAndTriedAgain(t *testing.T) {
	root, calls := webRepo(t, "v24.0.0")
	write(t, filepath.Join(root, "api/web/broken"), "")
	var said string
	b := Builder{Root: root, Say: func(line string) { said += line }}
	for range 2 {
		if err := b.Page(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(said, "it broke") || calls() != "ci ci" {
		t.Errorf("said %q after npm %s", said, calls())
	}
}
