package e2e

import (
	"context"
	"fmt"
	"testing"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
)

// endings are the rows that would leave nothing for the others. They are about the node
// that the cell names, and D is one of the conns that go.
var endings = []*row{
	{
		calls: "Sender.ShedGateway", ending: true, one: true, sure: true, well: "some", part: "nobody", ends: "D", code: int(fault.CloseRestart),
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			if asked, err := s.ShedGateway(ctx, c.Node, 1, 0); asked == 0 {
				return "nobody", err
			}
			return "some", nil
		},
	}, {
		calls: "Sender.DrainGateway", ending: true, one: true, sure: true, ends: "D", code: int(fault.CloseRestart),
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return nil, s.DrainGateway(ctx, c.Node)
		},
	}, {
		calls: "Sender.DrainWorker", ending: true, one: true, enough: true, sure: true,
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return nil, s.DrainWorker(ctx, c.Node)
		},
	},
}

// ends plays what ends conns and processes: everybody of a gateway is asked to go, then
// gateways drain, then the worker.
func (m *matrix) ends(t *testing.T) {
	t.Helper()
	last := m.gateways - 1
	m.plays(t, m.ending(t, "Sender.ShedGateway", outside, allWell, last))
	m.plays(t, m.ending(t, "Sender.ShedGateway", fromWorker, stopped, last))
	m.plays(t, m.ending(t, "PushService.ShedGateway", byHTTP, allWell, last))
	if m.gateways == 1 {
		m.plays(t, m.ending(t, "Sender.DrainWorker", outside, stopped, last))
		m.plays(t, m.ending(t, "Sender.DrainGateway", fromWorker, stopped, last))
		endsInOrder(t, m.Cluster.Gateways[0])
		return
	}
	m.plays(t,
		m.ending(t, "Sender.DrainGateway", outside, stopped, last),
		m.ending(t, "Sender.DrainGateway", fromWorker, beside, 1),
		m.ending(t, "PushService.DrainNode", byGRPC, beside, 2))
	endsInOrder(t, m.Cluster.Gateways[1])
	endsInOrder(t, m.Cluster.Gateways[2])
	endsInOrder(t, m.Cluster.Gateways[last])
	// Last, for a gateway that ends waits for a worker that hears of its conns.
	k := m.ending(t, "Sender.DrainWorker", outside, allWell, 0)
	m.begin(k, everything)
	if s, want := m.end(t, k), k.what.want(allWell, m.gateways, ""); !s.same(want) {
		t.Errorf("%s: %v, want %v", k.key(), s, want)
	}
	endsInOrder(t, m.Cluster.Workers[0])
}

// ending makes one take of a row, with D at a gateway.
func (m *matrix) ending(t *testing.T, key string, by door, in state, gateway int) *take {
	t.Helper()
	k := &take{what: rowOf(key), by: by, in: in, here: make(chan struct{}), said: make(chan said, 1)}
	k.seats = &seats{cell: cell{Name: fmt.Sprintf("%d.%s.%s.%s", m.gateways, in, key, by), Node: m.Gateways()[gateway].Name()}, row: k.what}
	if key == "Sender.DrainWorker" {
		k.Node = m.Workers()[0].Name()
	}
	m.sit(t, [4]int{3: gateway}, k.seats)
	m.prompter.expect([]*take{k})
	m.handle(t, []*take{k})
	return k
}

// plays plays them at once, while the last gateway stands still if the first is to.
func (m *matrix) plays(t *testing.T, all ...*take) {
	t.Helper()
	m.inStep(t)
	if all[0].in == stopped {
		m.still().Freeze(t)
	}
	for _, k := range all {
		m.begin(k, allowed)
	}
	for _, k := range all {
		s := m.end(t, k)
		if want := k.what.want(k.in, m.gateways, m.still().Name()); !s.same(want) {
			t.Errorf("%s: %v, want %v", k.key(), s, want)
		}
		if !k.what.waits(k.in, m.gateways) && s.Took > allowed/2 {
			t.Errorf("%s: took %v", k.key(), s.Took)
		}
	}
	if all[0].in == stopped {
		m.still().Thaw(t)
	}
	m.settle(t, all, letters, false)
}
