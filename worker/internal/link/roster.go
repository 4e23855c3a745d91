package link

import "github.com/parley-im/parley/worker/internal/route"

// Roster is the gateways that are known at a moment. It never changes.
type Roster struct {
	all    []*Gateway
	bySlot []*Gateway // nil where a slot is free
	byBoot map[uint64]*Gateway
}

func newRoster(all []*Gateway) *Roster {
	r := &Roster{all: all, byBoot: make(map[uint64]*Gateway, len(all))}
	for _, g := range all {
		r.byBoot[g.member.Boot] = g
		for len(r.bySlot) <= g.slot {
			r.bySlot = append(r.bySlot, nil)
		}
		r.bySlot[g.slot] = g
	}
	return r
}

// Gateways returns those that are known; not to be changed.
func (m *Mesh) Gateways() []*Gateway { return m.roster.Load().all }

// Gateway returns the one of that boot, nil when it is not known.
func (m *Mesh) Gateway(boot uint64) *Gateway { return m.roster.Load().byBoot[boot] }

// WatchUsers has f called with each user that may have come or gone, see
// [route.Table.WatchUsers]: after Claimed has begun to answer otherwise.
func (m *Mesh) WatchUsers(f func(user string)) bool { return m.table.WatchUsers(f) }

// Claimed reports whether a gateway of the view claims a user, as far as this process
// has heard. Once Run ends nobody is.
func (m *Mesh) Claimed(user string) bool {
	roster := m.roster.Load()
	for slot := range m.table.Find(route.Slots{}, route.User, user).All() {
		if slot < len(roster.bySlot) && roster.bySlot[slot] != nil {
			return true
		}
	}
	return false
}
