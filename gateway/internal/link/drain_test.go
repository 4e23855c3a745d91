package link_test

import (
	"testing"
	"time"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// drain says that the worker drains, and waits until the gateway has heard it.
func (w *worker) drain() {
	w.t.Helper()
	w.give(record.AppendDraining(nil))
	w.ask(query(&gatewayv1.Query{Counts: true}))
}

// leave ends the worker's side of the stream, as one does that has drained.
func (w *worker) leave() {
	w.t.Helper()
	w.sending.Lock()
	w.left = true
	err := w.stream.CloseSend()
	w.sending.Unlock()
	if err != nil {
		w.t.Fatal(err)
	}
	select {
	case <-w.over:
	case <-time.After(patience):
		w.t.Fatal("the gateway does not end its side")
	}
}

func TestDrainReleasesIdleConnsAtOnceAndHoldsTheOthers(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{node: "a"})
	busy, idle := r.enter(), r.enter()
	idle.text("hello")
	a.done(a.message("hello"))
	busy.text("1")
	busy.text("2")
	one, two := a.message("1"), a.message("2")
	b := r.attach(script{node: "b"})
	eventually(t, "the idle conn", func() bool { return r.link.Unacked() == 2 })
	a.drain()
	if e := a.next(); e.kind != record.KindRevoked || e.conn == one.conn || e.term != 2 {
		t.Errorf("of the idle conn: got %v, want revoked", e)
	}
	idle.text("new home")
	if e := b.message("new home"); e.term != 2 || e.redelivered {
		t.Errorf("idle conn: got %v", e)
	}
	busy.text("3")
	busy.text("4")
	a.done(one, "reply 1")
	busy.expect("reply 1")
	b.idle(50 * time.Millisecond)
	a.look(func() {
		if a.drained != 0 {
			t.Error("drained is told while an event is under way")
		}
	})
	a.done(two, "reply 2")
	busy.expect("reply 2")
	for _, text := range []string{"3", "4"} {
		if e := b.message(text); e.term != 2 || e.redelivered {
			t.Errorf("held event: got %v", e)
		}
	}
	a.until("drained", func() bool { return a.drained == 1 })
	if e := a.next(); e.kind != record.KindRevoked || e.conn != one.conn || e.term != 2 {
		t.Errorf("of the busy conn: got %v, want revoked", e)
	}
	if got := r.link.Stats().Redelivered.Load(); got != 0 {
		t.Errorf("redelivered: got %d, want 0", got)
	}
	// Nothing new comes.
	for range 20 {
		r.enter().text("x")
	}
	a.idle(20 * time.Millisecond)
	a.leave()
	eventually(t, "a line about it", func() bool { return len(r.log.with("worker left")) == 1 })
	if got := r.log.with("worker lost"); len(got) != 0 {
		t.Errorf("logged %q", got)
	}
}

func TestDrainOfAWorkerWithoutConnsIsAnsweredAtOnce(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{node: "a"})
	a.drain()
	a.drain()
	a.until("drained", func() bool { return a.drained == 1 })
	a.leave()
	if got := r.link.Serving(); got != 0 {
		t.Errorf("serving: got %d", got)
	}
}

// The conn ends while its events are held: the end moves with them, behind them.
func TestConnClosesWhileHeld(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{node: "a"})
	c := r.enter()
	c.text("1")
	one := a.message("1")
	a.drain()
	c.text("2")
	c.nc.Close()
	eventually(t, "the end", func() bool { return r.link.Unacked() == 3 })
	a.done(one)
	a.until("drained", func() bool { return a.drained == 1 })
	a.leave()
	// Nobody is there: held until somebody comes.
	b := r.attach(script{node: "b"})
	e := b.message("2")
	if e.redelivered || e.term != 2 {
		t.Errorf("held: got %v", e)
	}
	last := b.next()
	if last.kind != record.KindClosed || last.redelivered || last.seq != 4 {
		t.Errorf("end: got %v", last)
	}
	b.done(e)
	b.done(last)
	eventually(t, "nothing left", func() bool { return r.link.Unacked() == 0 })
}

// A handshake is under way when its worker drains: it is answered there, and the
// conn moves afterwards.
func TestHandshakeDuringDrain(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{node: "a", asks: true})
	came := make(chan *client, 1)
	go func() { c, _ := r.tryKnock(); came <- c }()
	open := a.next(record.KindOpen)
	b := r.attach(script{node: "b"})
	a.drain()
	a.accept(open, &gatewayv1.OpenAnswer{User: "u", Session: []byte("s"), HasSession: true})
	c := <-came
	if c == nil || c.resp.StatusCode != 101 {
		t.Fatal("not let in")
	}
	c.t = t
	a.until("drained", func() bool { return a.drained == 1 })
	c.text("1")
	ctx := b.next(record.KindContext).context()
	if ctx.GetUser() != "u" || string(ctx.GetSession()) != "s" || ctx.GetFacts() == nil {
		t.Errorf("context: got %v", ctx)
	}
	b.message("1")
}
