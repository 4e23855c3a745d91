package link

import (
	"testing"
	"time"
)

func TestPaceOfLevellingIsBounded(t *testing.T) {
	l := newLink(t)
	var four []*worker
	for _, node := range []string{"a", "b", "c", "d"} {
		w := hire(l, node, time.Hour, nil)
		w.owned.Store(1000)
		four = append(four, w)
	}
	now := time.Now()
	if v := l.pool("").levelling(now, 0.01); v != nil {
		t.Errorf("all have the same, and %d are to move", v.most)
	}
	four[0].owned.Store(1190)
	four[1].owned.Store(810)
	if v := l.pool("").levelling(now, 0.01); v != nil {
		t.Errorf("within bounds, and %d are to move", v.most)
	}
	four[0].owned.Store(1000)
	four[1].owned.Store(1000)
	fresh := hire(l, "fresh", time.Hour, nil)
	v := l.pool("").levelling(now, 0.01)
	if v == nil || v.most != 40 || v.room[fresh] != 800 || v.spare[four[2]] != 200 {
		t.Errorf("one more: got %+v", v)
	}
	// Who has few because he is slow is left alone.
	fresh.owned.Store(500)
	fresh.load.Store(10_000)
	if v := l.pool("").levelling(now, 0.01); v != nil {
		t.Errorf("%d are to move to one that has more than enough to do", v.most)
	}
	// Who has just come gets as much of those that are there as of those that come.
	fresh.load.Store(0)
	fresh.owned.Store(0)
	fresh.session.since = now
	if v := l.pool("").levelling(now, 0.01); v == nil || v.room[fresh] > 100 {
		t.Errorf("in its first moment: got %+v", v)
	}
}

func TestFewConnsDoNotGoToAndFro(t *testing.T) {
	l := newLink(t)
	a, b, c := hire(l, "a", time.Hour, nil), hire(l, "b", time.Hour, nil), hire(l, "c", time.Hour, nil)
	for _, had := range [][3]int64{{0, 0, 0}, {1, 0, 0}, {1, 1, 0}, {2, 1, 1}, {2, 2, 1}, {2, 1, 2}, {5, 0, 0}, {9, 1, 1}} {
		a.owned.Store(had[0])
		b.owned.Store(had[1])
		c.owned.Store(had[2])
		moves := 0
		for ; moves < 100; moves++ {
			v := l.pool("").levelling(time.Now(), 0)
			if v == nil {
				break
			}
			for from := range v.spare {
				if to := v.lightest(from); to != nil {
					from.owned.Add(-1)
					to.owned.Add(1)
					break
				}
			}
		}
		if moves > 6 {
			t.Errorf("%v: %d moves", had, moves)
		}
	}
}
