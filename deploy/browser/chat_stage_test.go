package browser

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/local/build"
)

// textPing is what browsers get instead of pings, which they cannot see.
const textPing = `{"jsonrpc":"2.0","method":"ping"}`

// chatStage is the chat of a `make run` with an empty database.
type chatStage struct {
	cluster *local.Cluster
	*stage

	node string
	out  *journal
}

// newChatStage starts it. Workers take further flags.
func newChatStage(t *testing.T, workerArgs ...string) *chatStage {
	t.Helper()
	tools := find(t)
	data := t.TempDir()
	out := &journal{}
	c, ports := chatCluster(t, data, out, workerArgs)
	s := &chatStage{cluster: c, node: tools.node, out: out, stage: &stage{
		Page: at(ports.API), Chromium: tools.chromium, Pictures: t.ArtifactDir(),
	}}
	for i := range c.Gateways {
		s.Gateways = append(s.Gateways, fmt.Sprintf("127.0.0.1:%d", ports.Gateway+i))
	}
	mux := http.NewServeMux()
	controls(mux, c)
	networks(t, mux, s.stage)
	records(t, mux, database(data))
	control := httptest.NewServer(mux)
	t.Cleanup(control.Close)
	s.Control = control.URL
	return s
}

// play lets a script play on it.
func (s *chatStage) play(t *testing.T, script string) {
	t.Helper()
	own := *s.stage
	own.Pictures = t.ArtifactDir()
	perform(t, s.node, s.cluster, s.out, script, own)
}

func at(port int) string { return fmt.Sprintf("http://127.0.0.1:%d/", port) }

func database(data string) string { return "sqlite:" + filepath.Join(data, "parley.db") }

// chatCluster starts the processes that `make run` starts, but for its people, on free
// ports.
func chatCluster(t *testing.T, data string, out *journal, workerArgs []string) (*local.Cluster, local.Ports) {
	t.Helper()
	building, done := context.WithTimeout(t.Context(), buildTime)
	defer done()
	b := build.Builder{Say: func(line string) { t.Log(line) }}
	if err := b.Page(building); err != nil {
		t.Fatal(err)
	}
	programs, err := b.Programs(building, build.Register, build.Gateway, build.Worker, build.API, build.NATS)
	if err != nil {
		t.Fatal(err)
	}
	ports, err := local.FreePorts("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ports.Release)
	c, err := local.New(local.Config{
		Programs: local.Programs{
			Register: programs[build.Register], Gateway: programs[build.Gateway], Worker: programs[build.Worker],
			API: programs[build.API], NATS: programs[build.NATS],
		},
		Gateways: 2, Workers: 2, Ports: ports.Ports, Chat: true, Output: out,
		RegisterArgs: []string{"--lease", "1s"},
		GatewayArgs:  []string{"--drain-window", "300ms", "--text-ping", textPing},
		WorkerArgs:   append([]string{"--database", database(data), "--database-relaxed", "--guests"}, workerArgs...),
		APIArgs:      []string{"--files", filepath.Join(data, "files")},
		NATSArgs:     []string{"--store", filepath.Join(data, "nats")},
	})
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
