package hub

import (
	"fmt"
	"maps"
	"slices"
	"testing"
)

// model is the hub as one would write it without a care for cost.
type model struct {
	conns map[uint64]*modelConn
}

type modelConn struct {
	conn   *Conn
	user   string
	groups map[string]bool
	frames int
}

func (m *model) in(kind Kind, name string) (ids []uint64) {
	for id, c := range m.conns {
		if kind == User && c.user == name || kind == Group && c.groups[name] {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// send counts what a send to several names has to do.
func (m *model) send(kind Kind, names []string, exclude []uint64) (tally Tally, missed []string) {
	done := make(map[uint64]bool)
	for _, name := range names {
		ids := m.in(kind, name)
		if len(ids) == 0 {
			tally.Missed++
			missed = append(missed, name)
		}
		for _, id := range ids {
			if !done[id] && !slices.Contains(exclude, id) {
				done[id] = true
				m.conns[id].frames++
				tally.Hit++
			}
		}
	}
	return tally, missed
}

// users counts who has conns in a group.
func (m *model) users(group string) int {
	set := make(map[string]bool)
	for _, c := range m.conns {
		if c.groups[group] && c.user != "" {
			set[c.user] = true
		}
	}
	return len(set)
}

func (m *model) names(kind Kind) []string {
	set := make(map[string]bool)
	for _, c := range m.conns {
		if kind == Group {
			maps.Copy(set, c.groups)
		} else if c.user != "" {
			set[c.user] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

func TestHubDoesWhatItsModelDoes(t *testing.T) {
	rnd := random(t)
	h := New(Config{MaxGroupsPerConn: 5})
	v := newView()
	h.Subscribe(v)
	m := &model{conns: make(map[uint64]*modelConn)}
	name := func() string { return fmt.Sprint("n", rnd.IntN(10)) }
	some := func(f func()) {
		for range rnd.IntN(4) {
			f()
		}
	}
	next := uint64(0)
	for step := range rounds(20_000) {
		op := rnd.IntN(12)
		if len(m.conns) == 0 || op == 0 && len(m.conns) < 300 {
			next++
			m.conns[next] = &modelConn{conn: add(t, h, next), groups: make(map[string]bool)}
			continue
		}
		ids := slices.Sorted(maps.Keys(m.conns))
		id := ids[rnd.IntN(len(ids))]
		c, n := m.conns[id], name()
		switch op {
		case 1, 2:
			bind(t, h, c.conn, n)
			c.user = n
		case 3:
			if h.Unbind(c.conn, n) != (c.user == n) {
				t.Fatalf("step %d: Unbind", step)
			}
			if c.user == n {
				c.user = ""
			}
		case 4, 5, 6:
			full := len(c.groups) == 5 && !c.groups[n]
			if _, err := h.Join(c.conn, n); (err != nil) != full {
				t.Fatalf("step %d: Join with %d groups: %v", step, len(c.groups), err)
			}
			if !full {
				c.groups[n] = true
			}
		case 7:
			if h.Leave(c.conn, n) != c.groups[n] {
				t.Fatalf("step %d: Leave", step)
			}
			delete(c.groups, n)
		case 8:
			if rnd.IntN(3) > 0 {
				break
			}
			user, groups := h.Remove(c.conn)
			slices.Sort(groups)
			if user != c.user || !slices.Equal(groups, slices.Sorted(maps.Keys(c.groups))) {
				t.Fatalf("step %d: Remove: got %q %v, want %q %v", step, user, groups, c.user, c.groups)
			}
			delete(m.conns, id)
		case 9:
			if rnd.IntN(20) > 0 {
				break
			}
			if got, want := h.Ungroup(n), len(m.in(Group, n)); got != want {
				t.Fatalf("step %d: Ungroup: got %d, want %d", step, got, want)
			}
			for _, c := range m.conns {
				delete(c.groups, n)
			}
		case 10, 11:
			kind, names, exclude := Kind(op-10), []string{}, []uint64(nil)
			some(func() { names = append(names, name()) })
			some(func() { exclude = append(exclude, ids[rnd.IntN(len(ids))]) })
			var missed []string
			miss := func(name []byte) { missed = append(missed, string(name)) }
			want, wantMissed := m.send(kind, names, exclude)
			send := h.SendUsers
			if kind == Group {
				send = h.SendGroups
			}
			if tally := send(list(names...), aFrame, exclude, miss); tally != want || !slices.Equal(missed, wantMissed) {
				t.Fatalf("step %d: send to %v but %v: got %+v %v, want %+v %v", step, names, exclude, tally, missed, want, wantMissed)
			}
			for id, c := range m.conns {
				if got(c.conn) != c.frames {
					t.Fatalf("step %d: conn %d got %d frames, want %d", step, id, got(c.conn), c.frames)
				}
			}
		}
		if step%200 == 0 {
			users, groups := listNames(h, User, nil, 100, nil), listNames(h, Group, nil, 100, nil)
			if !slices.Equal(users, m.names(User)) || !slices.Equal(groups, m.names(Group)) ||
				h.UserCount() != len(users) || h.GroupCount() != len(groups) || h.Len() != len(m.conns) {
				t.Fatalf("step %d: users %v, groups %v, conns %d", step, users, groups, h.Len())
			}
			for _, g := range append(groups, "x") {
				if got, want := h.GroupUserCount(g), m.users(g); got != want {
					t.Fatalf("step %d: %s has %d users, want %d", step, g, got, want)
				}
			}
			m.compareLists(t, h, fmt.Sprint("step ", step), []string{name(), name(), "x"}, 1+rnd.IntN(30))
			members := h.UserConns(n)
			slices.Sort(members)
			if !slices.Equal(members, m.in(User, n)) || h.GroupLen(n) != len(m.in(Group, n)) {
				t.Fatalf("step %d: %s has conns %v and %d members", step, n, members, h.GroupLen(n))
			}
			check(t, h)
			v.compare(t, "view", h)
		}
	}
}
