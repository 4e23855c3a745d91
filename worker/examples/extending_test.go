package examples

import (
	"fmt"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	_ "github.com/parley-im/parley/worker/workertest" // so that a change there is no reason to believe an old result
)

// These are links to the pages: go test looks for changes only at files of its own
// module before it believes an old result.
const (
	extending       = "testdata/extending.md"
	fromTheArticles = "testdata/from-the-articles.md"
	readme          = "testdata/README.md"
)

func TestExtendingBeginsWithEchoWordForWord(t *testing.T) {
	first := blocks(t, extending)[0]
	if echo := string(read(t, "echo/main.go")); first != echo {
		t.Errorf("the first example of docs/extending.md is not worker/examples/echo/main.go:\n%s", first)
	}
}

// TestSnippetsOfThePagesAreTrue compiles the worker of the README and every Go snippet
// of extending.md as a package of its own, and the snippets of each page of
// docs/from-*.md as one, and runs those that are tests.
func TestSnippetsOfThePagesAreTrue(t *testing.T) {
	dir := t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, content string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module snippets\n\ngo 1.26.0\n")
	work := "go 1.26.0\n\nuse (\n\t.\n"
	for _, module := range []string{"proto", "register", "worker"} {
		work += fmt.Sprintf("\t%q\n", filepath.Join(root, module))
	}
	write("go.work", work+")\n")
	workers := blocks(t, readme)
	if lines := strings.Count(workers[0], "\n"); len(workers) != 1 || lines > 20 {
		t.Errorf("the README has %d snippets, the first of %d lines, want one worker of 20 lines at most", len(workers), lines)
	}
	write(filepath.Join("readme", "main.go"), workers[0])
	snippet := func(dir, block string) {
		t.Helper()
		if formatted, err := format.Source([]byte(block)); err != nil || string(formatted) != block {
			t.Errorf("%s is not formatted (%v):\n%s", dir, err, block)
		}
		name := "snippet.go"
		if strings.Contains(block, "testing.T") {
			name = "snippet_test.go"
		}
		write(filepath.Join(dir, name), "package snippet\n\n"+imports(block)+block)
	}
	for i, block := range blocks(t, extending)[1:] {
		snippet(fmt.Sprint("snippet", i+1), block)
	}
	for _, block := range blocks(t, fromGatewayWorker) {
		snippet("ported", block)
	}
	for _, block := range blocks(t, fromTheArticles) {
		snippet("articles", block)
	}
	for _, args := range [][]string{{"vet", "./..."}, {"test", "./..."}} {
		run := exec.CommandContext(t.Context(), "go", args...)
		run.Dir = dir
		run.Env = append(os.Environ(), "GOWORK="+filepath.Join(dir, "go.work"), "GOFLAGS=")
		if out, err := run.CombinedOutput(); err != nil {
			t.Fatalf("go %s of the snippets: %v\n%s", args[0], err, out)
		}
	}
}

// imports are those that a snippet evidently means.
func imports(block string) (all string) {
	for _, path := range []string{
		"context", "encoding/json", "errors", "fmt", "log/slog", "net/http", "os", "strings", "testing", "time",
		"github.com/parley-im/parley/proto/connid",
		"github.com/parley-im/parley/proto/fault",
		"github.com/parley-im/parley/worker",
		"github.com/parley-im/parley/worker/rpc",
		"github.com/parley-im/parley/worker/workertest",
	} {
		if regexp.MustCompile(`\b` + filepath.Base(path) + `\.[A-Z]`).MatchString(block) {
			all += fmt.Sprintf("import %q\n", path)
		}
	}
	return all + "\n"
}

// blocks returns the fenced Go blocks of a page.
func blocks(t *testing.T, page string) (all []string) {
	t.Helper()
	for _, m := range regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllStringSubmatch(string(read(t, page)), -1) {
		all = append(all, m[1])
	}
	if len(all) == 0 {
		t.Fatalf("%s has no Go", page)
	}
	return all
}
