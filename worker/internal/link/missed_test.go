package link_test

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/worker/internal/fakegate"
)

// A gateway that left the view and is back was passed over meanwhile, and so may one be
// that is seen for the first time. Both are told, once.
func TestGatewayHearsThatItWasPassedOver(t *testing.T) {
	attaches := make(chan *gatewayv1.Attach, 8)
	cut := make(chan struct{})
	serve := func(_ uint64, s fakegate.Stream) error {
		batch, err := s.Recv()
		if err != nil {
			return err
		}
		r := record.NewReader(batch)
		if !r.Next() || r.Kind() != record.KindAttach {
			return errors.New("no attach")
		}
		a := &gatewayv1.Attach{}
		if err := proto.Unmarshal(r.Attach(), a); err != nil {
			return err
		}
		b, err := record.AppendAttached(nil, nil)
		if err == nil {
			err = s.Send(record.AppendSnapshotEnd(record.AppendSnapshotBegin(b), 0))
		}
		if err != nil {
			return err
		}
		attaches <- a
		<-cut
		return errors.New("cut")
	}
	one, two := newServer(t, 1, serve), newServer(t, 2, serve)
	t.Cleanup(func() { close(cut) })
	w := newWorker(t, nil)
	w.view.set(one.member) // before anybody can have sent anything
	w.run()
	check := func(when string, want bool) {
		t.Helper()
		if a := <-attaches; a.GetMissed() != want {
			t.Errorf("%s: missed is %v", when, a.GetMissed())
		}
	}
	check("there from the beginning", false)
	cut <- struct{}{}
	check("the stream was cut", false)
	w.view.set()
	w.until("it has left the view", func() bool { return w.mesh.Gateway(1) == nil })
	w.view.set(one.member)
	check("it was out of the view", true)
	cut <- struct{}{}
	check("attached again since", false)
	w.view.set(one.member, two.member)
	check("seen for the first time", true)
}
