package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/parley-im/parley/deploy/local/proc"
	"github.com/parley-im/parley/worker"
)

// stage is a cluster to play on. Everything on it ends with the test.
type stage interface {
	Registers() []player
	Gateways() []player
	Workers() []player
	URL(gateway int) string
	// Sender is one that runs in this process, in either way of staging, and
	// handles nothing.
	Sender() *worker.Worker
}

// player is one process of a stage, or what stands for one. Its methods fail the
// test when they cannot be done.
type player interface {
	Name() string
	Start(t *testing.T)
	Ready(t *testing.T)  // waits until it is
	Stop(t *testing.T)   // in order, as by SIGTERM; waits for the end
	Kill(t *testing.T)   // as by SIGKILL
	Freeze(t *testing.T) // silent, with its sockets open
	Thaw(t *testing.T)   //
	Metrics() (proc.Metrics, error)
}

// cast is who plays.
type cast struct {
	registers int // 0: one
	gateways  int
	workers   int
	patience  time.Duration // of gateways with workers; 0: 1.2 s
	idle      bool          // nobody is started
}

func (c *cast) withDefaults() {
	if c.registers == 0 {
		c.registers = 1
	}
	if c.patience == 0 {
		c.patience = 1200 * time.Millisecond
	}
}

// lease is that of all registers here: a cluster is settled after one.
const lease = time.Second

// lostMoves counts conns that moved because their worker was lost. For other reasons, that
// one has more than its share, a conn may move at any time.
const lostMoves = `parley_gateway_moves_total{reason="lost"}`

// everything bounds every wait of these tests.
const everything = 30 * time.Second

// play runs a test on both kinds of stage.
func play(t *testing.T, c cast, test func(t *testing.T, s stage)) {
	t.Helper()
	c.withDefaults()
	t.Run("one process", func(t *testing.T) {
		t.Parallel() // nearly all of it is waiting
		test(t, oneProcess(t, c))
	})
	t.Run("real processes", func(t *testing.T) {
		t.Parallel()
		test(t, realProcesses(t, c))
	})
}

// begin starts everybody at once and waits until everybody knows everybody.
func begin(t *testing.T, s stage) {
	t.Helper()
	all := append(append(s.Registers(), s.Gateways()...), s.Workers()...)
	for _, p := range all {
		p.Start(t)
	}
	whole(t, s)
}

// whole waits until everybody is ready and all workers trust all their routes.
func whole(t *testing.T, s stage) {
	t.Helper()
	for _, p := range append(append(s.Registers(), s.Gateways()...), s.Workers()...) {
		p.Ready(t)
	}
	for _, w := range s.Workers() {
		await(t, w, "parley_worker_gateways_in_step", float64(len(s.Gateways())))
	}
	for _, g := range s.Gateways() {
		await(t, g, "parley_gateway_workers", float64(len(s.Workers())))
	}
}

// await waits until a metric has a value.
func await(t *testing.T, p player, metric string, want float64) {
	t.Helper()
	var got float64
	eventually(t, func() bool {
		m, err := p.Metrics()
		got = m.Sum(metric)
		return err == nil && got == want
	}, func() string { return fmt.Sprintf("%s: %s is %g, want %g", p.Name(), metric, got, want) })
}

// eventually waits until something holds.
func eventually(t *testing.T, holds func() bool, otherwise func() string) {
	t.Helper()
	deadline := time.Now().Add(everything)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("after %v: %s", everything, otherwise())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// sum adds a metric over players.
func sum(t *testing.T, players []player, metric string) (total float64) {
	t.Helper()
	for _, p := range players {
		m, err := p.Metrics()
		if err != nil {
			t.Fatalf("%s: %v", p.Name(), err)
		}
		total += m.Sum(metric)
	}
	return total
}

func urls(s stage) (list []string) {
	for i := range s.Gateways() {
		list = append(list, s.URL(i))
	}
	return list
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
