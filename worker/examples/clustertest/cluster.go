package clustertest

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway"
	"github.com/parley-im/parley/register/handshake"
	"github.com/parley-im/parley/register/registertest"
	"github.com/parley-im/parley/register/server"
	"github.com/parley-im/parley/worker"
)

const name = "parley" // of the cluster

var silent = slog.New(slog.DiscardHandler)

// Config says what a cluster is made of.
type Config struct {
	Gateways, Workers int                 // how many; 0: two, below: none
	Labels            []map[string]string // of the workers, in their order; others have none
	Limits            gateway.Limits      // of each gateway; it drains in 10 ms if nothing else is said
	Secrets           []string            // of the cluster; none: nobody has to prove anything

	// Authority signs a certificate for every process, which they show to each other; nil:
	// no TLS between them.
	Authority *registertest.Authority
}

// Cluster is gateways and workers that find each other by a register.
type Cluster struct {
	URLs    []string // of the gateways, for clients
	Workers []*worker.Worker

	t        testing.TB
	cfg      Config
	register string // its address
	gateways []*gatewayRun
}

// Register is where the register listens, for workers that are no Go.
func (c *Cluster) Register() string { return c.register }

// Start runs a cluster until the test ends. handler makes the handler of each worker;
// kill ends that worker as a crash would, without letting it give anything back, and
// does not wait for it.
func Start(t testing.TB, cfg Config, handler func(kill func()) worker.Handler) *Cluster {
	t.Helper()
	reg := registertest.Start(t, server.Config{
		Identity: handshake.Identity{Cluster: name}, Lease: 300 * time.Millisecond, Secrets: cfg.Secrets, TLS: cfg.mutual(t),
	})
	c := &Cluster{t: t, cfg: cfg, register: reg.Addr()}
	for i := range max(cmp.Or(cfg.Gateways, 2), 0) {
		g := c.startGateway(fmt.Sprint("gw-", i+1), "127.0.0.1:0", "127.0.0.1:0")
		c.gateways = append(c.gateways, g)
		c.URLs = append(c.URLs, "ws://"+g.clients+"/any/path")
	}
	for i := range max(cmp.Or(cfg.Workers, 2), 0) {
		var labels map[string]string
		if i < len(cfg.Labels) {
			labels = cfg.Labels[i]
		}
		c.Workers = append(c.Workers, c.startWorker(fmt.Sprint("w-", i+1), labels, handler))
	}
	for _, w := range c.Workers {
		meets(t, w, len(c.URLs))
	}
	return c
}

// meets waits until a worker has so many gateways: what it sends to all does not reach
// one that it has yet to hear of.
func meets(t testing.TB, w *worker.Worker, gateways int) {
	t.Helper()
	for deadline := time.Now().Add(Patience); ; time.Sleep(10 * time.Millisecond) {
		known, err := w.Sender().Totals(t.Context())
		if err == nil && len(known.Gateways) == gateways {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("a worker knows %d of %d gateways: %v", len(known.Gateways), gateways, err)
		}
	}
}

func (c *Cluster) startWorker(node string, labels map[string]string, handler func(kill func()) worker.Handler) *worker.Worker {
	t := c.t
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var w *worker.Worker
	kill := func() {
		w.Hurry()
		cancel()
	}
	w, err := worker.New(worker.Config{
		Handler: handler(kill), Registers: []string{c.register}, Secrets: c.cfg.Secrets, TLS: c.cfg.mutual(t), Cluster: name, Node: node, Labels: labels, Log: silent,
	})
	if err != nil {
		t.Fatal(err)
	}
	run(t, ctx, cancel, w.Run)
	return w
}

// run runs something until it is stopped, by the end of the test if not before.
func run(t testing.TB, ctx context.Context, cancel context.CancelFunc, what func(context.Context) error) (stop func()) {
	done := make(chan error, 1)
	go func() { done <- what(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("ended with: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}
