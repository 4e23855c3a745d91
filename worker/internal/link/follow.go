package link

import (
	"context"

	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/worker/internal/inbox"
)

// follow makes the roster equal to the members.
func (m *Mesh) follow(ctx context.Context, members []register.Member) {
	m.mu.Lock()
	if m.finished() {
		m.mu.Unlock()
		return
	}
	old := m.roster.Load()
	listed := make(map[uint64]bool, len(members))
	var all, fresh, gone []*Gateway
	for _, member := range members {
		if listed[member.Boot] {
			continue
		}
		listed[member.Boot] = true
		if g := old.byBoot[member.Boot]; g != nil {
			all = append(all, g)
			continue
		}
		fresh = append(fresh, m.add(member))
	}
	all = append(all, fresh...)
	for _, g := range old.all {
		if !listed[g.member.Boot] {
			gone = append(gone, g)
		}
	}
	m.roster.Store(newRoster(all))
	// Only now: whatever comes by a link, Reach and ToConn find where it came from.
	for _, g := range fresh {
		m.begin(ctx, g)
	}
	for _, g := range gone {
		g.left.Store(true)
		// From here on it gives no number, so that it may come back before it has ended.
		g.log.close(ErrGone)
		m.remember(g)
		m.cancels[g]()
		delete(m.cancels, g)
	}
	m.mu.Unlock()
	if len(gone) == 0 && len(all) == len(old.all) {
		return
	}
	m.log.Info("gateways known", "count", len(all), "gone", len(gone))
}

// add makes a Gateway. m.mu is held.
//
// Before the view is known nobody sends. Later whatever was sent until now passed this
// gateway over: that matters if it has conns all the same, because it is back, or
// because it, or the registers, stood still.
func (m *Mesh) add(member register.Member) *Gateway {
	g := &Gateway{mesh: m, member: member, slot: m.takeSlot(), missed: isClosed(m.known)}
	g.log = newOutlog(g, m.retain)
	if m.closed {
		g.log.end(ErrStopped)
	}
	if next := m.numbers[member.Boot]; next > 0 {
		// It was in the view before and remembers what it has applied.
		g.log.next, g.log.applied = next, next-1
	}
	g.box = inbox.New(m.crew, m.inbox, func(s *inbox.Seat, e *inbox.Event) { m.work(g, s, e) })
	return g
}

// begin starts the links to g. m.mu is held.
func (m *Mesh) begin(ctx context.Context, g *Gateway) {
	ctx, cancel := context.WithCancel(ctx)
	m.cancels[g] = cancel
	m.running.Go(func() {
		g.run(ctx)
		g.over()
	})
}

// over ends what outlives the streams, when the gateway has left the view or
// this process ends: in the second case its conns have not ended. Its slot is free only when nothing stands in it any more.
func (g *Gateway) over() {
	m := g.mesh
	g.log.close(ErrStopped) // unless it has left
	if g.left.Load() {
		g.box.Lost()
	}
	m.cleared.Add(1)
	m.table.Clear(g.slot)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.slots[g.slot] = false
}

// remember keeps the number that comes next for a gateway that leaves. m.mu is held.
func (m *Mesh) remember(g *Gateway) {
	if len(m.numbers) >= maxNumbers {
		clear(m.numbers)
	}
	m.numbers[g.member.Boot] = g.log.nextNumber()
}

// maxNumbers bounds the gateways whose numbers are remembered after they left.
// One that comes back after it was forgotten takes the first commands for old
// ones; gateways hardly ever come back.
const maxNumbers = 4096

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (m *Mesh) takeSlot() int {
	for i, taken := range m.slots {
		if !taken {
			m.slots[i] = true
			return i
		}
	}
	m.slots = append(m.slots, true)
	return len(m.slots) - 1
}
