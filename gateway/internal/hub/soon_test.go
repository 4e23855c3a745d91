package hub

import (
	"fmt"
	"testing"
)

// A send to few should not wait behind a blast, whatever names its targets; a blast
// is told from it by the size of its groups.
func TestSendToFewIsSoonAndABlastIsNot(t *testing.T) {
	h := New(Config{})
	var conns []*Conn
	var ids []uint64
	for i := range 3 * fewConns {
		c := add(t, h, uint64(i+1))
		conns, ids = append(conns, c), append(ids, c.ID())
		bind(t, h, c, fmt.Sprint("user", i))
		join(t, h, c, "everybody")
		if i < fewConns {
			join(t, h, c, "few")
		}
	}
	for name, tc := range map[string]struct {
		send func()
		soon int
	}{
		"conn":                {func() { h.SendConn(1, nil) }, 1},
		"few conns":           {func() { h.SendConns(ids[:fewConns], nil, nil) }, fewConns},
		"many conns":          {func() { h.SendConns(ids[:fewConns+1], nil, nil) }, 0},
		"user":                {func() { h.SendUser("user1", nil, nil) }, 1},
		"small group":         {func() { h.SendGroup("few", nil, nil) }, fewConns},
		"large group":         {func() { h.SendGroup("everybody", nil, nil) }, 0},
		"small group by name": {func() { h.SendGroups(list("few"), nil, nil, nil) }, fewConns},
		"small, then large":   {func() { h.SendGroups(list("few", "everybody"), nil, nil, nil) }, fewConns},
		"everybody":           {func() { h.SendAll(nil, nil) }, 0},
	} {
		for _, c := range conns {
			c.Out().(*sink).soon.Store(0)
		}
		tc.send()
		soon := 0
		for _, c := range conns {
			soon += int(c.Out().(*sink).soon.Load())
		}
		if soon != tc.soon {
			t.Errorf("%s: %d frames were to leave soon, want %d", name, soon, tc.soon)
		}
	}
}
