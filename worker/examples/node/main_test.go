package node

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/parley-im/parley/worker/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// packages is tried once.
var packages = sync.OnceValue(fetchPackages)

// ready skips the test when something is missing, and fails it where nothing may be.
func ready(t *testing.T) {
	t.Helper()
	watched(t)
	if err := packages(); err != nil {
		if os.Getenv("PARLEY_CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// watched opens what Node will read, so that go test does not believe an old result.
func watched(t *testing.T) {
	t.Helper()
	var files []string
	for _, pattern := range []string{"*.js", "*.json", "link/*.js", "test/*.js", "testdata/*.js", "protos/parley/*/v1/*.proto", "protos/parley/record/testdata/*.txt"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		if _, err := os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
}

// fetchPackages runs npm ci when the packages are not those of the lock file. It waits for
// another process that does. Without a network it gives up within seconds.
func fetchPackages() error {
	const get = "get Node 20 with npm, https://nodejs.org"
	version, err := exec.Command("node", "--version").Output()
	if err != nil {
		return errors.New("no node command: the worker in JavaScript was not run; " + get)
	}
	major, _, _ := strings.Cut(strings.TrimPrefix(string(version), "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < 20 {
		return fmt.Errorf("node is %s: the worker in JavaScript was not run; %s", bytes.TrimSpace(version), get)
	}
	lock, err := os.Open("package-lock.json")
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	want, err := os.ReadFile(lock.Name())
	if err != nil {
		return err
	}
	stamp := filepath.Join("node_modules", ".fetched") // a copy of the lock file, written last
	if have, err := os.ReadFile(stamp); err == nil && bytes.Equal(have, want) {
		return nil
	}
	out, err := exec.Command("npm", "ci", "--ignore-scripts", "--loglevel=error", "--prefer-offline",
		"--fetch-retries=2", "--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=3000").CombinedOutput()
	if err != nil {
		line, _, _ := strings.Cut(string(bytes.TrimSpace(out)), "\n")
		return fmt.Errorf("the worker in JavaScript was not run: `npm ci` in worker/examples/node fails, run it where npm reaches its registry (%w: %s)", err, line)
	}
	return os.WriteFile(stamp, want, 0o644)
}

func TestTheHandlerStaysSmall(t *testing.T) {
	source, err := os.ReadFile("main.js")
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(source, []byte("\n")); lines > 60 {
		t.Errorf("main.js has %d lines, at most 60 are promised", lines)
	}
}

func TestThePartsPassTheirOwnTests(t *testing.T) {
	ready(t)
	out, err := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=spec").CombinedOutput()
	if err != nil {
		t.Errorf("node --test: %v\n%s", err, out)
	}
}
