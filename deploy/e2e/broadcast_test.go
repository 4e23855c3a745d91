package e2e

import (
	"fmt"
	"testing"

	"github.com/parley-im/parley/deploy/client"
	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/local/build"
	"github.com/parley-im/parley/deploy/local/netlab"
)

// TestBroadcastReachesTheOthersThoughItsWorkerDies kills the worker of broadcast when one
// gateway has what was said and the other has not: its packets are dropped. The frame is
// not acknowledged then, and whoever gets it next tells the others, and nobody twice.
func TestBroadcastReachesTheOthersThoughItsWorkerDies(t *testing.T) {
	t.Parallel()
	built, err := build.Builder{Race: race, Say: func(line string) { fmt.Println(line) }}.Programs(t.Context(), build.Examples+"/broadcast")
	must(t, err)
	s, nodes := cablesWith(t, cast{gateways: 2, workers: 1}, func(cfg *local.Config) { cfg.Programs.Worker = built[build.Examples+"/broadcast"] })
	begin(t, s)
	enters := func(gateway int) *client.Conn {
		c, err := client.Dial(within(t, everything), s.URL(gateway), client.Options{})
		must(t, err)
		t.Cleanup(c.Cut)
		return c
	}
	hears := func(who string, c *client.Conn, want string) {
		t.Helper()
		if m, err := c.ReadWithin(everything); err != nil || string(m.Payload) != want {
			t.Fatalf("%s heard %q, %v, want %q", who, m.Payload, err, want)
		}
	}
	ann, bob := enters(0), enters(1)
	must(t, ann.Send("first"))
	hears("ann", ann, "first")
	hears("bob", bob, "first")

	must(t, nodes[0].Cut(t.Context(), netlab.Both, s.LinkPorts()[1]))
	must(t, ann.Send("second"))
	hears("ann", ann, "second")
	s.Workers()[0].Kill(t)
	await(t, s.Gateways()[1], "parley_gateway_workers", 0) // what it has still sent will not be read
	must(t, nodes[0].Heal(t.Context()))
	s.Workers()[0].Start(t)
	hears("bob", bob, "second")
	must(t, bob.Send("third"))
	hears("ann", ann, "third")
	hears("bob", bob, "third")
}
