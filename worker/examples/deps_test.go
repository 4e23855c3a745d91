package examples

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What a program with a worker in it may bring along, beside Go itself.
var sdk = []string{
	"github.com/parley-im/parley/proto", "github.com/parley-im/parley/register", "github.com/parley-im/parley/worker",
	"google.golang.org/grpc", "google.golang.org/protobuf", "google.golang.org/genproto/googleapis/rpc", "golang.org/x/",
}

// A module of its own, outside of the workspace, with the worker of the README in it. What
// holds sockets, databases, streams of events or metrics for a gateway, the chat or an
// operator (gws, gorm, nats, prometheus) is no part of it, nor is anything else.
func TestAWorkerOfTwentyLinesBringsOnlyTheSDK(t *testing.T) {
	dir := t.TempDir()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	source := blocks(t, readme)[0]
	if lines := strings.Count(source, "\n"); lines > 20 {
		t.Errorf("it has %d lines", lines)
	}
	mod := "module example.com/mine\n\ngo 1.26.0\n\nrequire github.com/parley-im/parley/worker v0.0.0\n\n"
	for _, module := range []string{"proto", "register", "worker"} {
		mod += fmt.Sprintf("replace github.com/parley-im/parley/%s => %s\n", module, filepath.Join(root, module))
	}
	sums, err := os.ReadFile("../go.sum") // the SDK's own: nobody has to be asked
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"go.mod": mod, "go.sum": string(sums), "main.go": source} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "CGO_ENABLED=0")
		var said strings.Builder
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, said.String())
		}
		return string(out)
	}
	run("build", "-o", filepath.Join(dir, "mine"), ".")

	seen := make(map[string]bool)
	for list := json.NewDecoder(strings.NewReader(run("list", "-deps", "-json=ImportPath,Standard", "."))); ; {
		var p struct {
			ImportPath string
			Standard   bool
		}
		if err := list.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if p.Standard || p.ImportPath == "example.com/mine" {
			continue
		}
		allowed := false
		for _, prefix := range sdk {
			if p.ImportPath == prefix || strings.HasPrefix(p.ImportPath, strings.TrimSuffix(prefix, "/")+"/") {
				allowed, seen[prefix] = true, true
			}
		}
		if !allowed {
			t.Errorf("it compiles in %s", p.ImportPath)
		}
	}
	for _, prefix := range sdk {
		if !seen[prefix] {
			t.Errorf("nothing of %s is in it: the list is not that of a worker", prefix)
		}
	}
}
