package fakegate

import (
	"math/rand/v2"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// leaveCluster drains at once, whatever the window of a real one: the workers hear that it
// leaves, and every conn ends.
func (g *Gateway) leaveCluster() error {
	if g.Old {
		return refusal(gatewayv1.Status_STATUS_UNIMPLEMENTED)
	}
	if g.draining {
		return nil
	}
	g.draining = true
	for _, p := range g.peers {
		p.write(record.AppendLeaving(nil))
	}
	for _, c := range g.open() {
		c.closeAs(restart)
	}
	return nil
}

// shed ends a share of the conns at once, whatever the window.
func (g *Gateway) shed(do *gatewayv1.Shed, m *gatewayv1.Result) error {
	share := do.GetShare()
	switch {
	case g.Old:
		return refusal(gatewayv1.Status_STATUS_UNIMPLEMENTED)
	case !(share > 0 && share <= 1):
		return refusal(gatewayv1.Status_STATUS_INVALID)
	case g.draining || g.Shedding:
		return refusal(gatewayv1.Status_STATUS_CONFLICT)
	}
	conns := g.open()
	rand.Shuffle(len(conns), func(i, j int) { conns[i], conns[j] = conns[j], conns[i] })
	conns = conns[:int(share*float64(len(conns))+0.5)]
	for _, c := range conns {
		c.closeAs(restart)
	}
	m.Affected = uint32(len(conns))
	return nil
}

// restart is how conns end that are to come back elsewhere.
var restart = &gatewayv1.CloseConn{Code: 1012, Reason: "retry-after-ms=0"}

// open returns the conns that are.
func (g *Gateway) open() (list []*Conn) {
	for _, c := range g.conns {
		if c.entered && c.closed == nil {
			list = append(list, c)
		}
	}
	return list
}

// drainWorker passes on that a worker is to drain.
func (g *Gateway) drainWorker(do *gatewayv1.DrainWorker, m *gatewayv1.Result) error {
	s := g.sessions[do.GetBoot()]
	switch {
	case g.Old:
		return refusal(gatewayv1.Status_STATUS_UNIMPLEMENTED)
	case s == nil || s.peer == nil:
		return refusal(gatewayv1.Status_STATUS_STALE)
	}
	s.peer.write(record.AppendDrain(nil))
	m.Affected = 1
	return nil
}

// workers says who is attached.
func (g *Gateway) workers() *gatewayv1.AttachedWorkers {
	a := &gatewayv1.AttachedWorkers{}
	for boot, s := range g.sessions {
		if p := s.peer; p != nil {
			a.List = append(a.List, &gatewayv1.AttachedWorker{
				Node: g.WorkerNode, Boot: boot, Role: "worker", ServesEvents: p.serves, Draining: p.draining, Conns: uint32(p.owned),
			})
		}
	}
	return a
}
