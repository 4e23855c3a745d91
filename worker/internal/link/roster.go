package link

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
