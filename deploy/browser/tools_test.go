package browser

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// tools are the programs of this machine that the plays need.
type tools struct{ node, chromium string }

// find returns the tools, with the packages of package.json in place. What is
// missing skips the test with one line that says how to get it; in CI, where
// nothing may be skipped, it fails the test.
func find(t *testing.T) tools {
	t.Helper()
	var found tools
	var err error
	if found.node, err = findNode(); err == nil {
		if found.chromium, err = findChromium(); err == nil {
			err = packages()
		}
	}
	if err == nil {
		return found
	}
	if os.Getenv("PARLEY_CI") != "" {
		t.Fatal(err)
	}
	t.Skip(err)
	return tools{}
}

func findNode() (string, error) {
	const get = "no page was opened: Node 20 is missing, get it with your system's packages or from nodejs.org"
	node, err := exec.LookPath("node")
	if err != nil {
		return "", errors.New(get)
	}
	out, err := exec.Command(node, "--version").Output()
	var major int
	if _, scan := fmt.Sscanf(string(out), "v%d.", &major); err != nil || scan != nil || major < 20 {
		return "", fmt.Errorf(get+" (%s is %s)", node, bytes.TrimSpace(out))
	}
	return node, nil
}

// chromiums are what Chromium is called on different systems.
var chromiums = []string{
	"chromium", "chromium-browser", "google-chrome", "google-chrome-stable",
	"/Applications/Chromium.app/Contents/MacOS/Chromium",
	"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
}

func findChromium() (string, error) {
	names := chromiums
	if name := os.Getenv("PARLEY_CHROMIUM"); name != "" {
		names = []string{name}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no page was opened: no %s here, get it with `apt-get install chromium`, or say where one is in PARLEY_CHROMIUM", names[0])
}

// packages is tried once.
var packages = sync.OnceValue(func() error { return fetchPackages(".") })

// fetchPackages runs npm ci in dir when its packages are not those of the lock
// file. It waits for another process that does. Without a network it gives up
// within seconds.
func fetchPackages(dir string) error {
	lock, err := os.Open(filepath.Join(dir, "package-lock.json"))
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
	stamp := filepath.Join(dir, "node_modules", ".fetched") // a copy of the lock file, written last
	if have, err := os.ReadFile(stamp); err == nil && bytes.Equal(have, want) {
		return nil
	}
	cmd := exec.Command("npm", "ci", "--ignore-scripts", "--loglevel=error", "--prefer-offline",
		"--fetch-retries=2", "--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=3000")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("no page was opened: `npm ci` in deploy/browser fails, run it where npm reaches its registry (%v: %s)", err, firstLine(out))
	}
	return os.WriteFile(stamp, want, 0o644)
}

func firstLine(out []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line
}
