package workertest

import (
	"fmt"
	"testing"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
)

// A gateway that passes over what it does not know must not look like an empty one.
func TestGatewayThatKnowsNoListsSaysSo(t *testing.T) {
	h := New(t, worker.Base{}, WithGateways(2), WithOldGateway(0))
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
	groups, err := h.Sender().UserGroups(t.Context(), "ann")
	if fault.CodeOf(err) != fault.Unimplemented || fmt.Sprint(groups) != "{map[ann:[g]] [gateway-0]}" {
		t.Errorf("groups of a user: %v, %v", groups, err)
	}
	sizes, err := h.Sender().GroupSizes(t.Context(), "g")
	if fault.CodeOf(err) != fault.Unimplemented || fmt.Sprint(sizes) != "{map[g:{4 1}] [gateway-0]}" {
		t.Errorf("sizes: %v, %v", sizes, err)
	}
}

// One that knows no batches does nothing of one, and says so.
func TestGatewayThatKnowsNoBatchesSaysSo(t *testing.T) {
	h := New(t, worker.Base{}, WithGateways(2), WithOldGateway(0))
	old, other := h.Dial("/"), h.Dial("/")
	s := h.Sender()
	out, err := s.BindAll(t.Context(), []worker.Binding{{Conn: old.ID(), User: "ann"}, {Conn: other.ID(), User: "bob"}})
	if fault.CodeOf(err) != fault.Unimplemented || out.Done != 1 || len(out.Failed) != 1 || fault.CodeOf(out.Failed[old.ID()]) != fault.Unimplemented || out.Unsure != nil || out.Lost != nil {
		t.Errorf("bind: %+v, %v", out, err)
	}
	if old.User() != "" || other.User() != "bob" {
		t.Errorf("users: %q and %q", old.User(), other.User())
	}
	if err := s.Bind(t.Context(), old.ID(), "ann"); err != nil {
		t.Fatal(err)
	}
	did, err := s.JoinUsers(t.Context(), []string{"ann", "bob"}, "g")
	if fault.CodeOf(err) != fault.Unimplemented || did.Conns != 1 || did.Lost != nil || len(old.Groups()) != 0 || len(other.Groups()) != 1 {
		t.Errorf("join: %+v, %v, groups %q and %q", did, err, old.Groups(), other.Groups())
	}
}
