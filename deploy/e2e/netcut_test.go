package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/parley-im/parley/deploy/local/netlab"
	"github.com/parley-im/parley/deploy/verify/answer"
)

// TestDroppedPacketsBetweenAWorkerAndAGatewayLoseNothing drops packets between one
// worker and one gateway, both ways and either one, with the sockets of both ends
// open and everybody else within reach, until the gateway has given the worker up
// and its conns have moved. When packets pass again, what the worker then says is
// that of somebody who no longer acts for them.
func TestDroppedPacketsBetweenAWorkerAndAGatewayLoseNothing(t *testing.T) {
	s, nodes := cables(t, cast{gateways: 2, workers: 2})
	begin(t, s)
	near, far := s.Gateways()[:1], s.Gateways()[1:]
	for _, way := range []netlab.Way{netlab.Both, netlab.Out, netlab.In} {
		t.Run(way.String(), func(t *testing.T) {
			before, farMoves := countCut(t, near), sum(t, far, lostMoves)
			var people []*person
			for i := range 6 {
				people = append(people, enter(t, s.URL(0), fmt.Sprintf("%s%d", way.String()[:2], i)))
			}
			clean(t, underFire(t, s, func() {
				for _, p := range people {
					// Its handler still runs when the packets are dropped, which takes a while
					// on a busy machine, and has bound before the worker is given up.
					p.says(answer.Bind, "1s")
				}
				must(t, nodes[0].Cut(t.Context(), way, s.LinkPorts()[0]))
				began := time.Now()
				await(t, near[0], "parley_gateway_workers", 1)
				noticed := time.Since(began)
				eventually(t, func() bool { return countCut(t, near).moves > before.moves },
					func() string { return "no conn has moved" })
				must(t, nodes[0].Heal(t.Context()))
				healed := time.Now()
				whole(t, s)
				t.Logf("given up after %v; whole again %v after packets passed", noticed.Round(time.Millisecond), time.Since(healed).Round(time.Millisecond))
			}))
			for _, p := range people {
				p.hears(p.tag, p.n, false)
				p.asks(answer.Reply, "")
			}
			// Inwards the gateway hears the binds, in time.
			if way != netlab.In {
				eventually(t, func() bool { return countCut(t, near).refused > before.refused },
					func() string { return "no old term was refused, although handlers bound conns that had moved" })
			}
			after := countCut(t, near)
			t.Logf("%g conns moved, %g events redelivered, %g old terms refused",
				after.moves-before.moves, after.redelivered-before.redelivered, after.refused-before.refused)
			if after.redelivered == before.redelivered {
				t.Error("nothing was redelivered: nothing was under way")
			}
			if sum(t, far, lostMoves) != farMoves {
				t.Error("conns moved on the gateway that was within reach")
			}
		})
	}
}

// cutCounts is what dropped packets cost, as gateways count it.
type cutCounts struct{ moves, redelivered, refused float64 }

func countCut(t *testing.T, gateways []player) cutCounts {
	t.Helper()
	return cutCounts{
		moves:       sum(t, gateways, lostMoves),
		redelivered: sum(t, gateways, "parley_gateway_redelivered_total"),
		refused:     sum(t, gateways, "parley_gateway_refused_terms_total"),
	}
}
