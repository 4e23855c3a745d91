package link_test

import (
	"fmt"
	"strings"
	"testing"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

func TestEventsAreNumberedAndInOrder(t *testing.T) {
	r := newRig(t)
	w := r.attach(script{asks: true})
	go r.tryKnock("Cookie: a=b", "Sec-WebSocket-Protocol: parley.v1.json, other")
	open := w.next()
	if open.kind != record.KindOpen || open.term != 1 || open.seq != 1 || open.redelivered {
		t.Fatalf("first event: got %v", open)
	}
	facts := open.open().GetFacts()
	if facts.GetPath() != "/chat" || facts.GetQuery() != "room=7" || facts.GetHost() != "chat.example.com" ||
		strings.Join(facts.GetSubprotocols(), " ") != "parley.v1.json other" || facts.GetOpenedUnixMs() == 0 || facts.GetTls() {
		t.Errorf("facts: got %v", facts)
	}
	w.accept(open, &gatewayv1.OpenAnswer{Status: 403})

	w.script.asks = false
	c := r.enter()
	var conn uint64
	for i := range 20 {
		c.text(fmt.Sprint("frame ", i))
	}
	_ = c.write(opBinary, []byte{0, 255, 1})
	for i := range 20 {
		e := w.next()
		if e.seq != uint32(i)+2 || e.body != fmt.Sprint("frame ", i) || e.binary || e.term != 1 || e.redelivered {
			t.Fatalf("event %d: got %v", i, e)
		}
		conn = e.conn
		w.done(e)
	}
	if e := w.next(); !e.binary || e.body != "\x00\xff\x01" || e.seq != 22 {
		t.Errorf("binary: got %v", e)
	} else {
		w.done(e)
	}
	c.nc.Close()
	e := w.next()
	if e.kind != record.KindClosed || e.seq != 23 || e.conn != conn {
		t.Fatalf("last event: got %v", e)
	}
	if why := e.closed(); why.GetBy() != gatewayv1.ClosedBy_CLOSED_BY_NETWORK || why.GetCode() != 1006 || why.GetBytesIn() == 0 || why.GetLast().GetFacts().GetPath() != "/chat" {
		t.Errorf("closed: got %v", why)
	}
	w.done(e)
	eventually(t, "nothing unacknowledged", func() bool { return r.link.Unacked() == 0 })
}

func TestContextComesOnlyWhenNeeded(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{node: "a", answer: &gatewayv1.OpenAnswer{User: "liubei", Session: []byte("one"), HasSession: true}})
	api := r.attach(script{node: "api", noEvents: true})
	c := r.enter()

	c.text("1")
	e := a.next()
	if e.kind != record.KindMessage {
		t.Fatalf("who accepted knows the conn: got %v", e)
	}
	a.doneWith(e, &gatewayv1.Effects{Session: &gatewayv1.SessionWrite{Session: []byte("two")}})
	eventually(t, "the acknowledgement", func() bool { return r.link.Unacked() == 0 })
	c.text("2")
	e = a.next()
	if e.kind != record.KindMessage {
		t.Fatalf("who wrote the session knows it: got %v", e)
	}
	if got := a.ask(join(target(ref(e.conn, e.term)), "shu")); got.GetAffected() != 1 {
		t.Fatalf("join: got %v", got)
	}
	a.done(e)
	c.text("3")
	if e = a.next(); e.kind != record.KindMessage {
		t.Fatalf("who joined it knows: got %v", e)
	}
	a.done(e)

	// Somebody else's write is told once, without the facts.
	if got := api.ask(session(ref(e.conn, 0), &gatewayv1.SessionWrite{Session: []byte("three")})); got.GetSessionVersion() != 3 {
		t.Fatalf("session: got %v", got)
	}
	c.text("4")
	got := a.next(record.KindContext).context()
	if string(got.GetSession()) != "three" || got.GetSessionVersion() != 3 || got.GetUser() != "liubei" || fmt.Sprint(got.GetGroups()) != "[shu]" || got.GetFacts() != nil {
		t.Errorf("context after a foreign write: got %v", got)
	}
	e = a.message("4")
	c.text("5")
	if e5 := a.next(); e5.kind != record.KindMessage {
		t.Errorf("told once is enough: got %v", e5)
	} else {
		a.done(e)
		a.forget(e5)
	}

	// Who forgets is told everything.
	eventually(t, "the acknowledgement", func() bool { return r.link.Unacked() == 0 })
	c.text("6")
	if got := a.next(record.KindContext).context(); got.GetFacts().GetPath() != "/chat" || got.GetUser() != "liubei" {
		t.Errorf("context after forget: got %v", got)
	}
	a.done(a.message("6"))

	// A foreign write is not hidden by an own one that was made without knowing it.
	c.text("7")
	e = a.message("7")
	api.ask(session(ref(e.conn, 0), &gatewayv1.SessionWrite{Session: []byte("foreign")}))
	a.doneWith(e, &gatewayv1.Effects{Session: &gatewayv1.SessionWrite{Session: []byte("own")}})
	eventually(t, "the acknowledgement", func() bool { return r.link.Unacked() == 0 })
	c.text("8")
	if got := a.next(record.KindContext).context(); string(got.GetSession()) != "own" || got.GetSessionVersion() != 5 {
		t.Errorf("context after both wrote: got %v", got)
	}
}

// A session that is refused takes the rest of its acknowledgement with it, and leaves the
// worker with a copy that is not the truth: it hears the truth with the next event.
func TestRefusedSessionIsCorrected(t *testing.T) {
	for _, test := range []struct {
		name  string
		write *gatewayv1.SessionWrite
	}{
		{"too large", &gatewayv1.SessionWrite{Session: make([]byte, 17<<10)}},
		{"no merge", &gatewayv1.SessionWrite{Session: []byte("{}"), Merge: true}},
		{"condition", &gatewayv1.SessionWrite{Session: []byte("x"), Conditional: true, IfVersion: 9}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			a := r.attach(script{node: "a", answer: &gatewayv1.OpenAnswer{Session: []byte("one"), HasSession: true}})
			c := r.enter()
			c.text("1")
			a.doneWith(a.message("1"), &gatewayv1.Effects{
				Session: test.write, Replies: []*gatewayv1.Frame{{Payload: []byte("saved")}}, Close: &gatewayv1.CloseConn{},
			})
			eventually(t, "the acknowledgement", func() bool { return r.link.Unacked() == 0 })
			c.text("2")
			if got := a.next(record.KindContext).context(); string(got.GetSession()) != "one" || got.GetSessionVersion() != 1 {
				t.Errorf("context: got %v", got)
			}
			a.done(a.message("2"), "and nothing was said before")
			c.expect("and nothing was said before")
		})
	}
}
