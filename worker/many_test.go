package worker_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/workertest"
)

func idsOf(conns ...*workertest.Conn) (ids []connid.ID) {
	for _, c := range conns {
		ids = append(ids, c.ID())
	}
	return ids
}

// Many conns cost one command per gateway, and each is told of for itself.
func TestManyConnsAtOnce(t *testing.T) {
	h := workertest.New(t, byQuery, workertest.WithGateways(2), workertest.WithMaxGroups(2))
	a, b, full, gone := h.Dial("/"), h.Dial("/"), h.Dial("/?group=1&group=2"), h.Dial("/")
	gone.Close(1000, "")
	h.Settle()
	inStep(t, h, 2)
	ctx, s := t.Context(), h.Sender()
	elsewhere := connid.ID{Gateway: 7, Conn: 7}
	before := h.Worker().Stats().Commands

	out, err := s.BindAll(ctx, []worker.Binding{{a.ID(), "ann"}, {b.ID(), "bob"}, {elsewhere, "x"}, {gone.ID(), "y"}, {a.ID(), "carl"}})
	if err != nil || out.Done != 3 || !slices.Equal(out.Stale, []connid.ID{elsewhere, gone.ID()}) || out.Failed != nil || out.Lost != nil || out.Unsure != nil {
		t.Errorf("bind: got %+v, %v", out, err)
	}
	if a.User() != "carl" || b.User() != "bob" {
		t.Errorf("users: %q and %q", a.User(), b.User())
	}
	if got := h.Worker().Stats().Commands - before; got != 2 {
		t.Errorf("commands: got %d, want one per gateway", got)
	}
	if online, err := s.Online(ctx, "carl", "ann", "bob"); err != nil || len(online.Conns) != 2 {
		t.Errorf("right after it: %v, %v", online.Conns, err)
	}

	out, err = s.UnbindAll(ctx, idsOf(b, gone, full))
	if err != nil || out.Done != 2 || !slices.Equal(out.Stale, idsOf(gone)) || b.User() != "" || a.User() != "carl" {
		t.Errorf("unbind: got %+v, %v, users %q and %q", out, err, a.User(), b.User())
	}
	if online, err := s.Online(ctx, "carl", "bob"); err != nil || len(online.Conns) != 1 {
		t.Errorf("right after it: %v, %v", online.Conns, err)
	}

	out, err = s.JoinAll(ctx, idsOf(a, full, b), "g")
	if fault.CodeOf(err) != fault.TooLarge || out.Done != 2 || len(out.Failed) != 1 || fault.CodeOf(out.Failed[full.ID()]) != fault.TooLarge {
		t.Errorf("join: got %+v, %v", out, err)
	}
	var sent worker.Result
	if err := s.ToGroup(ctx, "g", worker.Text("joined"), worker.Await(&sent)); err != nil || sent.Hit != 2 {
		t.Errorf("right after it: %+v, %v", sent, err)
	}
	out, err = s.LeaveAll(ctx, idsOf(a, full, b), "g", "1")
	if err != nil || out.Done != 3 || len(a.Groups()) != 0 || !slices.Equal(full.Groups(), []string{"2"}) {
		t.Errorf("leave: got %+v, %v, groups %v and %v", out, err, a.Groups(), full.Groups())
	}
	out, err = s.CloseAll(ctx, idsOf(a, b), fault.CloseRenew, "over", worker.Text("last"))
	if err != nil || out.Done != 2 {
		t.Errorf("close: got %+v, %v", out, err)
	}
	for _, c := range []*workertest.Conn{a, b} {
		c.Expect("joined")
		c.Expect("last")
		if code, reason := c.ExpectClosed(); code != fault.CloseRenew || reason != "over" {
			t.Errorf("got %d %q", code, reason)
		}
	}
	out, err = s.KillAll(ctx, idsOf(full, a))
	if err != nil || out.Done != 1 || !slices.Equal(out.Stale, idsOf(a)) {
		t.Errorf("kill: got %+v, %v", out, err)
	}
}

// More than a batch holds becomes several, by number and by bytes.
func TestBatchesAreCut(t *testing.T) {
	h := workertest.New(t, byQuery)
	c := h.Dial("/")
	ctx, s := t.Context(), h.Sender()
	for what, test := range map[string]struct {
		conns, want int
		name        string
	}{
		"by number": {2001, 3, "g"},
		"by bytes":  {2000, 3, strings.Repeat("n", 256)},
	} {
		before := h.Worker().Stats().Commands
		out, err := s.JoinAll(ctx, slices.Repeat(idsOf(c), test.conns), test.name)
		if err != nil || out.Done != test.conns {
			t.Errorf("%s: got %+v, %v", what, out, err)
		}
		if got := h.Worker().Stats().Commands - before; got != int64(test.want) {
			t.Errorf("%s: got %d commands, want %d", what, got, test.want)
		}
	}
}

// A gateway that does not answer is named, with its conns; the others are done with.
func TestSilentGatewayMakesAPartialOutcome(t *testing.T) {
	synctest.Test(t, testPartialOutcome)
}

func testPartialOutcome(t *testing.T) {
	h := workertest.New(t, byQuery, workertest.WithGateways(2))
	a, b := h.Dial("/?user=ann&group=g&group=h"), h.Dial("/?user=bob&group=g&group=h")
	inStep(t, h, 2)
	s := h.Sender()
	thaw := h.FreezeGateway(1)
	within := func() context.Context { // by the bubble's clock, in which only the frozen one takes time
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		t.Cleanup(cancel)
		return ctx
	}
	out, err := s.LeaveAll(within(), idsOf(a, b), "g")
	if fault.CodeOf(err) != fault.Unavailable || out.Done != 1 || !slices.Equal(out.Unsure, idsOf(b)) || !slices.Equal(out.Lost, []string{"gateway-1"}) {
		t.Errorf("conns: got %+v, %v", out, err)
	}
	did, err := s.LeaveUsers(within(), []string{"ann", "bob"}, "h")
	if fault.CodeOf(err) != fault.Unavailable || did.Conns != 1 || !slices.Equal(did.Lost, []string{"gateway-1"}) {
		t.Errorf("users: got %+v, %v", did, err)
	}
	if got := a.Groups(); len(got) != 0 {
		t.Errorf("the conn whose gateway answers is still in %v", got)
	}
	thaw()
	if h.Flush(); len(b.Groups()) != 0 { // what was given to it is done when it goes on
		t.Errorf("the other is still in %v", b.Groups())
	}
	h.LoseGateway(1)
	synctest.Wait() // it is no longer in the view
	if out, err = s.CloseAll(t.Context(), idsOf(a, b), 0, ""); err != nil || out.Done != 1 || !slices.Equal(out.Stale, idsOf(b)) || out.Lost != nil {
		t.Errorf("gone: got %+v, %v", out, err)
	}
}

func TestManyUsersAtOnce(t *testing.T) {
	h := workertest.New(t, byQuery, workertest.WithGateways(2))
	ann, ann2, bob := h.Dial("/?user=ann"), h.Dial("/?user=ann"), h.Dial("/?user=bob")
	inStep(t, h, 2)
	ctx, s := t.Context(), h.Sender()
	before := h.Worker().Stats().Commands
	did, err := s.JoinUsers(ctx, []string{"ann", "bob", "nobody", "ann"}, "g", "h")
	if err != nil || did.Conns != 3 || len(did.Lost) != 0 {
		t.Errorf("join: got %+v, %v", did, err)
	}
	if got := h.Worker().Stats().Commands - before; got != 2 {
		t.Errorf("commands: got %d, want one per gateway", got)
	}
	for _, c := range []*workertest.Conn{ann, ann2, bob} {
		if got := c.Groups(); !slices.Equal(got, []string{"g", "h"}) {
			t.Errorf("groups: got %v", got)
		}
	}
	if did, err := s.LeaveUsers(ctx, []string{"ann"}, "g"); err != nil || did.Conns != 2 || len(ann.Groups()) != 1 || len(bob.Groups()) != 2 {
		t.Errorf("leave: got %+v, %v", did, err)
	}
}

func TestGroupIsDissolvedAndItsConnsStay(t *testing.T) {
	h := workertest.New(t, byQuery, workertest.WithGateways(2))
	a, b := h.Dial("/?group=g&group=h"), h.Dial("/?group=g")
	inStep(t, h, 2)
	ctx, s := t.Context(), h.Sender()
	if did, err := s.DissolveGroup(ctx, "g"); err != nil || did.Conns != 2 {
		t.Fatalf("got %+v, %v", did, err)
	}
	if size, _, err := s.GroupSize(ctx, "g"); err != nil || size.Conns != 0 {
		t.Errorf("members: %+v, %v", size, err)
	}
	var r worker.Result
	if err := s.ToGroups(ctx, []string{"g", "h"}, worker.Text("x"), worker.Await(&r)); err != nil || r.Hit != 1 {
		t.Errorf("a send after it: %+v, %v", r, err)
	}
	a.Expect("x")
	b.ExpectNothing()
	if err := s.Join(ctx, b.ID(), "g"); err != nil || len(b.Groups()) != 1 {
		t.Errorf("used again: %v", err)
	}
}

func TestUserAndGroupAreKilled(t *testing.T) {
	h := workertest.New(t, byQuery, workertest.WithGateways(2))
	a, b, c := h.Dial("/?user=ann"), h.Dial("/?user=ann"), h.Dial("/?group=g")
	inStep(t, h, 2)
	if did, err := h.Sender().KillUser(t.Context(), "ann"); err != nil || did.Conns != 2 {
		t.Errorf("user: got %+v, %v", did, err)
	}
	if did, err := h.Sender().KillGroup(t.Context(), "g"); err != nil || did.Conns != 1 {
		t.Errorf("group: got %+v, %v", did, err)
	}
	for _, c := range []*workertest.Conn{a, b, c} {
		if code, _ := c.ExpectClosed(); code != 1006 {
			t.Errorf("got %d", code)
		}
	}
}

// A conn in several groups gets a send to all of them once; an unbind of another user
// changes nothing.
func TestDefectsOfThePredecessor(t *testing.T) {
	h := workertest.New(t, byQuery)
	c := h.Dial("/?user=ann&group=g&group=h&group=i")
	inStep(t, h, 1)
	ctx, s := t.Context(), h.Sender()
	if err := s.ToGroups(ctx, []string{"g", "h", "g", "i"}, worker.Text("once")); err != nil {
		t.Fatal(err)
	}
	c.Expect("once")
	c.ExpectNothing()
	if err := s.Unbind(ctx, c.ID(), "bob"); err != nil || c.User() != "ann" {
		t.Errorf("unbind of another: %v, now %q", err, c.User())
	}
	if err := s.Unbind(ctx, c.ID(), "ann"); err != nil || c.User() != "" {
		t.Errorf("unbind: %v, now %q", err, c.User())
	}
}

// Arguments out of bounds are Invalid and stay here.
func TestBadArgumentsNeverReachAGateway(t *testing.T) {
	h := workertest.New(t, byQuery)
	c := h.Dial("/?user=ann")
	inStep(t, h, 1)
	ctx, s, id := t.Context(), h.Sender(), c.ID()
	long, ids := strings.Repeat("n", 257), idsOf(c)
	before := h.Worker().Stats().Commands
	for i, call := range []func() error{
		func() error { return s.Bind(ctx, id, "") },
		func() error { return s.Bind(ctx, id, long) },
		func() error { return s.Bind(ctx, id, "\xff") },
		func() error { return s.Unbind(ctx, id, long) },
		func() error { return s.Join(ctx, id, "g", "") },
		func() error { return s.Leave(ctx, id, long) },
		func() error { return s.Close(ctx, id, 99, "") },
		func() error { return s.Close(ctx, id, 0, strings.Repeat("r", 124)) },
		func() error { return s.Close(ctx, id, 0, "", worker.Text("a"), worker.Text("b")) },
		func() error { _, err := s.BindAll(ctx, []worker.Binding{{id, "ann"}, {id, ""}}); return err },
		func() error { _, err := s.JoinAll(ctx, ids, "g", "\xff"); return err },
		func() error { _, err := s.LeaveAll(ctx, ids, ""); return err },
		func() error { _, err := s.CloseAll(ctx, ids, 1005, ""); return err },
		func() error { _, err := s.JoinUsers(ctx, []string{"ann", ""}, "g"); return err },
		func() error { _, err := s.LeaveUsers(ctx, []string{"ann"}, long); return err },
		func() error { _, err := s.JoinUser(ctx, "", "g"); return err },
		func() error { _, err := s.LeaveUser(ctx, "ann", ""); return err },
		func() error { _, err := s.DissolveGroup(ctx, ""); return err },
		func() error { _, err := s.KillUser(ctx, long); return err },
		func() error { _, err := s.KillGroup(ctx, ""); return err },
		func() error { _, err := s.CloseUser(ctx, "\xff", 0, ""); return err },
		func() error { _, err := s.CloseGroup(ctx, "g", 4999, strings.Repeat("r", 124)); return err },
	} {
		if err := call(); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("call %d: got %v", i, err)
		}
	}
	for what, call := range map[string]func() (any, error){
		"nobody":    func() (any, error) { return s.JoinAll(ctx, nil, "g") },
		"no groups": func() (any, error) { return s.JoinUsers(ctx, []string{"ann"}) },
		"no users":  func() (any, error) { return s.LeaveUsers(ctx, nil, "g") },
	} {
		if got, err := call(); err != nil {
			t.Errorf("%s: got %v, %v", what, fmt.Sprint(got), err)
		}
	}
	if got := h.Worker().Stats().Commands; got != before {
		t.Errorf("%d commands have left", got-before)
	}
}
