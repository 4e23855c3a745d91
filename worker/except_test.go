package worker_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/workertest"
)

func TestUsersAreLeftOut(t *testing.T) {
	h := workertest.New(t, byQuery, workertest.WithGateways(2))
	ann, ann2 := h.Dial("/?user=ann&group=g"), h.Dial("/?user=ann&group=g&group=h")
	bob, nobody := h.Dial("/?user=bob&group=h"), h.Dial("/?group=g")
	inStep(t, h, 2)
	ctx, s := t.Context(), h.Sender()
	for what, test := range map[string]struct {
		send func(f worker.Frame, opts ...worker.SendOption) error
		to   []*workertest.Conn
	}{
		"group": {func(f worker.Frame, o ...worker.SendOption) error { return s.ToGroup(ctx, "g", f, o...) }, []*workertest.Conn{nobody}},
		"groups": {func(f worker.Frame, o ...worker.SendOption) error {
			return s.ToGroups(ctx, []string{"g", "h"}, f, o...)
		}, []*workertest.Conn{bob, nobody}},
		"all": {func(f worker.Frame, o ...worker.SendOption) error { return s.ToAll(ctx, f, o...) }, []*workertest.Conn{bob, nobody}},
		"users": {func(f worker.Frame, o ...worker.SendOption) error {
			return s.ToUsers(ctx, []string{"ann", "bob"}, f, o...)
		}, []*workertest.Conn{bob}},
		"user": {func(f worker.Frame, o ...worker.SendOption) error { return s.ToUser(ctx, "ann", f, o...) }, nil},
		"conns": {func(f worker.Frame, o ...worker.SendOption) error {
			return s.ToConns(ctx, []connid.ID{ann.ID(), bob.ID()}, f, o...)
		}, []*workertest.Conn{bob}},
	} {
		var got worker.Result
		if err := test.send(worker.Text(what), worker.ExceptUsers("ann"), worker.ExceptUsers("carl"), worker.Await(&got)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if fmt.Sprint(got) != fmt.Sprint(worker.Result{Hit: len(test.to)}) {
			t.Errorf("%s: got %+v", what, got)
		}
		for _, c := range test.to {
			c.Expect(what)
		}
	}
	for _, c := range []*workertest.Conn{ann, ann2, bob, nobody} {
		c.ExpectNothing()
	}
	// What is pooled forgets who was left out.
	if err := s.ToUser(ctx, "ann", worker.Text("end")); err != nil {
		t.Fatal(err)
	}
	ann.Expect("end")
	ann2.Expect("end")
}

func TestWhoCanBeLeftOut(t *testing.T) {
	h := workertest.New(t, byQuery)
	many := slices.Repeat([]string{"u"}, 257)
	for what, option := range map[string]worker.SendOption{
		"257 users":  worker.ExceptUsers(many...),
		"nobody's":   worker.ExceptUsers(""),
		"no UTF-8":   worker.ExceptUsers("\xff"),
		"257 before": func() worker.SendOption { return worker.ExceptUsers(many...) }(),
	} {
		if err := h.Sender().ToAll(t.Context(), worker.Text("x"), option); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: got %v", what, err)
		}
	}
	if got := h.Worker().Stats().SendsToAll; got != 0 {
		t.Errorf("%d sends have left", got)
	}
	if err := h.Sender().ToAll(t.Context(), worker.Text("x"), worker.ExceptUsers(many[:256]...)); err != nil {
		t.Errorf("256 users: %v", err)
	}
}

// A gateway that cannot leave users out delivers to nobody, and is named.
func TestOldGatewayNeverDeliversToWhoIsLeftOut(t *testing.T) {
	h := workertest.New(t, byQuery, workertest.WithGateways(2), workertest.WithOldGateway(1))
	a, b := h.Dial("/?user=ann&group=g"), h.Dial("/?user=bob&group=g") // b is on the old one
	inStep(t, h, 2)
	ctx, s := t.Context(), h.Sender()
	var got worker.Result
	err := s.ToGroup(ctx, "g", worker.Text("x"), worker.ExceptUsers("bob"), worker.Await(&got))
	if fault.CodeOf(err) != fault.Unimplemented || got.Hit != 1 || !slices.Equal(got.Lost, []string{"gateway-1"}) {
		t.Errorf("got %+v, %v", got, err)
	}
	a.Expect("x")
	b.ExpectNothing()
	if err := s.ToUsers(ctx, []string{"ann", "bob"}, worker.Text("y"), worker.ExceptUsers("ann")); err != nil {
		t.Errorf("to users, which any gateway can: %v", err)
	}
	b.Expect("y")
	a.ExpectNothing()
}
