package link_test

import (
	"testing"
	"time"

	"github.com/parley-im/parley/register/handshake"
)

func TestResyncAfterAnUncleanLoss(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.attach(script{node: "w"})
	lost := r.attach(script{node: "lost", noEvents: true, resync: `{"resync":1}`})
	const conns = 30
	got := make(chan string, conns)
	for range conns {
		c, _ := r.met(w)
		go func() {
			_ = c.nc.SetReadDeadline(time.Now().Add(patience))
			if _, body, err := c.frame(); err == nil {
				got <- string(body)
			}
		}()
	}
	lost.end()
	select { // the others have theirs within ten seconds
	case body := <-got:
		if body != `{"resync":1}` {
			t.Errorf("got %q", body)
		}
	case <-time.After(patience):
		t.Error("no resync frame came")
	}
}

func TestNoResyncAfterAQuickReattachOrAGoodbye(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.attach(script{node: "w"})
	c, _ := r.met(w)
	boot := handshake.NewBoot()
	for range 3 {
		r.attach(script{node: "flaky", boot: boot, resync: "resync"}).end()
	}
	r.attach(script{node: "flaky", boot: boot, resync: "resync"})
	bye := r.attach(script{node: "bye", resync: "resync"})
	bye.drain()
	bye.until("drained", func() bool { return bye.drained == 1 })
	bye.leave()
	c.silent(2500 * time.Millisecond)
	if got := r.link.Stats().Resyncs.Load(); got != 0 {
		t.Errorf("rounds: got %d, want 0", got)
	}
}

// The one that comes back does not take another's resync with it.
func TestReturnOfOneWorkerDoesNotCoverAnother(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.attach(script{node: "w"})
	boot := handshake.NewBoot()
	back := r.attach(script{node: "back", boot: boot, noEvents: true, resync: "back"})
	gone := r.attach(script{node: "gone", noEvents: true, resync: "gone"})
	back.end()
	gone.end()
	r.attach(script{node: "back", boot: boot, noEvents: true, resync: "back"})
	r.stat("a round for the other", &r.link.Stats().Resyncs, 1)
}

// A worker may have lost sight of a gateway that stood still, and be back at once when
// it moves again: what it sent meanwhile went past the conns.
func TestResyncAfterAWorkerPassedThisGatewayOver(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.attach(script{node: "w"})
	boot := handshake.NewBoot()
	r.attach(script{node: "back", boot: boot, noEvents: true, missed: true, resync: "too early"}) // nobody is in yet
	r.met(w)
	r.attach(script{node: "back", boot: boot, noEvents: true, missed: true, resync: "resync"})
	r.stat("a round", &r.link.Stats().Resyncs, 1)
}
