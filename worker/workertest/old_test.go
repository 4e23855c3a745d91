package workertest

import (
	"fmt"
	"testing"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
)

// A gateway that passes over what it does not know must not look like an empty one.
func TestGatewayThatKnowsNoListsSaysSo(t *testing.T) {
	h := New(t, worker.Base{}, WithGateways(2))
	h.directory.gateways[0].Old = true
	for range 4 {
		c := h.Dial("/")
		if err := h.Sender().Bind(t.Context(), c.ID(), "ann"); err != nil {
			t.Fatal(err)
		}
		if err := h.Sender().Join(t.Context(), c.ID(), "g"); err != nil {
			t.Fatal(err)
		}
	}
	l := h.Sender().Conns(t.Context())
	n := 0
	for range l.All() {
		n++
	}
	if n != 2 || fault.CodeOf(l.Err()) != fault.Unimplemented || fmt.Sprint(l.Lost()) != "[gateway-0]" {
		t.Errorf("%d conns, lost %q, %v", n, l.Lost(), l.Err())
	}
	if _, err := h.Sender().UserGroups(t.Context(), "ann"); fault.CodeOf(err) != fault.Unimplemented {
		t.Errorf("groups of a user: %v", err)
	}
	if _, err := h.Sender().GroupCounts(t.Context(), "g"); fault.CodeOf(err) != fault.Unimplemented {
		t.Errorf("sizes: %v", err)
	}
}
