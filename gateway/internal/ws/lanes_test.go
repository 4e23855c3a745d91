package ws

import (
	"slices"
	"testing"

	"github.com/parley-im/parley/gateway/internal/frame"
)

// turns runs a round over conns that are told apart by fd and returns the order of
// their turns. at is called in each turn.
func turns(l *lanes, at func(c *Conn)) (order []int32) {
	l.round(func(c *Conn, _ bool) {
		order = append(order, c.read.fd)
		at(c)
	})
	return order
}

func newLanes() *lanes {
	l := new(lanes)
	l.init()
	return l
}

func numbered(n int32) *Conn {
	c := new(Conn)
	c.read.fd = n
	return c
}

// What SendSoon sends waits in the lane soon, also on a conn that waits for its turn
// among the many.
func TestSendSoonTakesTheLaneSoon(t *testing.T) {
	s, err := New(Config{Flushers: 1}, &app{})
	if err != nil {
		t.Fatal(err)
	}
	c := &Conn{door: newDoor(s, nil, nil), fl: s.flushers[0], opened: true}
	f := s.mustFrame(frame.Text, "x", frame.Must, "")
	l := &s.flushers[0].lanes
	for i, step := range []struct {
		send       func(*frame.Frame) bool
		many, soon int
	}{{c.Send, 1, 0}, {c.SendSoon, 1, 1}, {c.SendSoon, 1, 1}, {c.Send, 1, 1}} {
		step.send(f)
		if len(l.many) != step.many || len(l.soon) != step.soon {
			t.Errorf("send %d: %d among the many and %d soon, want %d and %d", i, len(l.many), len(l.soon), step.many, step.soon)
		}
	}
}

func TestFrameForFewPassesABlast(t *testing.T) {
	l := newLanes()
	for i := range int32(5) {
		l.add(numbered(i), false)
	}
	l.add(numbered(100), true)
	got := turns(l, func(c *Conn) {
		if c.read.fd == 2 { // comes while the blast is under way
			l.add(numbered(200), true)
		}
	})
	if want := []int32{100, 0, 1, 2, 200, 3, 4}; !slices.Equal(got, want) {
		t.Errorf("turns: got %v, want %v", got, want)
	}
}

func TestFramesForFewDoNotStarveABlast(t *testing.T) {
	l := newLanes()
	const many = 10
	for i := range int32(many) {
		l.add(numbered(i), false)
	}
	for i := range int32(3) {
		l.add(numbered(100+i), true)
	}
	// Each turn of one that is soon brings another: without a bound nobody else would
	// ever have a turn.
	next, budget := int32(103), 100
	got := turns(l, func(c *Conn) {
		if c.read.fd >= 100 && budget > 0 {
			budget--
			l.add(numbered(next), true)
			next++
		}
	})
	last := slices.Index(got, many-1)
	if last < 0 || last > 3*many {
		t.Errorf("the last of the blast had turn %d of %v", last, got)
	}
}

func TestLanesWaitForEither(t *testing.T) {
	for _, soon := range []bool{true, false} {
		l := newLanes()
		woken := make(chan bool)
		go func() { woken <- l.wait() }()
		l.add(numbered(1), soon)
		if !<-woken {
			t.Errorf("soon %v: wait says that it is over", soon)
		}
		if got := turns(l, func(*Conn) {}); len(got) != 1 {
			t.Errorf("soon %v: turns %v", soon, got)
		}
		go func() { woken <- l.wait() }()
		l.stop()
		if <-woken {
			t.Error("wait does not say that it is over")
		}
	}
}
