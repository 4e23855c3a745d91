package link_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway/internal/hub"
	"github.com/parley-im/parley/gateway/internal/link"
	"github.com/parley-im/parley/gateway/internal/ws"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

func impatient(c *link.Config, _ *ws.Config, _ *hub.Config) { c.WorkerPatience = time.Second }

func TestLostStreamMovesEventsInOrderWithContext(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{node: "a", answer: &gatewayv1.OpenAnswer{User: "guanyu", Session: []byte("s"), HasSession: true}})
	c, idle := r.enter(), r.enter()
	for i := range 5 {
		c.text(fmt.Sprint(i))
	}
	a.done(a.message("0"), "reply 0")
	c.expect("reply 0")
	for i := 1; i < 5; i++ {
		a.message(fmt.Sprint(i))
	}
	b := r.attach(script{node: "b"})
	a.end()
	ctx := b.next()
	if got := ctx.context(); ctx.kind != record.KindContext || ctx.term != 2 || got.GetFacts().GetPath() != "/chat" || got.GetUser() != "guanyu" || string(got.GetSession()) != "s" {
		t.Fatalf("first: got %v %v", ctx, got)
	}
	for i := 1; i < 5; i++ {
		e := b.message(fmt.Sprint(i))
		if e.term != 2 || e.seq != uint32(i)+2 || !e.redelivered {
			t.Errorf("event %d: got %v", i, e)
		}
		b.done(e, "reply "+fmt.Sprint(i))
		c.expect("reply " + fmt.Sprint(i))
	}
	c.text("5")
	if e := b.message("5"); e.redelivered || e.term != 2 {
		t.Errorf("a new event: got %v", e)
	}
	// The conn without events moves with its next one.
	idle.text("hello")
	if e := b.message("hello"); e.redelivered || e.term != 2 || e.seq != 2 {
		t.Errorf("event of an idle conn: got %v", e)
	}
	if s := r.link.Stats(); s.Moves.Load() != 2 || s.Redelivered.Load() != 4 {
		t.Errorf("moves %d, redelivered %d: want 2 and 4", s.Moves.Load(), s.Redelivered.Load())
	}
}

func TestSilentWorkerIsGivenUpAndItsLateAcksRefused(t *testing.T) {
	r := newRig(t, impatient)
	frozen := r.attach(script{node: "frozen", mute: true})
	c := r.enter()
	c.text("1")
	e := frozen.message("1")
	b := r.attach(script{node: "b"})
	moved := b.message("1")
	if !moved.redelivered || moved.term != 2 {
		t.Errorf("moved: got %v", moved)
	}
	if got := r.link.Stats().Silent.Load(); got != 1 {
		t.Errorf("silent workers: got %d, want 1", got)
	}
	frozen.done(e, "too late") // into a stream that has ended
	b.done(moved, "in time")
	c.expect("in time")
	eventually(t, "a line about it", func() bool { return len(r.log.with("worker lost")) == 1 })
}

// A worker whose conns have moved while its stream stands is refused by term:
// here it is the drain that moved them, with the stream still there.
func TestLateAckOnALivingStreamIsRefused(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{node: "a"})
	c := r.enter()
	c.text("1")
	e := a.message("1")
	b := r.attach(script{node: "b"})
	a.give(record.AppendDraining(nil))
	a.done(e, "reply")
	c.expect("reply")
	if got := a.next(record.KindRevoked); got.conn != e.conn || got.term != 2 {
		t.Errorf("revoked: got %v", got)
	}
	c.text("2")
	moved := b.message("2")
	stale := moved
	stale.term = e.term
	a.done(stale, "not yours")
	a.done(moved, "not yours either")
	r.stat("refused", &r.link.Stats().RefusedTerms, 2)
	if got := a.ask(bind(ref(e.conn, e.term), "x")); got.GetStatus() != gatewayv1.Status_STATUS_MOVED {
		t.Errorf("bind under the old term: got %v", got)
	}
	b.done(moved, "mine")
	c.expect("mine")
}

func TestWithoutWorkerEventsAreHeldAndTheSocketIsNotRead(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{node: "a"})
	c := r.enter()
	a.end()
	eventually(t, "the loss", func() bool { return r.link.Serving() == 0 })
	defer c.flood(100, func(i int) string { return fmt.Sprint(i) })()
	r.stat("a pause", &r.link.Stats().Pauses, 1)
	if got := r.link.Unacked(); got != 32 {
		t.Errorf("held: got %d, want 32", got)
	}
	if len(r.log.with("no worker attached")) != 1 {
		t.Errorf("logged: %q", r.log.with(""))
	}
	b := r.attach(script{node: "b", echo: true})
	for i := range 100 {
		if e := b.message(fmt.Sprint(i)); e.redelivered {
			t.Fatalf("never given to anybody, but marked: %v", e)
		}
		c.expect(fmt.Sprint(i))
	}
}

func TestClosedSurvivesTheLossOfWorkers(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{node: "a", answer: &gatewayv1.OpenAnswer{User: "u", Groups: []string{"g"}, Session: []byte("s"), HasSession: true}})
	c := r.enter()
	c.text("last words")
	a.message("last words")
	c.nc.Close()
	a.next(record.KindClosed)
	a.end() // before it acknowledged either
	b := r.attach(script{node: "b"})
	b.done(b.message("last words"))
	e := b.next()
	got := e.closed()
	if e.kind != record.KindClosed || !e.redelivered || e.term != 2 || got.GetLast().GetUser() != "u" ||
		fmt.Sprint(got.GetLast().GetGroups()) != "[g]" || string(got.GetLast().GetSession()) != "s" {
		t.Errorf("closed: got %v %v", e, got)
	}
	eventually(t, "the acknowledgement", func() bool { return r.link.Unacked() == 1 })
	b.end()
	d := r.attach(script{node: "d"})
	e = d.next(record.KindClosed)
	d.done(e)
	eventually(t, "nothing left", func() bool { return r.link.Unacked() == 0 })
	d.done(e) // the conn is forgotten by now
	r.stat("stale", &r.link.Stats().StaleAcks, 1)
}

// Two workers in a row are lost with the same events: a seq never comes twice
// within a term, and nothing is lost.
func TestManyLossesInARow(t *testing.T) {
	r := newRig(t)
	w := r.attach(script{node: "w0"})
	c := r.enter()
	for i := range 10 {
		c.text(fmt.Sprint(i))
	}
	for i := range 10 {
		w.message(fmt.Sprint(i))
	}
	for round := 1; round <= 10; round++ {
		next := r.attach(script{node: fmt.Sprint("w", round)})
		w.end()
		w = next
		for i := round - 1; i < 10; i++ {
			e := w.message(fmt.Sprint(i))
			if e.term != uint32(round)+1 || !e.redelivered {
				t.Fatalf("round %d: got %v", round, e)
			}
			if i == round-1 {
				w.done(e, e.body)
			}
		}
		c.expect(fmt.Sprint(round - 1))
	}
	eventually(t, "nothing left", func() bool { return r.link.Unacked() == 0 })
}
