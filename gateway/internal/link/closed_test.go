package link

import (
	"testing"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// A session that grows or shrinks under a Closed that waits, sent or not, leaves
// the sums right: what is counted when it came is counted off when it goes.
func TestAmendedClosedIsCountedOff(t *testing.T) {
	for _, sent := range []int{1, 2} {
		m := newTreadmill(t)
		c := m.c
		c.mu.Lock()
		m.l.push(c, event{kind: record.KindMessage, message: message([]byte("last words"))})
		if sent == 1 {
			c.holding = true // so that what follows is kept back
		}
		c.phase = closed
		m.l.limbo.add(c)
		m.l.hub.Remove(&c.Conn)
		m.l.push(c, event{kind: record.KindClosed, body: encode(&gatewayv1.Closed{Last: &gatewayv1.ConnContext{User: "u"}})})
		if c.events.sent != sent {
			t.Fatalf("sent: got %d, want %d", c.events.sent, sent)
		}
		term, seq := c.term, c.events.last
		c.mu.Unlock()
		done := func(seq uint32, session []byte) {
			effects := encode(&gatewayv1.Effects{Session: &gatewayv1.SessionWrite{Session: session}})
			if err := m.l.doneWith(m.w, record.DoneWith{Conn: 7, Term: term, Seq: seq, Body: effects}); err != nil {
				t.Fatal(err)
			}
		}
		done(seq-1, make([]byte, 1000))
		c.mu.Lock()
		if c.closedEvent().GetLast().GetUser() != "u" || len(c.closedEvent().GetLast().GetSession()) != 1000 {
			t.Errorf("closed: got %v", c.closedEvent())
		}
		want := c.events.list[0].size()
		if c.events.bytes != want || m.l.unacked.Load() != int64(want+eventOverhead) || sent == 2 && c.events.sentBytes != want {
			t.Errorf("counted: %d, %d sent, %d of the gateway, want %d", c.events.bytes, c.events.sentBytes, m.l.unacked.Load(), want)
		}
		term = c.term
		c.mu.Unlock()
		if sent == 2 {
			done(seq, nil) // a write with the acknowledgement of Closed itself has nowhere to go
			if m.l.unacked.Load() != 0 || c.events.sentBytes != 0 || m.l.limbo.find(7) != nil {
				t.Errorf("left: %d bytes, %d sent", m.l.unacked.Load(), c.events.sentBytes)
			}
		}
	}
}
