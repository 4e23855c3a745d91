package link_test

import (
	"fmt"
	"testing"
	"time"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

func TestAckTakesEffectOnlyFromTheOwnerInItsTermInOrder(t *testing.T) {
	r := newRig(t)
	stats := r.link.Stats()
	a := r.attach(script{node: "a"})
	c := r.enter()
	c.text("1")
	c.text("2")
	one, two := a.message("1"), a.message("2")
	b := r.attach(script{node: "b"})

	refused := func(what string, counter interface{ Load() int64 }, give func()) {
		t.Helper()
		before := counter.Load()
		give()
		eventually(t, what+" is counted", func() bool { return counter.Load() == before+1 })
	}
	other := one
	other.term++
	refused("another term", &stats.RefusedTerms, func() { a.done(other, "wrong term") })
	refused("another worker", &stats.RefusedTerms, func() { b.done(one, "wrong worker") })
	refused("the second first", &stats.StaleAcks, func() { a.done(two, "wrong order") })
	other = one
	other.conn++
	refused("no such conn", &stats.StaleAcks, func() { a.done(other, "no conn") })
	refused("effects of another worker", &stats.RefusedTerms, func() {
		b.doneWith(one, &gatewayv1.Effects{Session: &gatewayv1.SessionWrite{Session: []byte("x")}, Close: &gatewayv1.CloseConn{}})
	})

	a.done(one, "first", "second")
	c.expect("first")
	c.expect("second")
	refused("an acknowledgement twice", &stats.StaleAcks, func() { a.done(one, "again") })
	a.done(two, "third")
	c.expect("third")
	if got := r.link.Unacked(); got != 0 {
		t.Errorf("unacknowledged: got %d", got)
	}
}

func TestEffectsComeInOrder(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{node: "a"})
	c := r.enter()
	c.text("bye")
	e := a.message("bye")
	a.doneWith(e, &gatewayv1.Effects{
		Session: &gatewayv1.SessionWrite{Session: []byte("s")},
		Replies: []*gatewayv1.Frame{{Payload: []byte("one")}, {Payload: []byte("two")}},
		Close:   &gatewayv1.CloseConn{Code: 4504, Reason: "off", Last: &gatewayv1.Frame{Payload: []byte("last")}},
	})
	c.expect("one")
	c.expect("two")
	c.expect("last")
	if reason := c.expectClose(4504); reason != "off" {
		t.Errorf("reason: got %q", reason)
	}
	got := a.next(record.KindClosed).closed()
	if got.GetBy() != gatewayv1.ClosedBy_CLOSED_BY_WORKER || string(got.GetLast().GetSession()) != "s" {
		t.Errorf("closed: got %v", got)
	}
}

// A reply that is no frame, or a close code that may not be sent, costs itself
// and not the acknowledgement.
func TestBadEffectsDoNotHoldTheEvent(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{node: "a"})
	c := r.enter()
	c.text("1")
	a.done(a.message("1"), "\xff\xfe", "good")
	c.expect("good")
	c.text("2")
	a.doneWith(a.message("2"), &gatewayv1.Effects{Close: &gatewayv1.CloseConn{Code: 1006, Last: &gatewayv1.Frame{Payload: []byte("\xff")}}})
	c.expectClose(1000)
	if got := r.link.Stats().BadFrames.Load(); got != 3 {
		t.Errorf("bad frames: got %d, want 3", got)
	}
}

// The worker is lost after its acknowledgement was applied, or before: either way
// the client gets one reply per frame. Every frame is answered by both workers'
// best effort while conns move back and forth.
func TestRepliesComeExactlyOnceWhileConnsMove(t *testing.T) {
	r := newRig(t)
	first := r.attach(script{node: "w0", echo: true, work: time.Millisecond})
	const conns, frames = 4, 150
	var clients []*client
	for range conns {
		clients = append(clients, r.enter())
	}
	errs := make(chan error, conns)
	for _, c := range clients {
		go func() {
			errs <- func() error {
				_ = c.nc.SetDeadline(time.Now().Add(3 * patience))
				for i := range frames {
					if err := c.write(opText, []byte(fmt.Sprint(i))); err != nil {
						return err
					}
					if i < 8 {
						continue // eight under way
					}
					if _, body, err := c.frame(); err != nil || string(body) != fmt.Sprint(i-8) {
						return fmt.Errorf("reply %d: got %q, %v", i-8, body, err)
					}
				}
				for i := frames - 8; i < frames; i++ {
					if _, body, err := c.frame(); err != nil || string(body) != fmt.Sprint(i) {
						return fmt.Errorf("reply %d: got %q, %v", i, body, err)
					}
				}
				return nil
			}()
		}()
	}
	old := first
	for i, left := 1, conns; left > 0; i++ {
		young := r.attach(script{node: fmt.Sprint("w", i), echo: true, work: time.Millisecond})
		old.end()
		old = young
		select {
		case err := <-errs:
			left--
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(5 * time.Millisecond):
		}
	}
	for _, c := range clients {
		c.silent(20 * time.Millisecond)
	}
	if s := r.link.Stats(); s.Moves.Load() == 0 || s.Redelivered.Load() == 0 {
		t.Errorf("moves %d, redelivered %d: want some of each, or nothing was tried", s.Moves.Load(), s.Redelivered.Load())
	}
}
