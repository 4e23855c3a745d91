package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/local/build"
	"github.com/parley-im/parley/deploy/local/proc"
)

const (
	buildTime = 5 * time.Minute  // for a page and programs of which nothing is cached
	startTime = 60 * time.Second // for a process to be ready
	playTime  = 6 * time.Minute  // for a play on a busy machine; alone it takes a fraction
)

// stage is what a play is told, as JSON in PARLEY_STAGE.
type stage struct {
	Page     string   `json:"page"`
	Gateways []string `json:"gateways"` // host:port
	Control  string   `json:"control"`  // POST /kill/NAME, /start/NAME
	Chromium string   `json:"chromium"`
	Pictures string   `json:"pictures"` // folder
}

// play starts an example as `make example` does and lets a script play on its
// page. Nothing of either is left when it returns.
func play(t *testing.T, example, script string) {
	t.Helper()
	tools := find(t)
	out := &journal{}
	c, ports := cluster(t, example, out)
	mux := http.NewServeMux()
	controls(mux, c)
	control := httptest.NewServer(mux)
	defer control.Close()
	s := stage{
		Page: fmt.Sprintf("http://127.0.0.1:%d/", ports.Page), Control: control.URL,
		Chromium: tools.chromium, Pictures: t.ArtifactDir(),
	}
	for i := range c.Gateways {
		s.Gateways = append(s.Gateways, fmt.Sprintf("127.0.0.1:%d", ports.Gateway+i))
	}
	perform(t, tools.node, c, out, script, s)
}

// perform lets a script play on a stage that is set.
func perform(t *testing.T, node string, c *local.Cluster, out *journal, script string, s stage) {
	t.Helper()
	t.Cleanup(func() { notCached(t) })
	told, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	// Chromium gets a home of its own. Its sockets lie there, and a socket's path
	// has at most 108 bytes.
	home, err := os.MkdirTemp("", "parley-") //nolint:usetesting // t.TempDir is too long
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(home)

	who := player + " " + script
	p := c.Fleet.Add(proc.Spec{
		Name: who, Path: node, Args: []string{script},
		Env: []string{"PARLEY_STAGE=" + string(told), "HOME=" + home, "TMPDIR=" + home},
	})
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Done():
		if e, _ := p.Exit(); e.Code != 0 {
			t.Errorf("%s ended with %v", script, e)
		}
	case <-time.After(playTime):
		t.Errorf("%s did not end within %v", script, playTime)
		_ = p.Kill()
	}
	gone(t, home)
	t.Logf("%s:\n%s", script, out.of(who))
	if t.Failed() {
		t.Logf("what the processes wrote:\n%s", out.of(""))
	}
}

// notCached keeps go test from repeating this result without a run: it sees
// neither the pages nor the programs that this is about. It never does so for a
// test that opened a file written a moment ago.
func notCached(t *testing.T) {
	if err := os.WriteFile(filepath.Join("node_modules", ".played"), nil, 0o644); err != nil {
		t.Error(err)
	}
}

// storing are the examples that keep something in a file.
var storing = []string{"swoolechat", "onetoone", "shareddoc", "support"}

// player begins what the process of a script is called.
const player = "play"

// cluster starts the processes that `make example` starts, on free ports.
func cluster(t *testing.T, example string, out proc.Output) (*local.Cluster, local.Ports) {
	t.Helper()
	building, done := context.WithTimeout(t.Context(), buildTime)
	defer done()
	worker := path.Join(build.Examples, example)
	root, err := build.Root(".")
	if err != nil {
		t.Fatal(err)
	}
	pools := build.WorkerPools(root, example)
	var workerArgs []string
	if slices.Contains(storing, example) {
		workerArgs = append(workerArgs, "--database", filepath.Join(t.TempDir(), "example.db"))
	}
	packages := []string{build.Register, build.Gateway, worker}
	feeder, fed := build.Feeder(root, example)
	if fed {
		packages = append(packages, build.API, feeder)
	}
	programs, err := build.Builder{}.Programs(building, packages...)
	if err != nil {
		t.Fatal(err)
	}
	ports, err := local.FreePorts("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ports.Release)
	cfg := local.Config{
		Programs: local.Programs{Register: programs[build.Register], Gateway: programs[build.Gateway], Worker: programs[worker]},
		Gateways: 2, Workers: 2 * len(pools), WorkerPools: pools, WorkerArgs: workerArgs, Ports: ports.Ports, Page: true, Output: out,
		RegisterArgs: []string{"--lease", "1s"},
		GatewayArgs:  append([]string{"--drain-window", "300ms"}, build.GatewayArgs(root, example)...),
	}
	if fed {
		cfg.Programs.API, cfg.Programs.Feeder = programs[build.API], programs[feeder]
		if err := cfg.LetFeederPush(t.TempDir()); err != nil {
			t.Fatal(err)
		}
	}
	c, err := local.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	if err := c.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	return c, ports.Ports
}
