package hub

import (
	"fmt"
	"iter"
	"slices"
	"testing"
)

// listConns reads pages of at most limit conns; between is called after each page.
func listConns(h *Hub, groups []string, limit int, between func()) (ids []uint64) {
	for from, more := Place(0), true; more; {
		n := 0
		from, more = h.ConnPage(groups, from, func(c *Conn) bool {
			if n == limit {
				return false
			}
			n++
			ids = append(ids, c.ID())
			return true
		})
		if between != nil {
			between()
		}
	}
	slices.Sort(ids)
	return ids
}

func listNames(h *Hub, kind Kind, groups []string, limit int, between func()) (names []string) {
	for after, more := "", true; more; {
		n := 0
		after, more = h.NamePage(kind, groups, after, func(name string) bool {
			if n == limit {
				return false
			}
			n++
			names = append(names, name)
			return true
		})
		if between != nil {
			between()
		}
	}
	slices.Sort(names)
	return names
}

// compareLists compares pages with the model.
func (m *model) compareLists(t *testing.T, h *Hub, when string, groups []string, limit int) {
	t.Helper()
	var all, in []uint64
	var users []string
	for id, c := range m.conns {
		all = append(all, id)
		if slices.ContainsFunc(groups, func(g string) bool { return c.groups[g] }) {
			in = append(in, id)
			if c.user != "" {
				users = append(users, c.user)
			}
		}
	}
	slices.Sort(all)
	slices.Sort(in)
	slices.Sort(users)
	users = slices.Compact(users)
	if got := listConns(h, nil, limit, nil); !slices.Equal(got, all) {
		t.Fatalf("%s: all conns: got %v, want %v", when, got, all)
	}
	if got := listConns(h, groups, limit, nil); !slices.Equal(got, in) {
		t.Fatalf("%s: conns of %v: got %v, want %v", when, groups, got, in)
	}
	if got := listNames(h, User, groups, limit, nil); !slices.Equal(got, users) {
		t.Fatalf("%s: users of %v: got %v, want %v", when, groups, got, users)
	}
	for _, kind := range []Kind{User, Group} {
		if got := listNames(h, kind, nil, limit, nil); !slices.Equal(got, m.names(kind)) {
			t.Fatalf("%s: %vs: got %v, want %v", when, kind, got, m.names(kind))
		}
	}
}

// Those who stay are listed once, also when they change between the groups of the list,
// and when there are more than are collected.
func TestListsMeetWhoStaysExactlyOnce(t *testing.T) {
	for _, size := range []int{300, gatherAtMost + 500} {
		h := New(Config{})
		conns := peopled(t, h, size)
		step, next := 0, uint64(size)
		between := func() {
			for range 50 {
				step += 7
				c := conns[step%size]
				if c.ID()%3 == 0 { // comes and goes
					h.Remove(c)
					next++
					conns[step%size] = add(t, h, next*3)
					bind(t, h, conns[step%size], fmt.Sprint("guest-", next))
					join(t, h, conns[step%size], "a")
					continue
				}
				// Stays in one of the two, but in which?
				if join(t, h, c, "a"); step%2 == 0 {
					join(t, h, c, "b")
					h.Leave(c, "a")
				}
			}
		}
		stay := func(ids []uint64) (n int) {
			for i, id := range ids {
				if i > 0 && ids[i-1] == id {
					t.Errorf("conn %d was listed twice", id)
				}
				if id%3 != 0 {
					n++
				}
			}
			return n
		}
		want := 0
		for _, c := range conns {
			if c.ID()%3 != 0 {
				want++
			}
		}
		if got := stay(listConns(h, nil, 97, between)); got != want {
			t.Errorf("of %d: all conns: %d of those who stayed, want %d", size, got, want)
		}
		if got := stay(listConns(h, []string{"a", "b"}, 97, between)); got != want {
			t.Errorf("of %d: conns of groups: %d of those who stayed, want %d", size, got, want)
		}
		for _, groups := range [][]string{nil, {"a", "b"}} {
			seen := make(map[string]int)
			for _, u := range listNames(h, User, groups, 97, between) {
				seen[u]++
			}
			for _, c := range conns {
				if n := seen[c.User()]; c.ID()%3 != 0 && n != 1 {
					t.Errorf("of %d: user %s was listed %d times", size, c.User(), n)
				}
			}
		}
	}
}

// between runs do after so many of the walks through groups.
func between(groups []string, walks int, do func()) iter.Seq[string] {
	return func(yield func(string) bool) {
		n := 0
		for g := range thereAndBack(groups) {
			if n == walks {
				do()
			}
			n++
			if !yield(g) {
				return
			}
		}
	}
}

// A conn that goes from one of the groups to another while a page is collected never left
// them, nor did a user of whom one conn joins and then another leaves.
func TestListOfGroupsMeetsWhoMovesBetweenThem(t *testing.T) {
	groups := []string{"a", "b", "c"}
	for _, from := range groups {
		for _, to := range groups {
			for walks := range 2 * len(groups) {
				h := New(Config{})
				one, other := add(t, h, 1), add(t, h, 2)
				bind(t, h, other, "u")
				bind(t, h, one, "u")
				if from != to {
					join(t, h, one, from)
					conns := h.gather(between(groups, walks, func() {
						join(t, h, one, to)
						h.Leave(one, from)
					}), 0)
					if !slices.Equal(conns, []*Conn{one}) {
						t.Errorf("from %s to %s after %d walks: met %d conns", from, to, walks, len(conns))
					}
					h.Leave(one, to)
				}
				join(t, h, one, from)
				users := h.gatherUsers(between(groups, walks, func() {
					join(t, h, other, to)
					h.Leave(one, from)
				}), "")
				if !slices.Equal(users, []string{"u"}) {
					t.Errorf("from %s to %s after %d walks: met users %v", from, to, walks, users)
				}
			}
		}
	}
}

// peopled adds conns with a user each, all in group a.
func peopled(t *testing.T, h *Hub, n int) []*Conn {
	conns := crowd(t, h, 1, n, "a")
	for _, c := range conns {
		bind(t, h, c, fmt.Sprint("user-", c.ID()))
	}
	return conns
}

// A page of everybody ends after it has looked at many, and the next one goes on.
func TestPageThatLooksAtManyEnds(t *testing.T) {
	h := New(Config{})
	peopled(t, h, 2*lookAtMost)
	last := add(t, h, 1<<40)
	bind(t, h, last, "last")
	join(t, h, last, "rare")
	pages := 0
	count := func() { pages++ }
	if got := listConns(h, nil, 1<<30, count); len(got) != 2*lookAtMost+1 || pages < 2 {
		t.Errorf("%d conns in %d pages", len(got), pages)
	}
	pages = 0
	if got := listNames(h, User, []string{"a", "rare"}, 1<<30, count); len(got) != 2*lookAtMost+1 || pages < 2 {
		t.Errorf("%d users in %d pages", len(got), pages)
	}
	if got := h.UserGroups("last"); !slices.Equal(got, []string{"rare"}) {
		t.Errorf("groups of a user: %v", got)
	}
}
