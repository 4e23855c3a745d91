package link_test

import (
	"testing"
	"time"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/worker/internal/fakegate"
	"github.com/parley-im/parley/worker/internal/inbox"
	"github.com/parley-im/parley/worker/internal/link"
)

// When a handler begins alone, every gateway knows, its own by the event; they hear that
// it is over behind its acknowledgement.
func TestAllGatewaysKnowBeforeAnEventRunsAlone(t *testing.T) {
	one, first := gate(t, 1)
	two, second := gate(t, 2)
	old := fakegate.New("old", 3)
	third := newServer(t, 3, func(worker uint64, s fakegate.Stream) error { return old.Serve(worker, s) })
	type known struct{ one, two, old record.Alone }
	during := make(chan known, 1)
	w := newWorker(t, func(g *link.Gateway, s *inbox.Seat, e *inbox.Event) {
		if e.Kind == record.KindMessage {
			during <- known{one.Alone(), two.Alone(), old.Alone()}
		}
		ack(g, s, e)
	}).run()
	w.view.set(first.member, second.member, third.member)
	for _, g := range []*fakegate.Gateway{one, two, old} {
		until(t, "the worker", func() bool { return g.InStep() == 1 })
	}
	c := one.Open(&gatewayv1.ConnFacts{}, time.Minute)
	if _, err := c.Answer(t.Context()); err != nil {
		t.Fatal(err)
	}
	one.SetLastTry(true)
	c.Message(false, []byte("x"))
	got := <-during
	if want := (record.Alone{N: 1, Conn: c.ID(), Term: 1, Seq: 2}); got.one != want {
		t.Errorf("its own gateway: got %+v, want %+v", got.one, want)
	}
	if want := (record.Alone{N: 1}); got.two != want || got.old != (record.Alone{}) {
		t.Errorf("the others: got %+v and %+v, want %+v and nothing", got.two, got.old, want)
	}
	until(t, "the end", func() bool { return one.Alone() == record.Alone{} && two.Alone() == record.Alone{} })

	// One that stands still is waited for, but not for long.
	two.SetFrozen(true)
	defer two.SetFrozen(false)
	began := time.Now()
	c.Message(false, []byte("y"))
	if got = <-during; got.one.N != 2 || got.two.N == 2 {
		t.Errorf("got %+v", got)
	}
	if d := time.Since(began); d < 900*time.Millisecond {
		t.Errorf("one that stands still was waited for %v, want a second", d)
	}
}
