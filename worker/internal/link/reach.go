package link

import (
	"github.com/parley-im/parley/worker/internal/route"
)

// Kinds of names.
const (
	User  = route.User
	Group = route.Group
)

// Share is what one gateway gets of a send to names.
type Share struct {
	To    *Gateway
	Names []string
}

// Plan is who gets what. Reset it by handing it to Reach again; its memory is
// used again.
type Plan struct {
	Shares []Share
	places []int // by slot: index into Shares + 1
	asked  []int // by name: how many gateways
}

// Asked returns how many gateways are asked for name i.
func (p *Plan) Asked(i int) int { return p.asked[i] }

// Reach finds the gateways that have, or may have, conns of the names: those
// whose route says so, and those that are not in step. Each gets the names that
// concern it.
//
// A bind that was answered before Reach was called is never missed. The gateway
// answered when this process had acknowledged the route or could not hold a
// lease any more. So with a lease now, the route was in the table when Reach
// began, and it is found unless the table was cleared meanwhile, which cleared
// tells; without one, the gateway gets everything.
func (m *Mesh) Reach(p *Plan, kind route.Kind, names []string) {
	for {
		mark := m.cleared.Load()
		m.reach(p, kind, names)
		if m.cleared.Load() == mark {
			return
		}
	}
}

func (m *Mesh) reach(p *Plan, kind route.Kind, names []string) {
	roster := m.roster.Load()
	now := m.now()
	clear(p.Shares)
	p.Shares = p.Shares[:0]
	p.asked = grow(p.asked, len(names))
	unsure := route.Slots{}
	for _, g := range roster.all {
		if !g.inStep(now) {
			unsure = unsure.With(g.slot)
		}
	}
	p.places = grow(p.places, len(roster.bySlot))
	for i, name := range names {
		for slot := range m.table.Find(unsure.Clone(), kind, name).All() {
			// A route of a gateway that is not in this roster belongs to one that
			// came or went a moment ago.
			if slot >= len(roster.bySlot) || roster.bySlot[slot] == nil {
				continue
			}
			p.asked[i]++
			at := p.places[slot]
			if at == 0 {
				p.Shares = append(p.Shares, Share{To: roster.bySlot[slot]})
				at = len(p.Shares)
				p.places[slot] = at
			}
			if len(names) == 1 {
				p.Shares[at-1].Names = names
				continue
			}
			p.Shares[at-1].Names = append(p.Shares[at-1].Names, name)
		}
	}
}

// grow returns a slice of n zeros, s's memory if it is enough.
func grow(s []int, n int) []int {
	if cap(s) < n {
		return make([]int, n)
	}
	s = s[:n]
	clear(s)
	return s
}
