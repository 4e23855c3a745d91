package webcheck

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/deploy/local/build"
)

// patience is how long everything may take on a busy machine; tokens of two minutes end in
// one of the tests.
const patience = 9 * time.Minute

// page builds the page, which fetches what it and its checks are made with. What hinders
// is told in lines, and is no error to `make run`; here it is.
var page = sync.OnceValue(func() error {
	if _, err := exec.LookPath("npm"); err != nil {
		return errors.New("no npm: the page and its client are not checked; get Node 20.19 or newer with npm, https://nodejs.org")
	}
	var said []string
	b := build.Builder{Say: func(line string) { said = append(said, line) }}
	if err := b.Page(context.Background()); err != nil {
		return err
	}
	for _, line := range said {
		if strings.Contains(line, "not built") {
			return errors.New(strings.TrimPrefix(line, "page     "))
		}
	}
	return nil
})

// ready skips the test when something is missing, and fails it where nothing may be.
func ready(t *testing.T) (root string) {
	t.Helper()
	if err := page(); err != nil {
		if os.Getenv("PARLEY_CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	root, err := build.Root(".")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func TestThePagePassesItsOwnChecks(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(ready(t), "api", "web")
	npm(t, dir, nil, "run", "check")
	npm(t, dir, nil, "test")
	notCached(t, dir)
}

// The client meets a chat in memory that does everything wrong that it can, and then the
// programs themselves.
func TestTheClientPassesItsOwnChecks(t *testing.T) {
	t.Parallel()
	root := ready(t)
	dir := filepath.Join(root, "api", "sdk")
	npm(t, dir, nil, "ci", "--no-audit", "--no-fund")
	npm(t, dir, nil, "run", "check")
	programs, err := build.Builder{Root: root}.Programs(t.Context(), build.Register, build.Gateway, build.Worker, build.API)
	if err != nil {
		t.Fatal(err)
	}
	npm(t, dir, []string{"PARLEY_BIN=" + filepath.Dir(programs[build.Worker])}, "test")
	notCached(t, dir)
}

// npm runs one of its commands, which must go well.
func npm(t *testing.T, dir string, env []string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), append(env, "NO_COLOR=1")...)
	cmd.WaitDelay = 5 * time.Second // what npm has started may hold its output
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("npm %s in %s: %v\n%s", strings.Join(args, " "), filepath.Base(dir), err, said)
	}
}

// notCached keeps go test from repeating the result without a run: it does not see what
// npm reads. It never does so for a test that opened a file written a moment ago.
func notCached(t *testing.T, dir string) {
	file := filepath.Join(dir, "node_modules", ".checked")
	if err := os.WriteFile(file, []byte(fmt.Sprint(time.Now())), 0o644); err != nil {
		t.Error(err)
	}
	if _, err := os.ReadFile(file); err != nil {
		t.Error(err)
	}
}
