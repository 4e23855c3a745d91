package hub

import (
	"fmt"
	"math/bits"
	"testing"
)

// check fails the test unless every index of h agrees with every other. Nobody
// may be changing h.
func check(t *testing.T, h *Hub) {
	t.Helper()
	conns, members := 0, 0
	for i := range h.conns {
		sh := &h.conns[i]
		checkRoster(t, fmt.Sprintf("conn shard %d", i), &sh.roster)
		if len(sh.conns) != int(sh.roster.n) {
			t.Errorf("conn shard %d: %d in the map, %d in the roster", i, len(sh.conns), sh.roster.n)
		}
		for id, c := range sh.conns {
			conns++
			if c.id != id || c.state != connIn || sh.roster.chunks[c.at/chunkLen].slots[c.at%chunkLen] != c {
				t.Errorf("conn %d is not where it should be", id)
			}
			places := c.groups
			if s := c.user.Load(); s != nil {
				places = append([]member{{set: s, at: c.userAt}}, places...)
			}
			seen := make(map[*set]bool)
			for _, m := range places {
				members++
				if m.set.shard.sets[m.set.name] != m.set {
					t.Errorf("conn %d is in a dead set %q", id, m.set.name)
				} else if m.set.chunks[m.at/chunkLen].slots[m.at%chunkLen] != c {
					t.Errorf("conn %d is not at its place in %q", id, m.set.name)
				}
				if seen[m.set] {
					t.Errorf("conn %d is in %q twice", id, m.set.name)
				}
				seen[m.set] = true
			}
		}
	}
	if h.Len() != conns {
		t.Errorf("Len is %d, there are %d conns", h.Len(), conns)
	}
	inSets := 0
	for kind := range h.keys {
		keys := 0
		for i := range h.keys[kind] {
			for name, s := range h.keys[kind][i].sets {
				keys++
				inSets += int(s.n)
				if s.n == 0 {
					t.Errorf("%v %q is present and empty", Kind(kind), name)
				}
				checkRoster(t, name, &s.roster)
			}
		}
		if n := int(h.present[kind].Load()); n != keys {
			t.Errorf("count of %vs is %d, there are %d", Kind(kind), n, keys)
		}
	}
	for i := range h.keys[Group] {
		sh := &h.keys[Group][i]
		for group, people := range sh.people {
			if sh.sets[group.name] != group || len(people) == 0 {
				t.Errorf("people of the dead group %q, or an empty one", group.name)
			}
			for user, n := range people {
				if user.shard.sets[user.name] != user || n < 1 {
					t.Errorf("the dead user %q, or one with %d conns, among the people of %q", user.name, n, group.name)
				}
			}
		}
	}
	if inSets != members {
		t.Errorf("sets hold %d members, conns %d memberships", inSets, members)
	}
}

func checkRoster(t *testing.T, name string, r *roster) {
	t.Helper()
	open := make(map[int32]bool)
	for i, prev := r.open, int32(none); i != none; prev, i = i, r.chunks[i].next {
		if open[i] || r.chunks[i].prev != prev {
			t.Fatalf("%s: list of chunks with room is broken at %d", name, i)
		}
		open[i] = true
	}
	n := 0
	for i, ch := range r.chunks {
		n += bits.OnesCount64(ch.used)
		if full := ch.used == ^uint64(0); full == open[int32(i)] {
			t.Errorf("%s: chunk %d: full %t, listed as having room %t", name, i, full, open[int32(i)])
		}
		for slot, c := range ch.slots {
			if (c != nil) != (ch.used>>slot&1 == 1) {
				t.Errorf("%s: chunk %d slot %d disagrees with its bit", name, i, slot)
			}
		}
	}
	if n != int(r.n) {
		t.Errorf("%s: counts %d, holds %d", name, r.n, n)
	}
	if last := len(r.chunks) - 1; last >= 0 && r.chunks[last].used == 0 {
		t.Errorf("%s: an empty chunk at the end", name)
	}
}
