package link_test

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway/internal/hub"
	"github.com/parley-im/parley/gateway/internal/link"
	"github.com/parley-im/parley/gateway/internal/ws"
	"github.com/parley-im/parley/register/handshake"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

const cluster, secret = "test", "a secret of the tests"

// rig is a gateway without the parts above the link: sockets, hub, link, and a
// gRPC server on loopback.
type rig struct {
	t    testing.TB
	hub  *hub.Hub
	link *link.Link
	ws   *ws.Server
	boot uint64
	log  *logbook

	handler *lateHandler

	clients, links string // addresses
	end            func() // ends everything, once; also at the end of the test
}

// option changes what a rig is made of.
type option func(*link.Config, *ws.Config, *hub.Config)

func newRig(t testing.TB, options ...option) *rig {
	t.Helper()
	r := &rig{t: t, boot: handshake.NewBoot(), log: &logbook{}, handler: &lateHandler{}}
	cfg := link.Config{
		Identity: handshake.Identity{Cluster: cluster, Role: "gateway", Node: "gw-1", Boot: r.boot},
		Secrets:  []string{secret}, Log: slog.New(r.log), LastWords: patience / 2,
	}
	sockets := ws.Config{Limits: ws.Limits{FrameRate: -1, ByteRate: -1, HandshakeRate: -1}}
	index := hub.Config{}
	for _, o := range options {
		o(&cfg, &sockets, &index)
	}
	r.hub = hub.New(index)
	var err error
	if r.ws, err = ws.New(sockets, r.handler); err != nil {
		t.Fatal(err)
	}
	if cfg.Hub = r.hub; cfg.Encode == nil {
		cfg.Encode = r.ws.Encoder().Frame
	}
	if r.link, err = link.New(cfg); err != nil {
		t.Fatal(err)
	}
	r.handler.Link = r.link
	r.start()
	return r
}

// lateHandler closes the circle between ws.New and link.New.
type lateHandler struct {
	*link.Link
	opened func(*ws.Conn) // set by benchmarks
}

func (r *rig) start() {
	r.t.Helper()
	clients, links := listen(r.t), listen(r.t)
	r.clients, r.links = clients.Addr().String(), links.Addr().String()
	server := r.link.NewServer(nil)
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		_ = r.link.Run(ctx)
		r.link.Stop(server)
	})
	all.Go(func() { _ = r.ws.Serve(ctx, clients, nil) })
	all.Go(func() { _ = server.Serve(r.link.Guard(links)) })
	r.end = sync.OnceFunc(func() {
		cancel()
		done := make(chan struct{})
		go func() { all.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(patience):
			r.t.Error("the gateway does not end")
		}
	})
	r.t.Cleanup(r.end)
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// stat waits until a counter is at least n.
func (r *rig) stat(what string, counter interface{ Load() int64 }, n int64) {
	r.t.Helper()
	eventually(r.t, what, func() bool { return counter.Load() >= n })
}

// eventually polls until ok holds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

// logbook keeps what was logged, a line each.
type logbook struct {
	mu    sync.Mutex
	lines []string
}

func (b *logbook) Enabled(context.Context, slog.Level) bool { return true }
func (b *logbook) WithAttrs([]slog.Attr) slog.Handler       { return b }
func (b *logbook) WithGroup(string) slog.Handler            { return b }

func (b *logbook) Handle(_ context.Context, r slog.Record) error {
	line := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool {
		line += " " + a.String()
		return true
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, line)
	return nil
}

// with returns the lines that contain text.
func (b *logbook) with(text string) (found []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, line := range b.lines {
		if contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}
