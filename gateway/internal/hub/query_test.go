package hub

import (
	"fmt"
	"slices"
	"testing"
)

func TestCountsAndConns(t *testing.T) {
	h := New(Config{})
	for id := range uint64(10) {
		c := add(t, h, id)
		bind(t, h, c, fmt.Sprint("u", id/2))
		join(t, h, c, "g")
	}
	if h.UserCount() != 5 || h.GroupCount() != 1 || h.UserLen("u1") != 2 || h.GroupLen("g") != 10 || h.GroupLen("x") != 0 {
		t.Errorf("users %d, groups %d, u1 %d, g %d, x %d", h.UserCount(), h.GroupCount(), h.UserLen("u1"), h.GroupLen("g"), h.GroupLen("x"))
	}
	ids := h.UserConns("u1")
	slices.Sort(ids)
	if !slices.Equal(ids, []uint64{2, 3}) || h.UserConns("x") != nil {
		t.Errorf("conns of u1: %v; of nobody: %v", ids, h.UserConns("x"))
	}
	ids = h.AppendUserConns(h.AppendUserConns([]uint64{77}, []byte("u1")), []byte("x"))
	if slices.Sort(ids); !slices.Equal(ids, []uint64{2, 3, 77}) {
		t.Errorf("conns of u1, appended: %v", ids)
	}
}

// A user with more conns than a chunk holds has all of them named.
func TestAllConnsOfAUserAreAppended(t *testing.T) {
	h := New(Config{})
	for id := range uint64(3*chunkLen + 1) {
		bind(t, h, add(t, h, id), "u")
	}
	h.Remove(h.Find(5))
	ids := h.AppendUserConns(nil, []byte("u"))
	if slices.Sort(ids); len(ids) != 3*chunkLen || len(slices.Compact(ids)) != 3*chunkLen || slices.Contains(ids, 5) {
		t.Errorf("got %d: %v", len(ids), ids)
	}
}

func TestUsersOfAGroupAreNamedOnce(t *testing.T) {
	h := New(Config{})
	for id := range uint64(300) {
		c := add(t, h, id)
		if id%3 < 2 { // every third is nobody's
			bind(t, h, c, fmt.Sprint("u", id/6))
		}
		join(t, h, c, "g")
	}
	all := h.GroupUsers("g", 1000)
	if slices.Sort(all); len(all) != 50 || len(slices.Compact(all)) != 50 {
		t.Errorf("got %q, want 50", all)
	}
	if few := h.GroupUsers("g", 3); !slices.Equal(few, []string{"u0", "u1", "u2"}) {
		t.Errorf("got %q, want the first three", few)
	}
	for _, limit := range []int{0, -1} {
		if got := h.GroupUsers("g", limit); got != nil {
			t.Errorf("%d of them: %q", limit, got)
		}
	}
	if got := h.GroupUsers("x", 10); got != nil {
		t.Errorf("of a group that is not: %q", got)
	}
}

func TestPagesOfAGroupListWhoStaysOnce(t *testing.T) {
	h := New(Config{})
	conns := crowd(t, h, 0, 1000, "g")
	for _, limit := range []int{1, 63, 64, 65, 1000, 5000} {
		seen := make(map[uint64]int)
		pages := 0
		ids := listConns(h, []string{"g"}, limit, func() {
			// The odd ones come and go between the pages.
			odd := conns[(2*pages+1)%1000]
			h.Leave(odd, "g")
			join(t, h, odd, "g")
			pages++
		})
		for _, id := range ids {
			seen[id]++
		}
		for id := uint64(0); id < 1000; id += 2 {
			if seen[id] != 1 {
				t.Errorf("pages of %d: conn %d was listed %d times", limit, id, seen[id])
			}
		}
	}
	if ids := listConns(h, []string{"x"}, 10, nil); ids != nil {
		t.Errorf("of a group that is not: %v", ids)
	}
}

func TestPagesOfUsersListEachOnce(t *testing.T) {
	h := New(Config{})
	for id := range uint64(1000) {
		bind(t, h, add(t, h, id), fmt.Sprint("user", id))
	}
	for _, limit := range []int{1, 7, 999, 1000, 2000} {
		names := listNames(h, User, nil, limit, nil)
		if len(names) != 1000 || len(slices.Compact(names)) != 1000 {
			t.Errorf("pages of %d listed %d users, want 1000", limit, len(names))
		}
	}
	if got := listNames(h, Group, nil, 10, nil); len(got) != 0 {
		t.Errorf("groups: %v", got)
	}
}

func TestAPageGoesOnAfterAUserWhoLeft(t *testing.T) {
	h := New(Config{})
	conns := make(map[string]*Conn)
	for id := range uint64(100) {
		c := add(t, h, id)
		bind(t, h, c, fmt.Sprint(id))
		conns[fmt.Sprint(id)] = c
	}
	n := 0
	last, _ := h.NamePage(User, nil, "", func(string) bool { n++; return n <= 40 })
	h.Remove(conns[last])
	rest := 0
	if _, more := h.NamePage(User, nil, last, func(string) bool { rest++; return true }); rest != 60 || more {
		t.Errorf("rest: got %d, want 60", rest)
	}
}

func TestEachMayChangeTheHub(t *testing.T) {
	h := New(Config{})
	crowd(t, h, 1, 300, "g")
	n := 0
	h.EachConn(func(c *Conn) bool { n++; return n < 100 })
	if n != 100 {
		t.Errorf("stopped after %d, want 100", n)
	}
	h.Each(Group, "g", func(c *Conn) bool { n--; return true })
	if n != -200 {
		t.Errorf("members met: %d, want 300", 100-n)
	}
	h.Each(User, "g", func(*Conn) bool { t.Error("a user was met"); return true })
	h.EachConn(func(c *Conn) bool { h.Remove(c); return true })
	if h.Len() != 0 || h.GroupCount() != 0 {
		t.Errorf("left: %d conns, %d groups", h.Len(), h.GroupCount())
	}
	check(t, h)
}

func TestPartsAreAllConnsOnce(t *testing.T) {
	h := New(Config{})
	for id := range uint64(500) {
		add(t, h, id)
	}
	seen := map[uint64]int{}
	for part := range ConnShards {
		h.EachConnOf(part, func(c *Conn) bool { seen[c.ID()]++; return true })
	}
	for id := range uint64(500) {
		if seen[id] != 1 {
			t.Errorf("conn %d was met %d times", id, seen[id])
		}
	}
}
