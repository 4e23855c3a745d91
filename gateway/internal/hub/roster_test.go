package hub

import (
	"testing"
)

func newRoster() *roster { return &roster{open: none} }

func TestRosterKeepsPlacesAndFillsHoles(t *testing.T) {
	rnd := random(t)
	r := newRoster()
	places := make(map[uint32]*Conn)
	for step := range 20_000 {
		grow := 7 - 4*(step/4000%2) // grows for a while, then shrinks
		if len(places) == 0 || rnd.IntN(10) < grow {
			c := new(Conn)
			at := r.add(c)
			if places[at] != nil {
				t.Fatalf("place %d was taken", at)
			}
			if want := len(places); int(at) > want+chunkLen*len(r.chunks) {
				t.Fatalf("place %d with %d conns", at, want)
			}
			places[at] = c
		} else {
			for at := range places {
				r.remove(at)
				delete(places, at)
				break
			}
		}
		if step%500 == 0 {
			checkRoster(t, "roster", r)
		}
	}
	checkRoster(t, "roster", r)
	for at, c := range places {
		if r.chunks[at/chunkLen].slots[at%chunkLen] != c {
			t.Errorf("conn moved from place %d", at)
		}
	}
	for at := range places {
		r.remove(at)
	}
	if len(r.chunks) != 0 || r.open != none {
		t.Errorf("an empty roster keeps %d chunks", len(r.chunks))
	}
	if cap(r.chunks) > 16 {
		t.Errorf("an empty roster keeps room for %d chunks", cap(r.chunks))
	}
}

func TestRosterReusesHolesBeforeItGrows(t *testing.T) {
	r := newRoster()
	for range 10 * chunkLen {
		r.add(new(Conn))
	}
	for at := uint32(0); at < 10*chunkLen; at += 3 {
		r.remove(at)
	}
	for at := uint32(0); at < 10*chunkLen; at += 3 {
		r.add(new(Conn))
	}
	if len(r.chunks) != 10 {
		t.Errorf("chunks after as many came as left: got %d, want 10", len(r.chunks))
	}
	checkRoster(t, "roster", r)
}

func TestRosterFreesEmptyChunksAtItsEnd(t *testing.T) {
	r := newRoster()
	for range 100 * chunkLen {
		r.add(new(Conn))
	}
	for at := uint32(chunkLen); at < 100*chunkLen; at++ {
		if at != 50*chunkLen {
			r.remove(at)
		}
	}
	if len(r.chunks) != 51 {
		t.Errorf("chunks while one at place 50×64 stays: got %d, want 51", len(r.chunks))
	}
	r.remove(50 * chunkLen)
	if len(r.chunks) != 1 || r.n != chunkLen || cap(r.chunks) > 16 {
		t.Errorf("got %d chunks (room for %d) and %d conns, want 1 chunk of %d", len(r.chunks), cap(r.chunks), r.n, chunkLen)
	}
	checkRoster(t, "roster", r)
}

func TestSlotsGrowByDoubling(t *testing.T) {
	s := newSet(new(keyShard), "g")
	for n := 1; n <= chunkLen; n++ {
		s.add(new(Conn))
		want := 1
		for want < n {
			want *= 2
		}
		if got := len(s.chunks[0].slots); got != want {
			t.Errorf("slots for %d members: got %d, want %d", n, got, want)
		}
	}
	if &s.chunks[0] != &s.chunk[0] {
		t.Error("the first chunk left its set")
	}
}

func TestWalkInPiecesMeetsEachOnce(t *testing.T) {
	r := newRoster()
	for i := range 1000 {
		r.add(NewConn(uint64(i), nil))
	}
	for at := uint32(0); at < 1000; at += 7 {
		r.remove(at)
	}
	for _, size := range []int{1, 5, chunkLen, 300, 2000} {
		met := make(map[uint64]int)
		buf := make([]*Conn, size)
		for at := uint32(0); ; {
			n, next := r.copyFrom(at, buf)
			for _, c := range buf[:n] {
				met[c.id]++
			}
			if next == 0 {
				break
			}
			if next <= at || n != size {
				t.Fatalf("pieces of %d: %d conns from %d, then %d", size, n, at, next)
			}
			at = next
		}
		if len(met) != int(r.n) {
			t.Errorf("pieces of %d met %d conns, want %d", size, len(met), r.n)
		}
		for id, n := range met {
			if n != 1 || id%7 == 0 {
				t.Errorf("pieces of %d met conn %d %d times", size, id, n)
			}
		}
	}
}
