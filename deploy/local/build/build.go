// Package build compiles the programs of this repository, so that whoever starts
// them starts what stands in the working tree.
package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Programs of Parley, by their package below the root.
const (
	Register = "register/cmd/parley-register"
	Gateway  = "gateway/cmd/parley-gateway"
	Worker   = "worker/chat/cmd/parley-worker"
	API      = "api/cmd/parley-api"
	Ctl      = "api/cmd/parleyctl"
	NATS     = "deploy/cmd/parley-nats"
	Demo     = "deploy/cmd/parley-demo"
	Examples = "worker/examples" // each folder in it with a main.go is one
)

// Builder compiles into one folder. Its zero value builds what users run.
type Builder struct {
	Root string   // of the repository; "": the one around the working directory
	Race bool     // with the race detector; needs a C compiler
	Tags []string // build tags, e.g. parley_faults

	// Say gets one readable line for each step; nil: nobody wants to know.
	Say func(line string)
	// Before is called before a package is compiled, and may wait for what it embeds; nil:
	// nothing is waited for.
	Before func(pkg string) error
}

// Programs builds packages, given by their path below the root, and returns
// where each program lies. It blocks for as long as the compiler needs; builds
// of several processes wait for one another.
func (b Builder) Programs(ctx context.Context, packages ...string) (map[string]string, error) {
	root := b.Root
	if root == "" {
		var err error
		if root, err = Root("."); err != nil {
			return nil, err
		}
	}
	bin := filepath.Join(root, "bin", b.variant())
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	unlock, err := lock(filepath.Join(bin, ".lock"))
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	defer unlock()
	programs := make(map[string]string, len(packages))
	for i, pkg := range packages {
		name := path.Base(pkg)
		if b.Before != nil {
			if err := b.Before(pkg); err != nil {
				return nil, err
			}
		}
		programs[pkg] = filepath.Join(bin, name)
		b.say("build    %s (%d of %d)", name, i+1, len(packages))
		began := time.Now()
		if err := b.compile(ctx, root, pkg, programs[pkg]); err != nil {
			return nil, err
		}
		if took := time.Since(began); took > 3*time.Second {
			b.say("built    %s in %v", name, took.Round(100*time.Millisecond))
		}
	}
	return programs, nil
}

// variant is the folder below bin, so that builds of different kinds do not
// overwrite one another. Makefile's build and the zero Builder share bin itself.
func (b Builder) variant() string {
	parts := append([]string(nil), b.Tags...)
	if b.Race {
		parts = append(parts, "race")
	}
	return strings.Join(parts, "-")
}

func (b Builder) compile(ctx context.Context, root, pkg, out string) error {
	args := []string{"build", "-trimpath", "-o", out}
	cgo := "CGO_ENABLED=0"
	if b.Race {
		args, cgo = append(args, "-race"), "CGO_ENABLED=1"
	}
	if len(b.Tags) > 0 {
		args = append(args, "-tags", strings.Join(b.Tags, ","))
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "./"+pkg)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), cgo)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("build %s: %w", pkg, context.Cause(ctx))
		}
		if errors.Is(err, exec.ErrNotFound) {
			return errors.New("build: no go command found: install Go 1.26, https://go.dev/dl")
		}
		return fmt.Errorf("build %s: %w\n%s", pkg, err, bytes.TrimSpace(said.Bytes()))
	}
	return nil
}

func (b Builder) say(format string, args ...any) {
	if b.Say != nil {
		b.Say(fmt.Sprintf(format, args...))
	}
}

// Root returns the folder with the go.work of this repository, at or above dir.
func Root(dir string) (string, error) {
	at, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(at, "go.work")); err == nil {
			if _, err := os.Stat(filepath.Join(at, "gateway", "gateway.go")); err == nil {
				return at, nil
			}
		}
		up := filepath.Dir(at)
		if up == at {
			return "", errors.New("not inside the repository of Parley: no go.work found above the working directory")
		}
		at = up
	}
}

// ExampleNames lists the examples there are.
func ExampleNames(root string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(root, filepath.FromSlash(Examples)))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(Examples), e.Name(), "main.go")); err == nil {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// HasPage reports whether an example has a page to serve.
func HasPage(root, example string) bool {
	_, err := os.Stat(filepath.Join(root, filepath.FromSlash(Examples), example, "index.html"))
	return err == nil
}

// Feeder returns the program beside an example, if there is one, that pushes to its clients
// from outside, by its package.
func Feeder(root, example string) (pkg string, ok bool) {
	pkg = path.Join(Examples, example, "feeder")
	_, err := os.Stat(filepath.Join(root, filepath.FromSlash(pkg), "main.go"))
	return pkg, err == nil
}

// WorkerPools returns the flags of each pool of workers that an example wants: one for
// each line of its worker.args, spaces between. Without that file it is one pool that
// needs no flags.
func WorkerPools(root, example string) (pools [][]string) {
	for _, line := range argsFile(root, example, "worker.args") {
		pools = append(pools, strings.Fields(line))
	}
	if pools == nil {
		return [][]string{nil}
	}
	return pools
}

// GatewayArgs returns the flags that an example wants of its gateways: the lines of its
// gateway.args, none without that file.
func GatewayArgs(root, example string) []string {
	return argsFile(root, example, "gateway.args")
}

// NATSArgs returns the flags of the NATS server that an example wants beside it: the lines of
// its nats.args. Without that file it wants none.
func NATSArgs(root, example string) []string {
	return argsFile(root, example, "nats.args")
}

// argsFile returns the lines of a file beside an example, none without it.
func argsFile(root, example, name string) []string {
	b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(Examples), example, name))
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(strings.Split(string(b), "\n"), func(line string) bool { return line == "" })
}
