package hub

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway/internal/frame"
)

func TestSendReachesThoseItIsFor(t *testing.T) {
	h := New(Config{})
	a, b, c := add(t, h, 1), add(t, h, 2), add(t, h, 3)
	bind(t, h, a, "u")
	bind(t, h, b, "u")
	join(t, h, b, "g")
	join(t, h, c, "g")
	b.Out().(*sink).refuse = true
	for _, tc := range []struct {
		name string
		send func() Tally
		want Tally
		a, c int
	}{
		{"conn", func() Tally { return h.SendConn(1, aFrame) }, Tally{Hit: 1}, 1, 0},
		{"conn that refuses", func() Tally { return h.SendConn(2, aFrame) }, Tally{Dropped: 1}, 0, 0},
		{"conn not here", func() Tally { return h.SendConn(4, aFrame) }, Tally{Missed: 1}, 0, 0},
		{"conns", func() Tally { return h.SendConns([]uint64{3, 4, 1, 3}, aFrame, nil) }, Tally{Hit: 2, Missed: 1}, 1, 1},
		{"user", func() Tally { return h.SendUser("u", aFrame, nil) }, Tally{Hit: 1, Dropped: 1}, 1, 0},
		{"user but one", func() Tally { return h.SendUser("u", aFrame, []uint64{2}) }, Tally{Hit: 1}, 1, 0},
		{"user but all", func() Tally { return h.SendUser("u", aFrame, []uint64{2, 1}) }, Tally{}, 0, 0},
		{"user not here", func() Tally { return h.SendUser("x", aFrame, nil) }, Tally{Missed: 1}, 0, 0},
		{"group", func() Tally { return h.SendGroup("g", aFrame, nil) }, Tally{Hit: 1, Dropped: 1}, 0, 1},
		{"group not here", func() Tally { return h.SendGroup("u", aFrame, nil) }, Tally{Missed: 1}, 0, 0},
		{"all", func() Tally { return h.SendAll(aFrame, nil) }, Tally{Hit: 2, Dropped: 1}, 1, 1},
		{"all but one", func() Tally { return h.SendAll(aFrame, []uint64{2, 77}) }, Tally{Hit: 2}, 1, 1},
		{"no names", func() Tally { return h.SendUsers(list(), aFrame, nil, nil) }, Tally{}, 0, 0},
		{"one name", func() Tally { return h.SendUsers(list("u"), aFrame, nil, nil) }, Tally{Hit: 1, Dropped: 1}, 1, 0},
		{"one name twice", func() Tally { return h.SendUsers(list("u", "u"), aFrame, nil, nil) }, Tally{Hit: 1, Dropped: 1}, 1, 0},
	} {
		beforeA, beforeC := got(a), got(c)
		if tally := tc.send(); tally != tc.want {
			t.Errorf("%s: got %+v, want %+v", tc.name, tally, tc.want)
		}
		if n := got(a) - beforeA; n != tc.a {
			t.Errorf("%s: conn 1 got %d frames, want %d", tc.name, n, tc.a)
		}
		if n := got(c) - beforeC; n != tc.c {
			t.Errorf("%s: conn 3 got %d frames, want %d", tc.name, n, tc.c)
		}
	}
}

func TestEachOutletGetsTheVeryFrame(t *testing.T) {
	h := New(Config{})
	f := new(frame.Frame)
	for id := range uint64(200) {
		c := NewConn(id, &sink{on: func(g *frame.Frame) {
			if g != f {
				t.Error("another frame")
			}
		}})
		if err := h.Add(c); err != nil {
			t.Fatal(err)
		}
	}
	if tally := h.SendAll(f, nil); tally.Hit != 200 {
		t.Errorf("got %+v", tally)
	}
}

func TestConnInSeveralGroupsGetsOne(t *testing.T) {
	h := New(Config{})
	conns := crowd(t, h, 1, 300, "a")
	for i, c := range conns {
		if i%2 == 0 {
			join(t, h, c, "b")
		}
		if i%3 == 0 {
			join(t, h, c, "c")
		}
	}
	more := crowd(t, h, 1000, 50, "c")
	var missed []string
	tally := h.SendGroups(list("a", "nowhere", "b", "c", "a", "nobody"), aFrame, []uint64{conns[4].ID()}, func(name []byte) {
		missed = append(missed, string(name))
	})
	if want := (Tally{Hit: 349, Missed: 2}); tally != want {
		t.Errorf("got %+v, want %+v", tally, want)
	}
	if !slices.Equal(missed, []string{"nowhere", "nobody"}) {
		t.Errorf("missed: %v", missed)
	}
	for i, c := range append(conns, more...) {
		if want := 1; got(c) != want && i != 4 {
			t.Errorf("conn %d got %d frames, want %d", c.ID(), got(c), want)
		}
	}
	// The marks of one send are not seen by the next.
	if tally := h.SendGroups(list("b", "c"), aFrame, nil, nil); tally.Hit != 250 {
		t.Errorf("second send: got %+v, want 250 hits", tally)
	}
}

func TestMissedIdsAreNamed(t *testing.T) {
	h := New(Config{})
	add(t, h, 1)
	var missed []uint64
	h.SendConns([]uint64{5, 1, 6}, aFrame, func(id uint64) { missed = append(missed, id) })
	if !slices.Equal(missed, []uint64{5, 6}) {
		t.Errorf("got %v", missed)
	}
}

func TestMissedMayChangeTheHub(t *testing.T) {
	h := New(Config{})
	c := add(t, h, 1)
	h.SendUsers(list("late", "late"), aFrame, nil, func(user []byte) { bind(t, h, c, string(user)) })
	if got(c) != 1 {
		t.Errorf("bound at the first, sent to at the second: got %d frames, want 1", got(c))
	}
}

func TestExcludeOfAnyLength(t *testing.T) {
	h := New(Config{})
	conns := crowd(t, h, 1, 200, "g")
	for n := range 2 * manyExcludes {
		exclude := []uint64{}
		for i := range n {
			exclude = append(exclude, uint64(1+3*i))
		}
		exclude = append(exclude, 99999) // somebody who is not here
		before := make([]int, len(conns))
		for i, c := range conns {
			before[i] = got(c)
		}
		for name, tally := range map[string]Tally{
			"group":  h.SendGroup("g", aFrame, exclude),
			"groups": h.SendGroups(list("g", "g"), aFrame, exclude, nil),
			"all":    h.SendAll(aFrame, exclude),
		} {
			if tally != (Tally{Hit: 200 - n}) {
				t.Errorf("%s but %d: got %+v", name, n, tally)
			}
		}
		for i, c := range conns {
			want := 3
			if slices.Contains(exclude, c.ID()) {
				want = 0
			}
			if got(c)-before[i] != want {
				t.Errorf("conn %d, %d excluded: got %d frames, want %d", c.ID(), n, got(c)-before[i], want)
			}
		}
	}
}

func TestSparseGroupIsReached(t *testing.T) {
	h := New(Config{})
	conns := crowd(t, h, 1, 5000, "g")
	for i, c := range conns {
		if i%97 != 0 {
			h.Leave(c, "g")
		}
	}
	want := (5000 + 96) / 97
	if tally := h.SendGroup("g", aFrame, nil); tally.Hit != want {
		t.Errorf("got %+v, want %d hits", tally, want)
	}
	check(t, h)
}

// Design G9: a blast to a huge group passes in slices. Somebody joins after the
// first slice; the last one sees that he is in.
func TestOthersGoBetweenTheSlicesOfABlast(t *testing.T) {
	h := New(Config{})
	const size = 20 * chunkLen
	start, joined := make(chan struct{}), make(chan struct{})
	n := 0
	on := func(*frame.Frame) {
		n++
		if n == 1 {
			close(start)
		}
		if n%chunkLen != 0 {
			return
		}
		// The end of a slice, under its lock: the goroutine that is to join may need a
		// while to come to it.
		select {
		case <-joined:
		case <-time.After(50 * time.Millisecond):
			if n == size {
				t.Error("nobody could join while the blast went on")
			}
		}
	}
	for id := range uint64(size) {
		c := NewConn(id, &sink{on: on})
		if err := h.Add(c); err != nil {
			t.Fatal(err)
		}
		join(t, h, c, "huge")
	}
	late := add(t, h, size)
	go func() {
		<-start
		if _, err := h.Join(late, "huge"); err != nil {
			t.Error(err)
		}
		close(joined)
	}()
	if tally := h.SendGroup("huge", aFrame, nil); tally.Hit < size {
		t.Errorf("got %+v, want at least %d hits", tally, size)
	}
}

func TestSlicesAreOfAtMost64(t *testing.T) {
	h := New(Config{})
	conns := crowd(t, h, 1, 1000, "g")
	for i, c := range conns {
		if i%5 == 0 {
			h.Leave(c, "g")
		}
	}
	s := h.set(Group, "g")
	d := h.begin(aFrame, nil, false)
	for i, before := 0, 0; i >= 0; before = d.tally.Hit {
		i = d.lockedSlice(&s.shard.mu, &s.roster, i)
		if n := d.tally.Hit - before; n > chunkLen {
			t.Errorf("a slice of %d", n)
		}
	}
	if got := h.end(&d); got.Hit != 800 {
		t.Errorf("got %+v", got)
	}
}

func TestLongNames(t *testing.T) {
	h := New(Config{})
	long := fmt.Sprintf("%0300d", 1)
	c := add(t, h, 1)
	bind(t, h, c, long)
	h.SendUser(long, aFrame, nil)
	h.SendUsers(list(long), aFrame, nil, nil)
	if got(c) != 2 {
		t.Errorf("got %d, want 2", got(c))
	}
}
