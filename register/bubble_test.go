package register_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
	"github.com/parley-im/parley/register/server"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is registers and processes in one synctest bubble: real gRPC over memory,
// on the bubble's clock.
type world struct {
	t   *testing.T
	log *logged

	mu        sync.Mutex
	registers map[string]*bubbleRegister
}

// bubbleRegister is one register that can be killed, restarted and hung.
type bubbleRegister struct {
	server *server.Server
	lis    *pipes
	cancel context.CancelFunc
	done   chan error
	hung   bool
}

func inBubble(t *testing.T, f func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		f(t, &world{t: t, log: new(logged), registers: map[string]*bubbleRegister{}})
	})
}

// start runs a register at addr that knows nobody.
func (w *world) start(addr string) *server.Server {
	w.t.Helper()
	return w.startWith(addr, server.Config{})
}

func (w *world) startWith(addr string, cfg server.Config) *server.Server {
	w.t.Helper()
	cfg.Log = slog.New(slog.DiscardHandler)
	s, err := server.New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &bubbleRegister{server: s, lis: newPipes(), cancel: cancel, done: make(chan error, 1)}
	go func() { r.done <- s.Run(ctx, r.lis) }()
	w.mu.Lock()
	w.registers[addr] = r
	w.mu.Unlock()
	w.t.Cleanup(func() { w.kill(addr) })
	return s
}

// kill ends the register at addr as kill -9 would.
func (w *world) kill(addr string) {
	w.mu.Lock()
	r := w.registers[addr]
	delete(w.registers, addr)
	w.mu.Unlock()
	if r == nil {
		return
	}
	r.cancel()
	if err := <-r.done; err != nil {
		w.t.Errorf("register: %v", err)
	}
}

func (w *world) dial(ctx context.Context, addr string) (net.Conn, error) {
	w.mu.Lock()
	r := w.registers[addr]
	w.mu.Unlock()
	if r == nil {
		return nil, fmt.Errorf("dial %s: connection refused", addr)
	}
	conn, err := r.lis.dial(ctx)
	if err != nil {
		return nil, err
	}
	return &hangingConn{Conn: conn, w: w, r: r}, nil
}

// hang lets nothing pass to or from a register any more while connections stay open.
func (w *world) hang(addr string, hung bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.registers[addr].hung = hung
}

// hangingConn throws away what arrives from, and what is sent to, a hung register.
type hangingConn struct {
	net.Conn
	w *world
	r *bubbleRegister
}

func (c *hangingConn) hung() bool {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	return c.r.hung
}

func (c *hangingConn) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if err != nil || !c.hung() {
			return n, err
		}
	}
}

func (c *hangingConn) Write(b []byte) (int, error) {
	if c.hung() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// process is one process of the cluster: its client and how to end it.
type process struct {
	*register.Client
	boot uint64
	w    *world
	kill func()
}

// process starts one that knows the given registers; it has not joined.
func (w *world) process(role, node string, registers ...string) *process {
	w.t.Helper()
	return w.processBy(w.dial, role, node, registers...)
}

func (w *world) processBy(dial func(context.Context, string) (net.Conn, error), role, node string, registers ...string) *process {
	w.t.Helper()
	id := handshake.Identity{Role: role, Node: node, Boot: handshake.NewBoot()}
	c, err := register.New(register.Config{
		Registers: registers, Identity: id, Dial: dial, Log: slog.New(w.log.of(node)),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := c.Run(ctx); err != nil {
			w.t.Errorf("client %s: %v", node, err)
		}
	}()
	kill := func() { cancel(); <-done }
	w.t.Cleanup(kill)
	return &process{Client: c, boot: id.Boot, w: w, kill: kill}
}

func (p *process) join(addr string) *process {
	p.w.t.Helper()
	if err := p.Join(register.Member{Addr: addr}); err != nil {
		p.w.t.Fatal(err)
	}
	return p
}

// pass lets the bubble's time pass.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// ids is who is in a view, as text.
func ids(v *register.View) string {
	var all []string
	for _, m := range v.Members() {
		all = append(all, m.ID)
	}
	return strings.Join(all, " ")
}

func want(t *testing.T, v *register.View, when, members string) {
	t.Helper()
	if got := ids(v); got != members {
		t.Errorf("%s: the view has %q, want %q", when, got, members)
	}
}

// logged collects log lines.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) of(node string) slog.Handler {
	return slog.NewTextHandler(writerFunc(func(b []byte) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.lines = append(l.lines, node+" "+string(b))
	}), nil)
}

// count says how many lines contain all parts.
func (l *logged) count(parts ...string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, line := range l.lines {
		if !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(line, p) }) {
			n++
		}
	}
	return n
}

type writerFunc func([]byte)

func (f writerFunc) Write(b []byte) (int, error) { f(b); return len(b), nil }
