package link_test

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway/internal/hub"
	"github.com/parley-im/parley/gateway/internal/link"
	"github.com/parley-im/parley/gateway/internal/ws"
	"github.com/parley-im/parley/proto/record"
)

// A client that is to move gets the answers to what it has said, then the 1012; what it
// says before it sees that is handled, and its end comes last.
func TestClientIsAskedToMoveBehindItsAnswers(t *testing.T) {
	r := newRig(t, func(_ *link.Config, s *ws.Config, _ *hub.Config) { s.MoveWait = patience })
	a := r.attach(script{})
	c := r.enter()
	c.text("1")
	c.text("2")
	one := a.message("1")
	if n := r.ws.Shed(t.Context(), r.ws.Draw(1), 0); n != 1 {
		t.Fatalf("asked %d", n)
	}
	c.text("3")
	a.done(one, "to 1")
	c.expect("to 1")
	a.done(a.message("2"), "to 2")
	c.expect("to 2")
	a.done(a.message("3"), "to 3")
	c.expect("to 3")
	if op, body, err := c.frame(); op != opClose || !strings.HasSuffix(string(body), "retry-after-ms=0") || err != nil {
		t.Fatalf("got %d %q %v", op, body, err)
	}
	c.text("4") // sent before the close came
	four := a.message("4")
	if err := c.write(opClose, []byte{1012 >> 8, 1012 & 255}); err != nil {
		t.Fatal(err)
	}
	a.done(four, "nobody hears this")
	last := a.next(record.KindClosed)
	if got := last.closed(); got.GetCode() != 1012 {
		t.Errorf("closed: got %v", got)
	}
	a.done(last)
	eventually(t, "nothing left", func() bool { return r.link.Unacked() == 0 })
}

func TestClientIsAskedToMoveThoughNothingIsAcknowledged(t *testing.T) {
	r := newRig(t, func(_ *link.Config, s *ws.Config, _ *hub.Config) { s.MoveWait = 50 * time.Millisecond })
	a := r.attach(script{})
	c := r.enter()
	c.text("1")
	a.message("1")
	r.ws.Shed(t.Context(), r.ws.Draw(1), 0)
	c.expectClose(1012)
	a.next(record.KindClosed)
}
