package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// The page and what it is made of, by folders below the root. Vite writes it where the
// api embeds it from.
const (
	web      = "api/web"
	sdk      = "api/sdk"
	pageFile = "api/web/dist/index.html"
)

// Node's oldest version that builds the page: what Vite wants.
const (
	nodeMajor = 20
	nodeMinor = 19
)

// Page builds the page of the chat, if its sources are not those it was built from last.
// Without a Node that can, or when its registry cannot be reached, it says so and that is
// no error: everything but the page works. The api embeds the page, so it is built after
// it.
func (b Builder) Page(ctx context.Context) error {
	root := b.Root
	if root == "" {
		var err error
		if root, err = Root("."); err != nil {
			return err
		}
	}
	if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(web), "package.json")); err != nil {
		b.say("page     not built: there is no %s here", web)
		return nil
	}
	bin := filepath.Join(root, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	unlock, err := lock(filepath.Join(bin, ".page.lock"))
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	defer unlock()
	sources, err := digest(root, web, sdk)
	if err != nil {
		return fmt.Errorf("build the page: %w", err)
	}
	built := stamp{filepath.Join(bin, ".page")}
	if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(pageFile))); err == nil && built.is(sources) {
		return nil
	}
	if missing := nodeMissing(ctx); missing != "" {
		b.say("page     not built: %s. Everything but the page works", missing)
		return nil
	}
	if err := b.buildPage(ctx, root); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("build the page: %w", context.Cause(ctx))
		}
		b.say("page     not built, everything but the page works: %v", err)
		return nil
	}
	return built.set(sources)
}

// buildPage fetches what the page is built with, unless that is there, and builds it.
func (b Builder) buildPage(ctx context.Context, root string) error {
	dir := filepath.Join(root, filepath.FromSlash(web))
	packages, err := digest(root, web+"/package.json", web+"/package-lock.json", sdk+"/package.json")
	if err != nil {
		return err
	}
	fetched := stamp{filepath.Join(root, "bin", ".page.packages")}
	began := time.Now()
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil || !fetched.is(packages) {
		b.say("page     npm ci (the first time fetches what it needs)")
		if err := npm(ctx, dir, "ci", "--no-audit", "--no-fund"); err != nil {
			return err
		}
		if err := fetched.set(packages); err != nil {
			return err
		}
	}
	b.say("page     npm run build")
	if err := npm(ctx, dir, "run", "build"); err != nil {
		return err
	}
	if took := time.Since(began); took > 3*time.Second {
		b.say("built    the page in %v", took.Round(100*time.Millisecond))
	}
	return nil
}

func npm(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, "npm", args...)
	cmd.Dir = dir
	cmd.WaitDelay = time.Second // what npm has started may hold its output
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("npm %s: %w\n%s", args[0], err, lastLines(said.String(), 20))
	}
	return nil
}

// nodeMissing says what is missing for the page, "": nothing.
func nodeMissing(ctx context.Context) string {
	want := fmt.Sprintf("it needs Node %d.%d or newer, https://nodejs.org", nodeMajor, nodeMinor)
	out, err := exec.CommandContext(ctx, "node", "--version").Output()
	if errors.Is(err, exec.ErrNotFound) {
		return want + ", and there is no node command"
	}
	version := strings.TrimSpace(string(out))
	var major, minor int
	if _, scanned := fmt.Sscanf(version, "v%d.%d", &major, &minor); err != nil || scanned != nil {
		return want + ", and node does not say its version"
	}
	if major < nodeMajor || major == nodeMajor && minor < nodeMinor {
		return fmt.Sprintf("%s, and this one is %s", want, version)
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return want + ", with npm, and there is no npm command"
	}
	return ""
}

// lastLines is the end of what a program said.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
