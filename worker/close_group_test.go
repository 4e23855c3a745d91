package worker_test

import (
	"testing"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/workertest"
)

func TestGroupIsClosedOnEveryGateway(t *testing.T) {
	h := workertest.New(t, byQuery, workertest.WithGateways(2))
	a, b, other := h.Dial("/?group=g"), h.Dial("/?group=g"), h.Dial("/?group=h")
	inStep(t, h, 2)
	did, err := h.Sender().CloseGroup(t.Context(), "g", fault.CloseRenew, "over", worker.Text("last"))
	if err != nil || did.Conns != 2 {
		t.Fatalf("got %+v, %v", did, err)
	}
	for _, c := range []*workertest.Conn{a, b} {
		c.Expect("last")
		if code, reason := c.ExpectClosed(); code != fault.CloseRenew || reason != "over" {
			t.Errorf("got %d %q", code, reason)
		}
	}
	other.ExpectNothing()
	if did, err := h.Sender().CloseGroup(t.Context(), "nobody is in it", 0, ""); err != nil || did.Conns != 0 {
		t.Errorf("an empty group: got %+v, %v", did, err)
	}
	if _, err := h.Sender().CloseGroup(t.Context(), "g", 99, ""); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("a code that is none: got %v", err)
	}
}
