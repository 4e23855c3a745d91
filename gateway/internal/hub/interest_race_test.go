package hub

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
)

// Many goroutines move conns between few keys, so that last leaves race first
// joins. Subscribers come and go meanwhile. In the end each that stayed knows
// exactly what is present, and every mark that was answered was true.
func TestDeltasAreTheTruth(t *testing.T) {
	const keys = 12
	h := New(Config{})
	v := newView()
	h.Subscribe(v)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)

	move := func(g uint64) {
		rnd := rand.New(rand.NewPCG(seed, g))
		id := g << 32
		var mine []*Conn
		for range rounds(4000) {
			if len(mine) < 4 {
				id++
				c := NewConn(id, new(sink))
				if err := h.Add(c); err != nil {
					t.Error(err)
				}
				mine = append(mine, c)
			}
			k := rnd.IntN(len(mine))
			c, name := mine[k], fmt.Sprint("k", rnd.IntN(keys))
			// Only this goroutine moves c: while it is in, the key is announced.
			told := func(kind Kind, mark uint64, err error) {
				if err != nil {
					t.Error(err)
				}
				if said, want := v.said(mark), delta(kind, name, true); said != want {
					t.Errorf("mark %d was answered for %q, it announced %q", mark, want, said)
				}
				if !v.has(kind, name) {
					t.Errorf("%v %s has a conn and was taken back", kind, name)
				}
			}
			switch rnd.IntN(10) {
			case 0, 1, 2:
				mark, err := h.Bind(c, name)
				told(User, mark, err)
			case 3, 4, 5:
				mark, err := h.Join(c, name)
				told(Group, mark, err)
			case 6:
				h.Unbind(c, c.User())
			case 7:
				h.Leave(c, name)
			case 8:
				if groups := c.Groups(); len(groups) > 0 {
					h.Leave(c, groups[0])
				}
			case 9:
				h.Remove(c)
				mine = append(mine[:k], mine[k+1:]...)
			}
		}
		if g%2 == 0 {
			for _, c := range mine {
				h.Remove(c)
			}
		}
	}
	var late []*view
	subscribe := func() {
		for range rounds(200) {
			s := newView()
			since := h.Subscribe(s)
			snapshot(h, s)
			if since%2 == 0 {
				h.Unsubscribe(s)
				s.mu.Lock()
				last := s.last
				s.mu.Unlock()
				runtime.Gosched()
				s.mu.Lock()
				if s.last != last {
					t.Error("a delta came after Unsubscribe")
				}
				s.mu.Unlock()
				continue
			}
			late = append(late, s)
			if len(late) > 8 {
				h.Unsubscribe(late[0])
				late = late[1:]
			}
		}
	}
	fs := []func(){subscribe}
	for g := range uint64(8) {
		fs = append(fs, func() { move(g + 1) })
	}
	together(fs...)

	if h.UserCount() == 0 || h.GroupCount() == 0 {
		t.Error("nothing is left to compare")
	}
	if int(h.Seq()) != len(v.log) {
		t.Errorf("Seq %d, told %d", h.Seq(), len(v.log))
	}
	v.compare(t, "the first subscriber", h)
	for i, s := range late {
		s.compare(t, fmt.Sprint("subscriber ", i), h)
	}
	check(t, h)
}

func TestSnapshotRacingChangesConverges(t *testing.T) {
	for round := range rounds(300) {
		h := New(Config{})
		var conns []*Conn
		for id := range uint64(40) {
			c := add(t, h, id)
			bind(t, h, c, fmt.Sprint("u", id%20))
			conns = append(conns, c)
		}
		v := newView()
		together(
			func() { h.Subscribe(v); snapshot(h, v) },
			func() {
				for i := range 20 {
					h.Remove(conns[i])
				}
			},
			func() {
				for i := 20; i < 40; i++ {
					if _, err := h.Bind(conns[i], fmt.Sprint("w", i)); err != nil {
						t.Error(err)
					}
				}
			},
		)
		v.compare(t, fmt.Sprint("round ", round), h)
		if t.Failed() {
			return
		}
	}
}
