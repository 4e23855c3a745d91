package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/parley-im/parley/deploy/local/proc"
	"github.com/parley-im/parley/register/handshake"
	"github.com/parley-im/parley/register/registertest"
	"github.com/parley-im/parley/register/server"
	"github.com/parley-im/parley/worker"
)

var (
	ctxBackground = context.Background()
	silent        = slog.New(slog.DiscardHandler)
)

// inside is a stage in this process.
type inside struct {
	registers, gateways, workers []player
	sender                       *worker.Worker
}

func oneProcess(t *testing.T, c cast) stage {
	t.Helper()
	s := &inside{}
	var addrs []string
	for i := range c.registers {
		r := registertest.Start(t, server.Config{Identity: handshake.Identity{Cluster: worker.DefaultCluster}, Lease: lease})
		addrs = append(addrs, r.Addr())
		p := &insideRegister{name: fmt.Sprintf("register-%d", i+1), Register: r}
		s.registers = append(s.registers, p)
		if c.idle {
			r.Stop(t)
		}
	}
	for i := range c.gateways {
		g := &insideGateway{name: fmt.Sprintf("gateway-%d", i+1), registers: addrs, patience: c.patience}
		g.clients, g.links = registertest.Address(t), registertest.Address(t)
		s.gateways = append(s.gateways, g)
		t.Cleanup(func() { g.end(t) })
	}
	for i := range c.workers {
		w := &insideWorker{name: fmt.Sprintf("worker-%d", i+1), registers: addrs, relays: map[string]*relay{}}
		s.workers = append(s.workers, w)
		t.Cleanup(func() { w.end(t) })
	}
	s.sender = startSender(t, addrs)
	return s
}

func (s *inside) Registers() []player    { return s.registers }
func (s *inside) Gateways() []player     { return s.gateways }
func (s *inside) Workers() []player      { return s.workers }
func (s *inside) Sender() *worker.Worker { return s.sender }
func (s *inside) URL(i int) string       { return "ws://" + s.gateways[i].(*insideGateway).clients + "/" }

// startSender runs a worker that only sends, until the test ends.
func startSender(t *testing.T, registers []string, secrets ...string) *worker.Worker {
	t.Helper()
	w, err := worker.New(worker.Config{Registers: registers, Node: "sender", Role: "sender", Secrets: secrets, Log: silent})
	must(t, err)
	ctx, cancel := context.WithCancel(ctxBackground)
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		w.Hurry()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("sender: %v", err)
		}
	})
	return w
}

// insideRegister is a register of package registertest.
type insideRegister struct {
	name string
	*registertest.Register
}

func (r *insideRegister) Name() string { return r.name }

func (r *insideRegister) Start(t *testing.T) {
	t.Helper()
	if r.Server() == nil {
		r.Restart(t)
	}
}

func (r *insideRegister) Ready(*testing.T)               {}
func (r *insideRegister) Stop(t *testing.T)              { r.Drain(t) }
func (r *insideRegister) Kill(t *testing.T)              { r.Register.Stop(t) }
func (r *insideRegister) Freeze(*testing.T)              { r.CutOff() }
func (r *insideRegister) Thaw(*testing.T)                { r.Mend() }
func (r *insideRegister) Metrics() (proc.Metrics, error) { return proc.Metrics{}, nil }

// life is a run of something until it is cancelled.
type life struct {
	cancel context.CancelFunc
	done   chan error
}

func begun(run func(context.Context) error) *life {
	ctx, cancel := context.WithCancel(ctxBackground)
	l := &life{cancel: cancel, done: make(chan error, 1)}
	go func() { l.done <- run(ctx) }()
	return l
}

func (l *life) end(t *testing.T, who string) {
	t.Helper()
	l.cancel()
	select {
	case err := <-l.done:
		if err != nil {
			t.Errorf("%s ended with %v", who, err)
		}
	case <-time.After(everything):
		t.Fatalf("%s has not ended after %v", who, everything)
	}
}
