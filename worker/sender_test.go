package worker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/workertest"
)

// byQuery binds and joins as the query says.
var byQuery = script{open: func(ctx context.Context, c *worker.Conn) error {
	q := c.Facts().Values()
	if user := q.Get("user"); user != "" {
		if err := c.Bind(ctx, user); err != nil {
			return err
		}
	}
	return c.Join(ctx, q["group"]...)
}}

// inStep waits until the worker trusts the routes of all gateways.
func inStep(t *testing.T, h *workertest.Harness, gateways int) {
	t.Helper()
	for end := time.Now().Add(workertest.Timeout); h.Worker().Stats().InStep < gateways; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("in step: %d of %d gateways", h.Worker().Stats().InStep, gateways)
		}
	}
	h.Flush()
}

func TestSendCostsOneCommandPerGatewayWithARecipient(t *testing.T) {
	h := workertest.New(t, byQuery, workertest.WithGateways(8))
	conns := []*workertest.Conn{h.Dial("/?user=ann&group=g"), h.Dial("/?group=g"), h.Dial("/?user=bob&group=g")}
	inStep(t, h, 8)
	ctx := t.Context()
	before := h.Worker().Stats()
	if err := h.Sender().ToUser(ctx, "ann", worker.Text("to ann")); err != nil {
		t.Fatal(err)
	}
	if err := h.Sender().ToGroup(ctx, "g", worker.Text("to g")); err != nil {
		t.Fatal(err)
	}
	if err := h.Sender().ToUsers(ctx, []string{"ann", "bob", "nobody"}, worker.Text("to both")); err != nil {
		t.Fatal(err)
	}
	if err := h.Sender().ToConns(ctx, []connid.ID{conns[0].ID(), conns[0].ID(), conns[1].ID()}, worker.Text("to conns")); err != nil {
		t.Fatal(err)
	}
	if err := h.Sender().ToAll(ctx, worker.Text("to all")); err != nil {
		t.Fatal(err)
	}
	after := h.Worker().Stats()
	for name, got := range map[string][2]int64{
		"a user on one of 8 and two users on two": {after.SendsToUsers - before.SendsToUsers, 1 + 2},
		"a group on three":                        {after.SendsToGroups - before.SendsToGroups, 3},
		"two conns":                               {after.SendsToConns - before.SendsToConns, 2},
		"all":                                     {after.SendsToAll - before.SendsToAll, 8},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: got %d commands, want %d", name, got[0], got[1])
		}
	}
	for i, frames := range [][]string{
		{"to ann", "to g", "to both", "to conns", "to all"}, {"to g", "to conns", "to all"}, {"to g", "to both", "to all"},
	} {
		for _, f := range frames {
			conns[i].Expect(f)
		}
		conns[i].ExpectNothing()
	}
}

func TestSendTellsWhatBecameOfIt(t *testing.T) {
	h := workertest.New(t, byQuery, workertest.WithGateways(3))
	a, b, gone := h.Dial("/?user=ann"), h.Dial("/?user=ann&group=g"), h.Dial("/")
	gone.Close(1000, "")
	inStep(t, h, 3)
	ctx := t.Context()
	s := h.Sender()
	for name, test := range map[string]struct {
		send func(*worker.Result) error
		want worker.Result
	}{
		"users": {func(r *worker.Result) error {
			return s.ToUsers(ctx, []string{"ann", "bob", "carl"}, worker.Text("x"), worker.Await(r))
		}, worker.Result{Hit: 2, Offline: []string{"bob", "carl"}}},
		"conns": {func(r *worker.Result) error {
			return s.ToConns(ctx, []connid.ID{a.ID(), gone.ID(), {Gateway: 7, Conn: 7}}, worker.Text("x"), worker.Await(r))
		}, worker.Result{Hit: 1, Missed: 2}},
		"a group": {func(r *worker.Result) error { return s.ToGroup(ctx, "g", worker.Text("x"), worker.Await(r)) }, worker.Result{Hit: 1}},
		"nobody":  {func(r *worker.Result) error { return s.ToUser(ctx, "bob", worker.Text("x"), worker.Await(r)) }, worker.Result{Offline: []string{"bob"}}},
		"but one": {func(r *worker.Result) error {
			return s.ToUser(ctx, "ann", worker.Text("x"), worker.Await(r), worker.Except(b.ID()))
		}, worker.Result{Hit: 1}},
		"all": {func(r *worker.Result) error { return s.ToAll(ctx, worker.Text("x"), worker.Await(r)) }, worker.Result{Hit: 2}},
	} {
		var got worker.Result
		if err := test.send(&got); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%s: got %+v, want %+v", name, got, test.want)
		}
	}
	var first, second worker.Result
	err := errors.Join(
		s.ToUser(ctx, "ann", worker.Text("once"), worker.Once("k"), worker.Await(&first)),
		s.ToUser(ctx, "ann", worker.Text("once"), worker.Once("k"), worker.Await(&second)))
	if err != nil || first.Duplicate || first.Hit != 2 || !second.Duplicate || second.Hit != 0 {
		t.Errorf("once: %+v, %+v, %v", first, second, err)
	}
}

func TestOnceDoesNotHoldForWhatReachedNobody(t *testing.T) {
	h := workertest.New(t, byQuery)
	for want := range 2 {
		if want > 0 {
			h.Dial("/?user=ann")
		}
		var got worker.Result
		err := h.Sender().ToUser(t.Context(), "ann", worker.Text("x"), worker.Once("k"), worker.Await(&got))
		if err != nil || got.Hit != want || got.Duplicate {
			t.Errorf("with %d conns: %+v, %v", want, got, err)
		}
	}
}

func TestManyUsersAreToldOfInFull(t *testing.T) {
	h := workertest.New(t, byQuery, workertest.WithGateways(2))
	h.Dial("/?user=u1500")
	users := make([]string, 3000)
	for i := range users {
		users[i] = fmt.Sprintf("u%d", i)
	}
	var r worker.Result
	if err := h.Sender().ToUsers(t.Context(), users, worker.Text("x"), worker.Await(&r)); err != nil {
		t.Fatal(err)
	}
	if r.Hit != 1 || len(r.Offline) != 2999 || slices.Contains(r.Offline, "u1500") {
		t.Errorf("hit %d, offline %d", r.Hit, len(r.Offline))
	}
}

func TestSilentGatewayIsNamedAndDoesNotHoldUpTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := workertest.New(t, byQuery, workertest.WithGateways(3))
		a, b := h.Dial("/?user=ann"), h.Dial("/?user=ann")
		h.LoseGateway(1) // b's: it is gone, and that is no error
		synctest.Wait()
		var r worker.Result
		if err := h.Sender().ToUser(t.Context(), "ann", worker.Text("x"), worker.Await(&r)); err != nil || r.Hit != 1 {
			t.Errorf("got %+v, %v", r, err)
		}
		a.Expect("x")
		h.CutLinks() // attaching again takes a moment: neither answers until then
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		err := h.Sender().ToUser(ctx, "ann", worker.Text("y"), worker.Await(&r))
		if fault.CodeOf(err) != fault.Unavailable || fmt.Sprint(r.Lost) != "[gateway-0 gateway-2]" {
			t.Errorf("got %+v, %v", r, err)
		}
		a.Expect("y") // it was sent all the same
		_ = b
	})
}

func TestSenderActsForConnsAndUsers(t *testing.T) {
	h := workertest.New(t, byQuery, workertest.WithGateways(2))
	a, b, c := h.Dial("/"), h.Dial("/"), h.Dial("/")
	ctx, s := t.Context(), h.Sender()
	for _, conn := range []*workertest.Conn{a, b} {
		if err := s.Bind(ctx, conn.ID(), "ann"); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(s.Join(ctx, c.ID(), "g", "h"), s.Leave(ctx, c.ID(), "h")); err != nil {
		t.Fatal(err)
	}
	did, err := s.JoinUser(ctx, "ann", "g")
	if err != nil || did.Conns != 2 {
		t.Fatalf("join of a user: %+v, %v", did, err)
	}
	if n, lost, err := s.GroupSize(ctx, "g"); n != (worker.GroupSize{Conns: 3, Users: 2}) || lost != nil || err != nil {
		t.Errorf("the group: %+v, %v, %v", n, lost, err)
	}
	if did, err = s.LeaveUser(ctx, "ann", "g"); err != nil || did.Conns != 2 {
		t.Fatalf("leave of a user: %+v, %v", did, err)
	}
	if err := s.ToGroup(ctx, "g", worker.Text("x")); err != nil {
		t.Fatal(err)
	}
	c.Expect("x")
	a.ExpectNothing()
	online, err := s.Online(ctx, "ann", "bob")
	if err != nil || len(online.Conns) != 1 || len(online.Conns["ann"]) != 2 {
		t.Errorf("online: %+v, %v", online, err)
	}
	if err := s.Unbind(ctx, a.ID(), "somebody else"); err != nil || a.User() != "ann" {
		t.Errorf("unbind of another user: %q, %v", a.User(), err)
	}
	if err := s.Unbind(ctx, a.ID(), "\xff"); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("unbind from what is no name: %v", err)
	}
	if err := s.Unbind(ctx, a.ID(), ""); err != nil || a.User() != "" {
		t.Errorf("unbind: %q, %v", a.User(), err)
	}
	if ids, _, err := s.ConnsOf(ctx, "ann"); err != nil || !slices.Equal(ids, []connid.ID{b.ID()}) {
		t.Errorf("conns of ann: %v, %v", ids, err)
	}
	if totals, err := s.Totals(ctx); err != nil || totals.Conns != 3 || totals.Users != 1 || len(totals.Gateways) != 2 || len(totals.Workers) != 1 {
		t.Errorf("counts: %+v, %v", totals, err)
	}
	if did, err = s.CloseUser(ctx, "ann", fault.CloseKicked, "out", worker.Text("last")); err != nil || did.Conns != 1 {
		t.Fatalf("close of a user: %+v, %v", did, err)
	}
	b.Expect("last")
	if code, reason := b.ExpectClosed(); code != fault.CloseKicked || reason != "out" {
		t.Errorf("got %d %q", code, reason)
	}
	if err := s.Kill(ctx, c.ID()); err != nil {
		t.Fatal(err)
	}
	c.ExpectClosed()
	if err := s.Close(ctx, c.ID(), 1000, ""); fault.CodeOf(err) != fault.Stale {
		t.Errorf("close of what has ended: got %v", err)
	}
	if _, err := s.ConnContext(ctx, c.ID()); fault.CodeOf(err) != fault.Stale {
		t.Errorf("context of what has ended: got %v", err)
	}
}

func TestSessionIsSetOnlyAtItsVersion(t *testing.T) {
	h := workertest.New(t, byQuery)
	c := h.Dial("/")
	ctx, s := t.Context(), h.Sender()
	v, err := s.SetSession(ctx, c.ID(), []byte("a"), worker.IfVersion(0))
	if v != 1 || err != nil {
		t.Fatalf("first: %d, %v", v, err)
	}
	if v, err = s.SetSession(ctx, c.ID(), []byte("b"), worker.IfVersion(0)); v != 1 || fault.CodeOf(err) != fault.Conflict {
		t.Errorf("at a wrong version: %d, %v", v, err)
	}
	if v, err = s.SetSession(ctx, c.ID(), []byte("b"), worker.IfVersion(1)); v != 2 || err != nil {
		t.Errorf("at the right one: %d, %v", v, err)
	}
	if b, v, err := s.Session(ctx, c.ID()); string(b) != "b" || v != 2 || err != nil {
		t.Errorf("read: %q %d %v", b, v, err)
	}
}

func TestProcessWithoutHandlerSendsOnly(t *testing.T) {
	h := workertest.New(t, nil)
	if n, err := h.Sender().Totals(t.Context()); err != nil || n.Conns != 0 {
		t.Errorf("got %+v, %v", n, err)
	}
	var r worker.Result
	if err := h.Sender().ToUsers(t.Context(), []string{"ann", "ann"}, worker.Text("x"), worker.Await(&r)); err != nil || len(r.Offline) != 1 {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestSendWaitsForTheGatewaysToBeKnown(t *testing.T) {
	w, err := worker.New(worker.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := w.Sender().ToAll(ctx, worker.Text("x")); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("got %v", err)
	}
	if _, err := w.Sender().Online(ctx, "ann"); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("got %v", err)
	}
}

func TestWrongArgumentsAreRefused(t *testing.T) {
	h := workertest.New(t, byQuery)
	ctx, s := t.Context(), h.Sender()
	c := h.Dial("/")
	_, joined := s.JoinUser(ctx, "", "g")
	_, closed := s.CloseUser(ctx, "u", 99, "")
	_, online := s.Online(ctx, "")
	for name, err := range map[string]error{
		"no user": s.ToUser(ctx, "", worker.Text("x")), "bad text": s.ToUser(ctx, "u", worker.Text("\xff")),
		"merge": s.ToUser(ctx, "u", worker.Text("x"), worker.Merge("")), "join": joined, "close": closed, "online": online,
		"two last": s.Close(ctx, c.ID(), 0, "", worker.Text("a"), worker.Text("b")),
		"alt":      s.ToUser(ctx, "u", worker.Text("x").For("", worker.Text("y"))),
		"group":    s.ToGroups(ctx, []string{"ok", ""}, worker.Text("x")),
	} {
		if fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestWhatDoesNotFitIsTooLarge(t *testing.T) {
	h := workertest.New(t, byQuery)
	ctx, s, c := t.Context(), h.Sender(), h.Dial("/")
	_, session := s.SetSession(ctx, c.ID(), make([]byte, record.MaxBody+1))
	big := worker.Binary(make([]byte, record.MaxPayload))
	for name, err := range map[string]error{
		"session": session,
		"last":    s.Close(ctx, c.ID(), 0, "", big),
		"forms":   s.ToAll(ctx, big.For("a", big).For("b", big).For("c", big)),
	} {
		if fault.CodeOf(err) != fault.TooLarge {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestConnGetsTheFormOfItsSubprotocol(t *testing.T) {
	h := workertest.New(t, script{open: func(ctx context.Context, c *worker.Conn) error {
		if len(c.Facts().Subprotocols) > 0 {
			return errors.Join(c.SetSubprotocol("proto"), c.Join(ctx, "g"))
		}
		return c.Join(ctx, "g")
	}})
	a, b := h.Dial("/"), h.Dial("/", workertest.Subprotocols("proto"))
	f := worker.Text("json").For("proto", worker.Binary([]byte{1}))
	if err := h.Sender().ToGroup(t.Context(), "g", f); err != nil {
		t.Fatal(err)
	}
	a.Expect("json")
	b.ExpectBinary([]byte{1})
}
