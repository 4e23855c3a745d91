package link_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway/internal/hub"
	"github.com/parley-im/parley/gateway/internal/link"
	"github.com/parley-im/parley/gateway/internal/ws"
	"github.com/parley-im/parley/proto/record"
)

func zone(name string) map[string]string { return map[string]string{"zone": name} }

func (r *rig) reroute(change func(*link.Routing)) {
	r.t.Helper()
	if err := r.link.Reroute(change); err != nil {
		r.t.Fatal(err)
	}
}

// Who is not wanted any more gives its conns away like one that drains: what is under way
// there is finished there, what comes next waits for that, and nothing goes twice.
func TestLabelsThatChangeMoveConnsInOrder(t *testing.T) {
	r := newRig(t, func(c *link.Config, _ *ws.Config, _ *hub.Config) { c.WorkerLabels = zone("a") })
	a := r.attach(script{node: "a", labels: zone("a")})
	b := r.attach(script{node: "b", labels: zone("b")})
	r.serving(1)
	idle, c := r.enter(), r.enter()
	c.text("1")
	one := a.message("1")

	r.reroute(func(now *link.Routing) { now.WorkerLabels = zone("b") })
	if e := a.next(record.KindRevoked); e.conn == one.conn || e.term != 2 {
		t.Errorf("at once revoked: %v, want the idle one", e)
	}
	idle.text("idle no more")
	b.done(b.message("idle no more"))
	c.text("2") // waits
	b.idle(30 * time.Millisecond)
	a.done(one, "reply 1")
	c.expect("reply 1")
	if e := a.next(record.KindRevoked); e.conn != one.conn || e.term != 2 {
		t.Errorf("revoked: %v", e)
	}
	if e := b.message("2"); e.term != 2 || e.redelivered {
		t.Errorf("what waited: %v", e)
	}
	r.enter().text("new")
	b.message("new")
	if s := r.link.Stats(); s.Moves[link.Unwanted].Load() != 2 || s.Redelivered.Load() != 0 || s.Moves[link.Lost].Load() != 0 {
		t.Errorf("moved %d, redelivered %d, lost %d", s.Moves[link.Unwanted].Load(), s.Redelivered.Load(), s.Moves[link.Lost].Load())
	}
}

// Labels that nobody has leave conns where they are, until somebody has them.
func TestConnsStayWhileNobodyFits(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{node: "a", labels: zone("a")})
	c := r.enter()
	r.reroute(func(now *link.Routing) { now.WorkerLabels = zone("b") })
	r.serving(0)
	for i := range 3 {
		c.text(fmt.Sprint(i))
		a.done(a.message(fmt.Sprint(i)), "ok")
		c.expect("ok")
	}
	b := r.attach(script{node: "b", labels: zone("b")})
	if e := a.next(record.KindRevoked); e.term != 2 {
		t.Errorf("revoked: %v", e)
	}
	c.text("now")
	if e := b.message("now"); e.term != 2 || e.redelivered {
		t.Errorf("at the one that fits: %v", e)
	}
}

// What came while nobody was wanted is handled as soon as somebody is, without a worker
// that attaches.
func TestHeldEventsGoToWhoIsWantedNow(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{node: "a", labels: zone("a")})
	c := r.enter()
	c.text("1")
	a.done(a.message("1"), "ok")
	c.expect("ok")
	r.reroute(func(now *link.Routing) { now.WorkerLabels = zone("b") })
	b := r.attach(script{node: "b", labels: zone("b")})
	a.next(record.KindRevoked)
	b.end()
	r.serving(0)
	c.text("2")
	eventually(t, "an event that is held", func() bool { return r.link.Unacked() > 0 && len(r.log.with("no worker attached")) > 0 })
	r.reroute(func(now *link.Routing) { now.WorkerLabels = zone("a") })
	a.done(a.message("2"), "ok again")
	c.expect("ok again")
}

func TestLevellingBeginsAndEndsWhileItRuns(t *testing.T) {
	r := newRig(t, func(c *link.Config, _ *ws.Config, _ *hub.Config) {
		c.SlowStart, c.Rebalance, c.LevelEvery = -1, -1, 2*time.Millisecond
	})
	r.attach(script{node: "a"})
	for range 20 {
		r.enter()
	}
	r.attach(script{node: "b"})
	r.serving(2)
	if err := r.link.Reroute(func(now *link.Routing) { now.Rebalance = 101 }); err == nil {
		t.Error("101 percent is taken")
	}
	if n := r.link.Stats().Moves[link.Levelled].Load(); n != 0 {
		t.Errorf("%d moved while none should", n)
	}
	r.reroute(func(now *link.Routing) { now.Rebalance = 100 })
	eventually(t, "shares within bounds", func() bool { return within(r) })
	r.reroute(func(now *link.Routing) { now.Rebalance = -1 })
	r.attach(script{node: "c"})
	r.serving(3)
	before := r.link.Stats().Moves[link.Levelled].Load()
	time.Sleep(20 * time.Millisecond) // ten rounds, in which one that goes on would be seen
	if n := r.link.Stats().Moves[link.Levelled].Load(); n != before {
		t.Errorf("%d moved after the end of it", n-before)
	}
}

func TestSlowStartThatEndsCountsForWhoIsThere(t *testing.T) {
	r := newRig(t, func(c *link.Config, _ *ws.Config, _ *hub.Config) { c.SlowStart = time.Hour })
	r.attach(script{node: "a"})
	if slow := r.link.SlowStart(""); slow != time.Hour {
		t.Errorf("a slow start of %v", slow)
	}
	r.reroute(func(now *link.Routing) { now.SlowStart = -1 })
	if slow := r.link.SlowStart(""); slow != 0 {
		t.Errorf("a slow start of %v after its end", slow)
	}
}
