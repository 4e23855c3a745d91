package link_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway/internal/hub"
	"github.com/parley-im/parley/gateway/internal/link"
	"github.com/parley-im/parley/gateway/internal/ws"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

func hasty(_ *link.Config, s *ws.Config, _ *hub.Config) { s.OpenTimeout = 200 * time.Millisecond }

func TestAcceptanceAfterTheTimeoutIsClosed(t *testing.T) {
	r := newRig(t, hasty)
	w := r.attach(script{asks: true})
	c := r.knock()
	if c.resp.StatusCode != http.StatusServiceUnavailable || c.resp.Header.Get("Retry-After") != "1" {
		t.Fatalf("client: got %v %v", c.resp.Status, c.resp.Header)
	}
	e := w.next(record.KindOpen)
	if ms := e.open().GetDeadlineMs(); ms == 0 || ms > 200 {
		t.Errorf("deadline: got %d ms", ms)
	}
	w.accept(e, &gatewayv1.OpenAnswer{User: "late", Groups: []string{"g"}, Session: []byte("s")})
	e = w.next(record.KindClosed)
	if got := e.closed(); e.seq != 2 || got.GetCode() != 1006 || got.GetLast().GetUser() != "late" || string(got.GetLast().GetSession()) != "s" || got.GetLast().GetFacts().GetPath() != "/chat" {
		t.Errorf("closed: got %v %v", e, got)
	}
	w.done(e)
	eventually(t, "nothing left", func() bool { return r.link.Unacked() == 0 })
	if r.hub.Len() != 0 || r.hub.UserOnline("late") || r.link.Stats().OpenTimeouts.Load() != 1 {
		t.Errorf("conns %d", r.hub.Len())
	}

	// A refusal that is late is nothing.
	r.knock()
	w.accept(w.next(record.KindOpen), &gatewayv1.OpenAnswer{Status: 403})
	eventually(t, "nothing left", func() bool { return r.link.Unacked() == 0 })
	w.idle(20 * time.Millisecond)

	// One with more groups than the Closed that answers it could hold is none.
	r.knock()
	var groups []string
	for i := range link.MaxGroupsPerConn + 1 {
		groups = append(groups, fmt.Sprintf("%0256d", i))
	}
	w.accept(w.next(record.KindOpen), &gatewayv1.OpenAnswer{Groups: groups, Session: make([]byte, 16<<10)})
	eventually(t, "nothing left", func() bool { return r.link.Unacked() == 0 && r.link.Stats().BadAnswers.Load() == 1 })
}

// Whoever knocks while no worker is there leaves nothing behind, and no worker
// that comes later is asked about somebody who has gone.
func TestUnansweredHandshakesLeaveNothing(t *testing.T) {
	r := newRig(t, hasty)
	for range 3 {
		if c := r.knock(); c.resp.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("client: got %v", c.resp.Status)
		}
	}
	if got := r.link.Unacked(); got != 0 {
		t.Errorf("unacknowledged: got %d", got)
	}
	if got := r.log.with("no worker attached"); len(got) != 1 {
		t.Errorf("logged %q: want one line", got)
	}
	w := r.attach(script{asks: true})
	w.idle(20 * time.Millisecond)
	// Nor is another worker, when the one that was asked is lost.
	r.knock()
	w.next(record.KindOpen)
	b := r.attach(script{asks: true})
	w.end()
	eventually(t, "nothing left", func() bool { return r.link.Unacked() == 0 })
	b.idle(20 * time.Millisecond)
}

func TestAnotherWorkerIsAskedWhenTheFirstIsLost(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{node: "a", asks: true})
	status := make(chan int, 1)
	go func() {
		c, err := r.tryKnock()
		if err != nil {
			status <- 0
			return
		}
		status <- c.resp.StatusCode
	}()
	a.next(record.KindOpen)
	b := r.attach(script{node: "b", asks: true})
	a.end()
	e := b.next(record.KindOpen)
	if !e.redelivered || e.seq != 1 || e.term != 2 {
		t.Errorf("second question: got %v", e)
	}
	b.accept(e, &gatewayv1.OpenAnswer{})
	if got := <-status; got != http.StatusSwitchingProtocols {
		t.Errorf("status: got %d", got)
	}
}

func TestConnThatNobodyConfirmsIsClosed(t *testing.T) {
	r := newRig(t)
	w := r.attach(script{answer: &gatewayv1.OpenAnswer{ConfirmWithinMs: 250}})
	lost, kept := r.enter(), r.enter()
	kept.text("who am I")
	e := w.message("who am I")
	if got := w.ask(&gatewayv1.Command{Do: &gatewayv1.Command_Confirm{Confirm: &gatewayv1.Confirm{Conn: ref(e.conn, e.term)}}}); got.GetAffected() != 1 {
		t.Fatalf("confirm: got %v", got)
	}
	lost.expectClose(4003)
	if got := w.next(record.KindClosed).closed(); got.GetCode() != 4003 || got.GetBy() != gatewayv1.ClosedBy_CLOSED_BY_GATEWAY {
		t.Errorf("closed: got %v", got)
	}
	w.done(e, "you are you")
	kept.expect("you are you")
	kept.silent(300 * time.Millisecond)
}

// A confirmation that comes after the time is over does not say that all is well.
func TestLateConfirmationIsStale(t *testing.T) {
	r := newRig(t)
	w := r.attach(script{asks: true})
	knocked := make(chan *client, 1)
	go func() {
		c, err := r.tryKnock()
		if err != nil {
			t.Error(err)
		}
		knocked <- c
	}()
	e := w.next(record.KindOpen)
	w.accept(e, &gatewayv1.OpenAnswer{ConfirmWithinMs: 1})
	c := <-knocked
	c.expectClose(4003) // and does not answer, so that the conn is still there
	confirm := &gatewayv1.Command{Do: &gatewayv1.Command_Confirm{Confirm: &gatewayv1.Confirm{Conn: ref(e.conn, 0)}}}
	if got := w.ask(confirm); got.GetStatus() != gatewayv1.Status_STATUS_STALE || got.GetAffected() != 0 {
		t.Errorf("late confirmation: got %v, want stale", got)
	}
}

// What a client sends is bytes; what a worker gets is protobuf.
func TestFactsAreFitForProtobuf(t *testing.T) {
	r := newRig(t)
	w := r.attach(script{asks: true})
	go r.tryKnock("X-Bad: a\xff\xfeb", "Sec-WebSocket-Protocol: \xff")
	facts := w.next(record.KindOpen).open().GetFacts()
	for _, h := range facts.GetHeaders() {
		if h.GetName() == "X-Bad" && !bytes.Contains([]byte(h.GetValue()), []byte("\uFFFD")) {
			t.Errorf("header: got %q", h.GetValue())
		}
	}
}
