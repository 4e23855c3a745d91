package hub

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

func TestConnIsFoundFromAddToRemove(t *testing.T) {
	h := New(Config{})
	c := add(t, h, 7)
	if h.Find(7) != c || h.Len() != 1 {
		t.Errorf("after Add: Find %p, Len %d", h.Find(7), h.Len())
	}
	if err := h.Add(c); !errors.Is(err, ErrTaken) {
		t.Errorf("Add again: %v", err)
	}
	if err := h.Add(NewConn(7, nil)); !errors.Is(err, ErrTaken) {
		t.Errorf("Add of another with that id: %v", err)
	}
	bind(t, h, c, "liubei")
	join(t, h, c, "shu")
	join(t, h, c, "oath")
	user, groups := h.Remove(c)
	slices.Sort(groups)
	if user != "liubei" || !slices.Equal(groups, []string{"oath", "shu"}) {
		t.Errorf("Remove: got %q %v", user, groups)
	}
	if h.Find(7) != nil || h.Len() != 0 || h.UserCount() != 0 || h.GroupCount() != 0 {
		t.Error("something of the conn stayed")
	}
	if c.User() != "" || c.Groups() != nil {
		t.Errorf("the conn remembers %q %v", c.User(), c.Groups())
	}
	if user, groups := h.Remove(c); user != "" || groups != nil {
		t.Errorf("second Remove: got %q %v", user, groups)
	}
	check(t, h)
}

func TestRemovedConnStaysOut(t *testing.T) {
	h := New(Config{})
	c := add(t, h, 1)
	h.Remove(c)
	if err := h.Add(c); !errors.Is(err, ErrGone) {
		t.Errorf("Add: %v", err)
	}
	if _, err := h.Bind(c, "u"); !errors.Is(err, ErrGone) {
		t.Errorf("Bind: %v", err)
	}
	if _, err := h.Join(c, "g"); !errors.Is(err, ErrGone) {
		t.Errorf("Join: %v", err)
	}
	if h.Unbind(c, "u") || h.Leave(c, "g") {
		t.Error("Unbind or Leave found something")
	}
	if _, err := h.Bind(NewConn(2, nil), "u"); !errors.Is(err, ErrGone) {
		t.Errorf("Bind of a conn never added: %v", err)
	}
	if err := h.Add(NewConn(1, new(sink))); err != nil {
		t.Errorf("the id is not free again: %v", err)
	}
	check(t, h)
}

func TestEmbeddedConn(t *testing.T) {
	h := New(Config{})
	var socket struct {
		Conn
		sink
	}
	socket.Init(9, &socket.sink)
	if err := h.Add(&socket.Conn); err != nil {
		t.Fatal(err)
	}
	if h.SendConn(9, aFrame) != (Tally{Hit: 1}) || socket.got.Load() != 1 {
		t.Error("frame did not arrive")
	}
}

func TestBindReplacesTheUser(t *testing.T) {
	h := New(Config{})
	v := newView()
	h.Subscribe(v)
	c := add(t, h, 1)
	if mark := bind(t, h, c, "old"); mark != 1 {
		t.Errorf("mark of the first: got %d, want 1", mark)
	}
	if mark := bind(t, h, c, "new"); mark != 3 {
		t.Errorf("mark of the second: got %d, want 3: old gone is 2", mark)
	}
	for seq, want := range map[uint64]string{1: "user old true", 2: "user old false", 3: "user new true"} {
		if got := v.said(seq); got != want {
			t.Errorf("delta %d: got %q, want %q", seq, got, want)
		}
	}
	if c.User() != "new" || h.UserOnline("old") || !h.UserOnline("new") {
		t.Errorf("user is %q, old online %t, new online %t", c.User(), h.UserOnline("old"), h.UserOnline("new"))
	}
	if h.Unbind(c, "old") || !h.Unbind(c, "new") || h.Unbind(c, "new") || c.User() != "" {
		t.Error("Unbind takes only the user that is bound, once")
	}
	v.compare(t, "view", h)
	check(t, h)
}

func TestMarkIsThatOfTheFirst(t *testing.T) {
	h := New(Config{})
	a, b := add(t, h, 1), add(t, h, 2)
	first := bind(t, h, a, "u")
	join(t, h, a, "g")
	if got := bind(t, h, b, "u"); got != first {
		t.Errorf("mark of the second conn: got %d, want %d", got, first)
	}
	if got := bind(t, h, b, "u"); got != first {
		t.Errorf("mark of binding again: got %d, want %d", got, first)
	}
	if got := join(t, h, b, "g"); got != 2 {
		t.Errorf("mark of joining second: got %d, want 2", got)
	}
	if got := join(t, h, b, "g"); got != 2 || h.GroupLen("g") != 2 {
		t.Errorf("mark of joining again: got %d, want 2; members %d", got, h.GroupLen("g"))
	}
	h.Leave(a, "g")
	h.Leave(b, "g")
	if got := join(t, h, b, "g"); got != 4 {
		t.Errorf("mark after all had left: got %d, want 4", got)
	}
	if h.Seq() != 4 {
		t.Errorf("Seq: got %d, want 4", h.Seq())
	}
}

func TestGroupLimit(t *testing.T) {
	h := New(Config{MaxGroupsPerConn: 3})
	c := add(t, h, 1)
	for i := range 3 {
		join(t, h, c, fmt.Sprint(i))
	}
	if _, err := h.Join(c, "one more"); !errors.Is(err, ErrTooManyGroups) {
		t.Errorf("Join beyond the limit: %v", err)
	}
	if h.GroupLen("one more") != 0 || h.Seq() != 3 {
		t.Error("the refused group was announced")
	}
	join(t, h, c, "2") // is in it: no refusal
	h.Leave(c, "0")
	join(t, h, c, "one more")
	h.SetMaxGroupsPerConn(1)
	if _, err := h.Join(c, "x"); !errors.Is(err, ErrTooManyGroups) || len(c.Groups()) != 3 {
		t.Errorf("after the limit sank: %v, groups %v", err, c.Groups())
	}
	h.SetMaxGroupsPerConn(0)
	for i := 3; i < DefaultMaxGroupsPerConn; i++ {
		join(t, h, c, fmt.Sprint("g", i))
	}
	if _, err := h.Join(c, "x"); !errors.Is(err, ErrTooManyGroups) {
		t.Errorf("Join beyond the default: %v", err)
	}
	check(t, h)
	h.Remove(c)
	check(t, h)
	if (Config{MaxGroupsPerConn: -1}).Validate() == nil || (Config{}).Validate() != nil {
		t.Error("Validate")
	}
}

func TestListOfGroupsGivesMemoryBack(t *testing.T) {
	h := New(Config{})
	c := add(t, h, 1)
	for i := range 1000 {
		join(t, h, c, fmt.Sprint(i))
	}
	for i := range 999 {
		if !h.Leave(c, fmt.Sprint(i)) {
			t.Fatalf("was not in %d", i)
		}
	}
	if cap(c.groups) > 16 || !slices.Equal(c.Groups(), []string{"999"}) {
		t.Errorf("room for %d groups after all but one were left: %v", cap(c.groups), c.Groups())
	}
	check(t, h)
}

func TestEmptyNamesAreRefused(t *testing.T) {
	h := New(Config{})
	c := add(t, h, 1)
	if _, err := h.Bind(c, ""); !errors.Is(err, ErrNoName) {
		t.Errorf("Bind: %v", err)
	}
	if _, err := h.Join(c, ""); !errors.Is(err, ErrNoName) {
		t.Errorf("Join: %v", err)
	}
}

func TestUserAndGroupOfOneNameAreTwo(t *testing.T) {
	h := New(Config{})
	a, b := add(t, h, 1), add(t, h, 2)
	bind(t, h, a, "wei")
	join(t, h, b, "wei")
	h.SendUser("wei", aFrame, nil)
	if got(a) != 1 || got(b) != 0 {
		t.Errorf("sent to the user: the user got %d, the group %d", got(a), got(b))
	}
	h.SendGroup("wei", aFrame, nil)
	if got(a) != 1 || got(b) != 1 {
		t.Errorf("sent to the group: the user got %d, the group %d", got(a), got(b))
	}
}

func TestUngroupEmptiesTheGroup(t *testing.T) {
	h := New(Config{})
	conns := crowd(t, h, 1, 500, "g")
	for _, c := range conns {
		join(t, h, c, "other")
	}
	if n := h.Ungroup("g"); n != 500 {
		t.Errorf("left: got %d, want 500", n)
	}
	if h.GroupLen("g") != 0 || h.GroupLen("other") != 500 || h.Ungroup("g") != 0 {
		t.Errorf("members: g %d, other %d", h.GroupLen("g"), h.GroupLen("other"))
	}
	check(t, h)
}
