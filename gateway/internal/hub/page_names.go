package hub

import (
	"cmp"
	"iter"
	"maps"
	"slices"
)

// NamePage calls f with the users, or groups, that have conns here and come after the
// one named, "" for the first page, until f answers false: that one was not taken. It
// returns the name after which to go on. With groups, which want kind User, only users
// who have a conn in one of them are meant. It also ends, with more, after it has looked
// at 16,384 users. The names of one shard, a 64th of all, are read under one hold of its
// lock, which others may read beside; f is called with no lock held. Whoever is present from
// the first page to the last is met exactly once, with groups as ConnPage says: a user goes
// from group to group also by one conn that joins and another that leaves.
func (h *Hub) NamePage(kind Kind, groups []string, after string, f func(name string) bool) (next string, more bool) {
	if h.fewIn(groups) {
		for _, name := range h.gatherUsers(thereAndBack(groups), after) {
			if !f(name) {
				return after, true
			}
			after = name
		}
		return "", false
	}
	in := h.anyOf(groups)
	first, looked := 0, 0
	if after != "" {
		first = h.nameShard(after)
	}
	for i, from := first, after; i < shards; i, from = i+1, "" {
		names := h.keys[kind][i].after(from)
		slices.Sort(names)
		for _, name := range names {
			if looked >= lookAtMost {
				return after, true
			}
			looked++
			if (in == nil || h.userIn(name, in)) && !f(name) {
				return after, true
			}
			after = name
		}
	}
	return "", false
}

func (h *Hub) nameShard(name string) int { return int(h.sum(name) >> (64 - shardBits)) }

// userIn reports whether a user has a conn in one of the groups.
func (h *Hub) userIn(user string, in *wanted) (found bool) {
	h.Each(User, user, func(c *Conn) bool {
		found = in.has(c)
		return !found
	})
	return found
}

// gatherUsers walks groups and returns the users who have conns in them, in the order of
// pages, from the one after the name on.
func (h *Hub) gatherUsers(groups iter.Seq[string], after string) []string {
	users := make(map[string]bool)
	for g := range groups {
		h.Each(Group, g, func(c *Conn) bool {
			if user := c.User(); user != "" {
				users[user] = true
			}
			return true
		})
	}
	inOrder := func(a, b string) int {
		return cmp.Or(cmp.Compare(h.nameShard(a), h.nameShard(b)), cmp.Compare(a, b))
	}
	names := slices.SortedFunc(maps.Keys(users), inOrder)
	if after == "" {
		return names
	}
	at, found := slices.BinarySearchFunc(names, after, inOrder)
	if found {
		at++
	}
	return names[at:]
}

// UserGroups returns the groups that the conns of a user are in, each once, in no order.
func (h *Hub) UserGroups(user string) (groups []string) {
	seen := make(map[string]bool)
	h.Each(User, user, func(c *Conn) bool {
		for _, g := range c.Groups() {
			if !seen[g] {
				seen[g] = true
				groups = append(groups, g)
			}
		}
		return true
	})
	return groups
}
