package clustertest

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway"
	"github.com/parley-im/parley/register"
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
}

// Cluster is gateways and workers that find each other by a register.
type Cluster struct {
	URLs    []string // of the gateways, for clients
	Workers []*worker.Worker

	register string // its address
}

// Start runs a cluster until the test ends. handler makes the handler of each worker;
// kill ends that worker as a crash would, without letting it give anything back, and
// does not wait for it.
func Start(t testing.TB, cfg Config, handler func(kill func()) worker.Handler) *Cluster {
	t.Helper()
	reg := registertest.Start(t, server.Config{Identity: handshake.Identity{Cluster: name}, Lease: 300 * time.Millisecond})
	c := &Cluster{register: reg.Addr()}
	for i := range max(cmp.Or(cfg.Gateways, 2), 0) {
		c.URLs = append(c.URLs, startGateway(t, fmt.Sprint("gw-", i+1), reg.Addr(), cfg.Limits))
	}
	for i := range max(cmp.Or(cfg.Workers, 2), 0) {
		var labels map[string]string
		if i < len(cfg.Labels) {
			labels = cfg.Labels[i]
		}
		c.Workers = append(c.Workers, startWorker(t, fmt.Sprint("w-", i+1), reg.Addr(), labels, handler))
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

func startGateway(t testing.TB, node, registerAddr string, limits gateway.Limits) (url string) {
	t.Helper()
	limits.DrainWindow = cmp.Or(limits.DrainWindow, 10*time.Millisecond)
	id := handshake.Identity{Cluster: name, Role: "gateway", Node: node, Boot: handshake.NewBoot(), Build: "test"}
	directory, err := register.New(register.Config{Registers: []string{registerAddr}, Identity: id, Log: silent})
	if err != nil {
		t.Fatal(err)
	}
	registertest.Run(t, directory)
	clients, links := listen(t), listen(t)
	g, err := gateway.New(gateway.Config{
		Identity: id, Clients: clients, Links: links, Directory: directory, Log: silent, Limits: limits,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	run(t, ctx, cancel, g.Run)
	return "ws://" + clients.Addr().String() + "/any/path"
}

func startWorker(t testing.TB, node, registerAddr string, labels map[string]string, handler func(kill func()) worker.Handler) *worker.Worker {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var w *worker.Worker
	kill := func() {
		w.Hurry()
		cancel()
	}
	w, err := worker.New(worker.Config{
		Handler: handler(kill), Registers: []string{registerAddr}, Cluster: name, Node: node, Labels: labels, Log: silent,
	})
	if err != nil {
		t.Fatal(err)
	}
	run(t, ctx, cancel, w.Run)
	return w
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// run runs something until it is cancelled, by the end of the test if not before.
func run(t testing.TB, ctx context.Context, cancel context.CancelFunc, what func(context.Context) error) {
	done := make(chan error, 1)
	go func() { done <- what(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("ended with: %v", err)
		}
	})
}
