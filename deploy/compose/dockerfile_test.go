package compose

import (
	"debug/elf"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/parley-im/parley/deploy/local/build"
)

const (
	dockerfile  = "../Dockerfile"
	composefile = "compose.yaml"
)

// targets are the images that are made.
var targets = []string{"register", "gateway", "worker", "api"}

func root(t *testing.T) string {
	t.Helper()
	r, err := build.Root(".")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// images carries out the Dockerfile for all targets and returns where each program is.
func images(t *testing.T) map[string]string {
	t.Helper()
	d, err := ReadDockerfile(dockerfile)
	if err != nil {
		t.Fatal(err)
	}
	k := &kitchen{t: t, root: root(t), folder: t.TempDir(), file: d, done: map[string]*plate{}}
	programs := map[string]string{}
	for _, target := range targets {
		programs[target] = filepath.Join(k.serve(target).folder, entrypoint(t, d, target))
	}
	return programs
}

func entrypoint(t *testing.T, d Dockerfile, target string) string {
	t.Helper()
	in, ok := d.Find(target, "ENTRYPOINT")
	var words []string
	if !ok || json.Unmarshal([]byte(in.Rest), &words) != nil || len(words) != 1 {
		t.Fatalf("%s: its ENTRYPOINT is %q, want a list of one program, which needs no shell", target, in.Rest)
	}
	return words[0]
}

// isStatic reports whether a program needs nothing but the kernel.
func isStatic(t *testing.T, path string) bool {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	libraries, _ := f.ImportedLibraries()
	return len(libraries) == 0 && !slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
}

// TestImagesAreOfPinnedParentsAndWithoutRoot looks at what the Dockerfile says.
func TestImagesAreOfPinnedParentsAndWithoutRoot(t *testing.T) {
	d, err := ReadDockerfile(dockerfile)
	if err != nil {
		t.Fatal(err)
	}
	tag := regexp.MustCompile(`^[a-z]+:\d+\.\d+\.\d+[a-z0-9.-]*$`)
	for _, s := range d {
		if s.From != "scratch" && d.Stage(s.From) == nil && !tag.MatchString(s.From) {
			t.Errorf("Dockerfile:%d: %s is not pinned: want image:1.2.3", s.Line, s.From)
		}
	}
	for _, target := range targets {
		user, _ := d.Find(target, "USER")
		if !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(user.Rest) {
			t.Errorf("%s runs as %q: want numbers, and not root's", target, user.Rest)
		}
		base := d.Stage(target)
		for d.Stage(base.From) != nil {
			base = d.Stage(base.From)
		}
		if base.From != "scratch" {
			t.Errorf("%s stands on %s: want nothing", target, base.From)
		}
	}
}

// TestTheBuilderIsAsNewAsTheModulesAsk holds the compiler of the image against go.work.
func TestTheBuilderIsAsNewAsTheModulesAsk(t *testing.T) {
	d, err := ReadDockerfile(dockerfile)
	if err != nil {
		t.Fatal(err)
	}
	work, err := os.ReadFile(filepath.Join(root(t), "go.work"))
	if err != nil {
		t.Fatal(err)
	}
	asked := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(work)[1]
	if from := d.Stage("source").From; !strings.HasPrefix(from, "golang:"+string(asked)+".") {
		t.Errorf("the builder is %s, go.work asks for %s", from, asked)
	}
}

// TestNothingThatIsCommittedIsKeptFromTheImages: a program says of which commit it is
// made, and a file that is missing makes it another.
func TestNothingThatIsCommittedIsKeptFromTheImages(t *testing.T) {
	text, err := os.ReadFile(dockerfile + ".dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	k := &kitchen{t: t, root: root(t)}
	to := t.TempDir()
	if err := k.context(".", to); err != nil {
		t.Fatal(err)
	}
	kept := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "!"); ok {
			kept[name] = true
		}
	}
	for line := range strings.Lines(string(text)) {
		pattern, deep := strings.CutPrefix(strings.TrimSpace(line), "**/")
		if pattern == "" || strings.HasPrefix(pattern, "#") || strings.HasPrefix(pattern, "!") {
			continue
		}
		_ = filepath.WalkDir(to, func(path string, _ os.DirEntry, _ error) error {
			rel, _ := filepath.Rel(to, path)
			name := rel
			if deep {
				name = filepath.Base(rel)
			}
			if ok, _ := filepath.Match(pattern, name); ok && !kept[rel] {
				t.Errorf("%s keeps %s from the images, which is committed", strings.TrimSpace(line), rel)
			}
			return nil
		})
	}
}
