package ws

import (
	"slices"
	"testing"
)

// TestSoonerDuringAVisitIsNotLost has a conn end while the wheel's goroutine is
// looking at it: the deadline of the end must not wait for what the visit, which
// saw nothing of it, thinks is next.
func TestSoonerDuringAVisitIsNotLost(t *testing.T) {
	for _, tt := range []struct{ wanted, next, first uint32 }{
		{wanted: 5, next: 300, first: 5},
		{wanted: 300, next: 5, first: 5},
		{wanted: 1, next: 1, first: 1},
	} {
		k := new(clock)
		k.t.Store(1)
		w := &wheel{clock: k}
		c := new(Conn)
		w.add(c, 2)
		turn := k.t.Add(1)
		visits := w.dueNow(turn, nil)
		if len(visits) != 1 || visits[0].c != c {
			t.Fatalf("due: got %v", visits)
		}
		w.sooner(c, turn+tt.wanted)
		w.next(c, visits[0].due, turn+tt.next)
		for range tt.first {
			turn = k.t.Add(1)
			visits = w.dueNow(turn, visits[:0])
			if len(visits) > 0 {
				break
			}
		}
		if len(visits) != 1 {
			t.Errorf("wanted in %d, next in %d: not visited within %d ticks", tt.wanted, tt.next, tt.first)
		}
		w.remove(c)
		w.sooner(c, turn+1)
		w.next(c, turn, turn+1)
		if left := w.all(nil); slices.Contains(left, c) || w.len != 0 {
			t.Error("a removed conn came back")
		}
	}
}
