package build

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestRootIsFoundFromBelowAndNotFromOutside(t *testing.T) {
	root, err := Root(".")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "deploy", "local", "build", "build.go")); err != nil {
		t.Errorf("root %s: %v", root, err)
	}
	if _, err := Root(t.TempDir()); err == nil || !strings.Contains(err.Error(), "not inside the repository") {
		t.Errorf("root of an empty folder: %v", err)
	}
}

func TestExamplesAreListed(t *testing.T) {
	root, err := Root(".")
	if err != nil {
		t.Fatal(err)
	}
	names, err := ExampleNames(root)
	if err != nil || !slices.Contains(names, "swooleim") || slices.Contains(names, "clustertest") {
		t.Errorf("examples %v, %v: want swooleim among them and clustertest, which is no program, not", names, err)
	}
}

func TestFailedBuildShowsWhatTheCompilerSaid(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":      "module broken\n\ngo 1.26.0\n",
		"cmd/main.go": "package main\n\nfunc main() { nonsense() }\n",
	} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("GOWORK", "off")
	var steps []string
	_, err := Builder{Root: root, Say: func(s string) { steps = append(steps, s) }}.Programs(t.Context(), "cmd")
	if err == nil || !strings.Contains(err.Error(), "undefined: nonsense") {
		t.Errorf("build: %v, want the compiler's words", err)
	}
	if len(steps) != 1 || !strings.Contains(steps[0], "cmd (1 of 1)") {
		t.Errorf("said %q, want one line", steps)
	}
}

func TestAnExampleSaysWhatItsGatewaysNeed(t *testing.T) {
	root, err := Root(".")
	if err != nil {
		t.Fatal(err)
	}
	for example, want := range map[string][]string{
		"workermanchat": {`--text-ping={"type":"ping"}`, "--ping-interval=10s"},
		"echo":          nil,
		"nosuch":        nil,
	} {
		if got := GatewayArgs(root, example); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", example, got, want)
		}
	}
}

func TestAnExampleSaysWhetherItNeedsNATS(t *testing.T) {
	root, err := Root(".")
	if err != nil {
		t.Fatal(err)
	}
	for example, want := range map[string][]string{
		"tasks":  {"--store-size=1073741824"},
		"echo":   nil,
		"nosuch": nil,
	} {
		if got := NATSArgs(root, example); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", example, got, want)
		}
	}
}

func TestAnExampleSaysWhichPoolsOfWorkersItNeeds(t *testing.T) {
	root, err := Root(".")
	if err != nil {
		t.Fatal(err)
	}
	for example, want := range map[string][][]string{
		"twopaths": {{"--label=path=/ws/chat"}, {"--label=path=/push"}},
		"echo":     {nil},
		"nosuch":   {nil},
	} {
		if got := WorkerPools(root, example); !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%s: got %q, want %q", example, got, want)
		}
	}
}
