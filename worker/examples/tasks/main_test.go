package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/examples/clustertest"
	"github.com/parley-im/parley/worker/internal/leaktest"
)

// TestMain is also the main of the workers that tests start as processes.
func TestMain(m *testing.M) {
	if clustertest.IsWorker() {
		o := &traced{}
		o.do = func(ctx context.Context, t task) (map[string]any, error) { return do(ctx, o.dir, t) }
		worker.Main(o)
		return
	}
	leaktest.Main(m)
}

// traced is an office whose tasks leave their traces in a folder.
type traced struct {
	office
	dir string
}

func (o *traced) Flags(fs *flag.FlagSet) {
	o.office.Flags(fs)
	fs.StringVar(&o.dir, "traces", "", "`folder` of what tasks leave")
}

// do does what the text of a task says. It notes that it begins, and has one effect, which
// bears the key of the task: when it runs again there still is one.
func do(ctx context.Context, dir string, t task) (map[string]any, error) {
	begun, err := os.OpenFile(filepath.Join(dir, "begun"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintln(begun, t.ID)
	if err = errors.Join(err, begun.Close()); err != nil {
		return nil, err
	}
	kind, _, _ := strings.Cut(t.Of, " ")
	if kind == "fail" {
		return nil, errors.New("it always fails")
	}
	took, err := time.ParseDuration(kind)
	if err != nil {
		return nil, err
	}
	select {
	case <-time.After(took):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	effect, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf("effect-%x", sha256.Sum256([]byte(t.Key)))), os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = effect.Close()
	} else if errors.Is(err, os.ErrExist) {
		err = nil // it had been done, and was not told
	}
	return map[string]any{"id": t.ID, "state": "done", "of": t.Of}, err
}

// begun counts how often a task, or any, was begun.
func begun(t *testing.T, dir, id string) (n int) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "begun"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if id == "" || line == id+"\n" {
			n++
		}
	}
	return n
}

// effects counts what the tasks have done.
func effects(t *testing.T, dir string) int {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "effect-*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(clustertest.Patience); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not so in time: ", what)
		}
	}
}
