package link_test

import (
	"fmt"
	"testing"
	"time"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/register/handshake"
)

func TestBindIsAnsweredWhenAllHaveTheRoute(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{node: "a"})
	slow := r.attach(script{node: "slow", noAcks: true})
	_, e := r.met2(a, slow)
	owner := a
	if e.owner == slow {
		owner = slow
	}
	n := owner.command(bind(ref(e.conn, e.term), "zhaoyun"))
	slow.until("the delta", func() bool { return slow.routes["user zhaoyun"] })
	a.until("the delta", func() bool { return a.routes["user zhaoyun"] })
	owner.look(func() {
		if owner.results[n] != nil {
			t.Error("answered before everybody has acknowledged")
		}
	})
	var seq uint64
	slow.look(func() { seq = slow.seq })
	began := time.Now()
	slow.give(record.AppendDeltaAck(nil, seq))
	owner.result(n)
	if took := time.Since(began); took > 700*time.Millisecond {
		t.Errorf("answered %v after the last acknowledgement", took)
	}
}

// ownedEvent is an event and the worker that got it.
type ownedEvent struct {
	event
	owner *worker
}

// met2 is met with two workers, of which either may be chosen.
func (r *rig) met2(a, b *worker) (*client, ownedEvent) {
	r.t.Helper()
	c := r.enter()
	c.text("met")
	select {
	case e := <-a.events:
		return c, ownedEvent{e, a}
	case e := <-b.events:
		return c, ownedEvent{e, b}
	case <-time.After(patience):
		r.t.Fatal("no event came")
	}
	return nil, ownedEvent{}
}

func TestBindIsAnsweredAfterASecondAtTheLatest(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{node: "a"})
	_, e := r.met(a)
	r.attach(script{node: "deaf", noAcks: true, noEvents: true})
	began := time.Now()
	if got := a.ask(bind(ref(e.conn, e.term), "u")); got.GetStatus() != gatewayv1.Status_STATUS_OK {
		t.Errorf("bind: got %v", got)
	}
	if took := time.Since(began); took < 900*time.Millisecond || took > 3*time.Second {
		t.Errorf("answered after %v: want about a second", took)
	}
}

// The handshake, too: a client that reads the 101 can be reached by everybody.
func TestHandshakeWaitsForItsRoutes(t *testing.T) {
	r := newRig(t)
	r.attach(script{node: "a", answer: &gatewayv1.OpenAnswer{User: "u"}})
	deaf := r.attach(script{node: "deaf", noAcks: true, noEvents: true})
	began := time.Now()
	r.enter()
	if took := time.Since(began); took < 900*time.Millisecond {
		t.Errorf("let in after %v although one worker does not know the route", took)
	}
	deaf.look(func() {
		if !deaf.routes["user u"] {
			t.Error("the route is not told")
		}
	})
}

// Without a route there is nothing to wait for, not even for the lease of a
// worker that was just lost.
func TestHandshakeWithoutRoutesWaitsForNothing(t *testing.T) {
	r := newRig(t)
	r.attach(script{node: "a"})
	lost := r.attach(script{node: "lost", noEvents: true, noAcks: true})
	lost.end()
	eventually(t, "the loss", func() bool { return len(r.log.with("worker lost")) == 1 })
	began := time.Now()
	r.enter()
	if took := time.Since(began); took > 700*time.Millisecond {
		t.Errorf("let in after %v", took)
	}
}

// The answer to a bind that was applied on one stream comes on the next.
func TestBindAnswerSurvivesTheStream(t *testing.T) {
	r := newRig(t)
	boot := handshake.NewBoot()
	a := r.attach(script{node: "a", boot: boot})
	_, e := r.met(a)
	r.attach(script{node: "deaf", noAcks: true, noEvents: true})
	do := bind(ref(e.conn, e.term), "u")
	n := a.command(do)
	a.until("applied", func() bool { return a.applied == n })
	a.end()
	b := r.attach(script{node: "a", boot: boot})
	b.resend(n, do)
	if got := b.result(n); got.GetStatus() != gatewayv1.Status_STATUS_OK {
		t.Errorf("bind: got %v", got)
	}
}

// Many binds wait at the same time for one worker that does not answer: each is
// answered, none before its second is over.
func TestManyBindsWaitForOneDeafWorker(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{node: "a"})
	_, e := r.met(a)
	r.attach(script{node: "deaf", noAcks: true, noEvents: true})
	began := time.Now()
	var last uint64
	for i := range 500 {
		last = a.command(join(target(ref(e.conn, e.term)), fmt.Sprint("g", i)))
	}
	for n := uint64(1); n <= last; n++ {
		a.result(n)
	}
	if took := time.Since(began); took < 900*time.Millisecond {
		t.Errorf("all answered after %v", took)
	}
	if got := r.hub.GroupCount(); got != 500 {
		t.Errorf("groups: got %d", got)
	}
}
