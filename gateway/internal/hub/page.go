package hub

import (
	"cmp"
	"iter"
	"slices"
)

// A Place is where a list of conns goes on; the zero Place is the beginning. Lists go
// through the shards in turn, and through a shard by the places that its conns keep for
// as long as they are in the hub, so a conn is met once by a list whatever it joins and
// leaves meanwhile.
type Place uint64

func placeOf(c *Conn) Place { return Place(connShardOf(c.id))<<32 | Place(c.at) }

// Valid reports whether a list can have answered p.
func (p Place) Valid() bool { return p>>32 < shards }

const (
	// lookAtMost is how many conns, or users, a page looks at: one that asks for the
	// conns of a rare pair of groups ends early, and says where to go on.
	lookAtMost = 16 << 10
	// gatherAtMost is how many memberships are collected and put in order instead of
	// looking at everybody.
	gatherAtMost = 4096
)

// ConnPage calls f with the conns from a place on until f answers false: that conn was
// not taken, and is where to go on. With groups only those that are in one of them are
// meant, each once. It also ends, with more, after it has looked at 16,384 conns. No
// lock is held while f runs, and none for more than 64 conns; f may meet a conn that has
// just been removed. Who is in the hub, and in one of the groups, from the first page to
// the last is met exactly once, but for one who goes from group to group, joining the
// next before it leaves the last, more than once in the instant that a page takes.
func (h *Hub) ConnPage(groups []string, from Place, f func(*Conn) bool) (next Place, more bool) {
	if h.fewIn(groups) {
		walks := slices.Values(groups)
		if len(groups) > 1 {
			walks = thereAndBack(groups)
		}
		for _, c := range h.gather(walks, from) {
			if !f(c) {
				return placeOf(c), true
			}
		}
		return 0, false
	}
	in := h.anyOf(groups)
	var buf [chunkLen]*Conn
	at, looked := uint32(from), 0
	for i := int(from >> 32); i < shards; i, at = i+1, 0 {
		sh := &h.conns[i]
		for {
			if looked >= lookAtMost {
				return Place(i)<<32 | Place(at), true
			}
			n, then := copyLocked(&sh.mu, &sh.roster, at, buf[:])
			looked += n
			for _, c := range buf[:n] {
				if in.has(c) && !f(c) {
					return placeOf(c), true
				}
			}
			if at = then; at == 0 {
				break
			}
		}
	}
	return 0, false
}

// fewIn reports whether the groups together have so few conns that they are collected.
func (h *Hub) fewIn(groups []string) bool {
	sum := 0
	for _, g := range groups {
		sum += h.GroupLen(g)
	}
	return len(groups) > 0 && sum <= gatherAtMost
}

// thereAndBack is groups in their order and then backwards. Who moves from one to another
// is met: if its new group comes later, either the old one is walked before it leaves or
// the new one after it has joined, and if earlier, the same holds on the way back.
func thereAndBack(groups []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, g := range groups {
			if !yield(g) {
				return
			}
		}
		for _, g := range slices.Backward(groups) {
			if !yield(g) {
				return
			}
		}
	}
}

// gather walks groups and returns their conns from a place on, in order, each once.
func (h *Hub) gather(groups iter.Seq[string], from Place) (conns []*Conn) {
	for g := range groups {
		h.Each(Group, g, func(c *Conn) bool {
			if placeOf(c) >= from {
				conns = append(conns, c)
			}
			return true
		})
	}
	slices.SortFunc(conns, func(a, b *Conn) int { return cmp.Compare(placeOf(a), placeOf(b)) })
	return slices.Compact(conns)
}

// wanted is groups that conns are looked through for; nil: any conn will do.
type wanted struct {
	only  map[string]bool
	first string // the only one, if there is one only
	sum   uint32
}

func (h *Hub) anyOf(groups []string) *wanted {
	switch len(groups) {
	case 0:
		return nil
	case 1:
		return &wanted{first: groups[0], sum: uint32(h.sum(groups[0]))}
	}
	w := &wanted{only: make(map[string]bool, len(groups))}
	for _, g := range groups {
		w.only[g] = true
	}
	return w
}

// has reports whether c is in one of the groups.
func (w *wanted) has(c *Conn) bool {
	if w == nil {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if w.only == nil {
		return c.group(w.first, w.sum) >= 0
	}
	for _, m := range c.groups {
		if w.only[m.set.name] {
			return true
		}
	}
	return false
}
