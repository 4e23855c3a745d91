package link_test

import (
	"testing"
	"time"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// A context that overtook acknowledgements under way would carry a session older
// than what the worker's own handlers are about to write.
func TestContextWaitsForWhatIsUnderWay(t *testing.T) {
	r := newRig(t)
	w := r.attach(script{})
	c := r.enter()
	c.text("one")
	c.text("two")
	one, two := w.message("one"), w.message("two")

	other := r.attach(script{node: "other", noEvents: true})
	write := &gatewayv1.SetSession{Conn: &gatewayv1.ConnRef{Conn: one.conn}, Write: &gatewayv1.SessionWrite{Session: []byte("foreign")}}
	if got := other.ask(&gatewayv1.Command{Do: &gatewayv1.Command_Session{Session: write}}); got.GetStatus() != gatewayv1.Status_STATUS_OK {
		t.Fatalf("foreign write: got %v", got)
	}
	c.text("three")
	w.idle(100 * time.Millisecond)
	w.done(one)
	w.idle(100 * time.Millisecond)
	w.doneWith(two, &gatewayv1.Effects{Session: &gatewayv1.SessionWrite{Session: []byte("own")}})
	if got := w.next(record.KindContext).context(); string(got.GetSession()) != "own" {
		t.Errorf("session before the third frame: got %q, want what the second wrote", got.GetSession())
	}
	w.done(w.message("three"))
}
