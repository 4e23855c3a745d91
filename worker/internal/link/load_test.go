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

// What one gateway has given a worker is told to another.
func TestBeatsTellTheLoadOfAllGateways(t *testing.T) {
	loads := make(chan record.Beat, 1024)
	listener := newServer(t, 1, func(_ uint64, s fakegate.Stream) error {
		if err := greet(s, 0); err != nil {
			return err
		}
		for {
			batch, err := s.Recv()
			if err != nil {
				return err
			}
			for r := record.NewReader(batch); r.Next(); {
				if r.Kind() != record.KindBeat {
					continue
				}
				loads <- r.Beat()
				if err := s.Send(record.AppendGranted(nil, r.Beat().Token)); err != nil {
					return err
				}
			}
		}
	})
	gw, s := gate(t, 2)
	release := make(chan struct{})
	w := newWorker(t, func(g *link.Gateway, seat *inbox.Seat, e *inbox.Event) {
		<-release
		ack(g, seat, e)
	}).run()
	w.view.set(listener.member, s.member)
	w.until("both attached", func() bool { return w.mesh.Stats().Attached.Load() == 2 })
	told := func(what string, want uint32) {
		t.Helper()
		late := time.After(patience)
		for {
			select {
			case b := <-loads:
				if b.HasLoad && b.Load == want {
					return
				}
			case <-late:
				t.Fatalf("%s: no beat tells a load of %d", what, want)
			}
		}
	}
	told("idle", 0)
	for range 3 {
		gw.Open(&gatewayv1.ConnFacts{}, time.Minute)
	}
	told("three handlers", 3)
	close(release)
	told("idle again", 0)
}
