package registertest

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
	"github.com/parley-im/parley/register/server"
)

// Register is a register that runs in the test's process, or does not right now.
type Register struct {
	cfg  server.Config
	addr string

	mu     sync.Mutex
	server *server.Server // nil: stopped
	cut    *cut
	cancel context.CancelFunc
	done   chan error
}

// Start runs a register on 127.0.0.1 and a port of its own. A zero cfg.Log is silent.
// The test fails when the register ends with an error.
func Start(t testing.TB, cfg server.Config) *Register {
	t.Helper()
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	r := &Register{cfg: cfg, addr: Address(t), cut: newCut()}
	r.start(t)
	t.Cleanup(func() { r.Stop(t) })
	return r
}

// Addr is where it listens. It stays the same over restarts.
func (r *Register) Addr() string { return r.addr }

// Server is what runs now; nil when stopped.
func (r *Register) Server() *server.Server {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.server
}

// Stop ends the register as a kill would: every stream breaks, nobody is told.
func (r *Register) Stop(t testing.TB) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.server == nil {
		return
	}
	r.cancel()
	r.cut.mend() // whatever waits for the network must end
	if err := <-r.done; err != nil {
		t.Errorf("register ended: %v", err)
	}
	r.server = nil
}

// Restart stops the register if it runs and starts another one at the same address,
// which knows nobody and has another boot (unless the config names one).
func (r *Register) Restart(t testing.TB) {
	t.Helper()
	r.Stop(t)
	r.start(t)
}

// Drain says goodbye to everybody, as on SIGTERM, and then stops the register.
func (r *Register) Drain(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if s := r.Server(); s != nil {
		if err := s.Drain(ctx); err != nil {
			t.Errorf("register: %v", err)
		}
	}
	r.Stop(t)
}

// CutOff lets nothing pass in either direction any more, on connections that are open
// and on new ones, while none is closed: a peer only notices the silence.
func (r *Register) CutOff() { r.cut.cutOff() }

// Mend lets everything pass again, also what was held back.
func (r *Register) Mend() { r.cut.mend() }

func (r *Register) start(t testing.TB) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	s, err := server.New(r.cfg)
	if err != nil {
		t.Fatalf("register: %v", err)
	}
	l := Again(t, func() (net.Listener, error) { return net.Listen("tcp", r.addr) })
	ctx, cancel := context.WithCancel(context.Background())
	r.server, r.cancel, r.done = s, cancel, make(chan error, 1)
	go func() { r.done <- s.Run(ctx, cutListener{l, r.cut}) }()
}

// Client is a client of the given registers, for a member of that role and node, with
// a boot of its own. It is running, ends with the test, and has not joined.
func Client(t testing.TB, role, node string, registers ...*Register) *register.Client {
	t.Helper()
	cfg := register.Config{
		Identity: handshake.Identity{Role: role, Node: node, Boot: handshake.NewBoot()},
		Log:      slog.New(slog.DiscardHandler),
	}
	for _, r := range registers {
		cfg.Registers = append(cfg.Registers, r.Addr())
		cfg.Secrets, cfg.Identity.Cluster = r.cfg.Secrets, r.cfg.Identity.Cluster
	}
	c, err := register.New(cfg)
	if err != nil {
		t.Fatalf("register client: %v", err)
	}
	Run(t, c)
	return c
}

// Run runs a client until the test ends.
func Run(t testing.TB, c *register.Client) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("register client: %v", err)
		}
	})
}
