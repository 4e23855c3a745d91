package link_test

import (
	"testing"
	"time"

	"github.com/parley-im/parley/gateway/internal/hub"
	"github.com/parley-im/parley/gateway/internal/link"
	"github.com/parley-im/parley/gateway/internal/ws"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// A client that says something and closes right behind it gets the reply, then the
// answer to its close, and is an open conn for the handler meanwhile.
func TestCloseIsAnsweredBehindTheReplies(t *testing.T) {
	r := newRig(t, func(_ *link.Config, s *ws.Config, _ *hub.Config) { s.CloseWait = patience })
	a := r.attach(script{})
	c := r.enter()
	c.text("1")
	c.text("2")
	if err := c.write(opClose, []byte{1000 >> 8, 1000 & 255}); err != nil {
		t.Fatal(err)
	}
	one := a.message("1")
	if got := a.ask(bind(ref(one.conn, one.term), "liubei")); got.GetStatus() != gatewayv1.Status_STATUS_OK {
		t.Errorf("bind behind a close: got %v", got)
	}
	a.done(one, "to 1")
	c.expect("to 1")
	// Its worker is lost meanwhile.
	b := r.attach(script{node: "b"})
	a.end()
	b.done(b.message("2"), "to 2")
	c.expect("to 2")
	c.expectClose(1000)
	last := b.next(record.KindClosed)
	if got := last.closed(); got.GetCode() != 1000 || got.GetLast().GetUser() != "liubei" {
		t.Errorf("closed: got %v", got)
	}
	b.done(last)
	eventually(t, "nothing left", func() bool { return r.link.Unacked() == 0 })
}

// A handler that never returns does not hold a client up for ever.
func TestCloseIsAnsweredThoughNothingIsAcknowledged(t *testing.T) {
	r := newRig(t, func(_ *link.Config, s *ws.Config, _ *hub.Config) { s.CloseWait = 50 * time.Millisecond })
	a := r.attach(script{})
	c := r.enter()
	c.text("1")
	a.message("1")
	if err := c.write(opClose, []byte{1000 >> 8, 1000 & 255}); err != nil {
		t.Fatal(err)
	}
	c.expectClose(1000)
	a.next(record.KindClosed)
}
