package link_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/register/handshake"
)

// met lets a client in and returns what a worker needs to speak of the conn.
func (r *rig) met(w *worker) (c *client, e event) {
	r.t.Helper()
	c = r.enter()
	c.text("met")
	e = w.message("met")
	return c, e
}

func TestCommandsAreAppliedOnceAndAnsweredFromMemory(t *testing.T) {
	r := newRig(t)
	boot := handshake.NewBoot()
	a := r.attach(script{node: "a", boot: boot})
	_, e := r.met(a)
	write := session(ref(e.conn, 0), &gatewayv1.SessionWrite{Session: []byte("x")})
	if got := a.result(a.command(write)); got.GetSessionVersion() != 1 {
		t.Fatalf("session: got %v", got)
	}
	a.until("applied", func() bool { return a.applied == 1 })
	a.resend(1, write)
	a.until("the answer again", func() bool { return a.answers[1] == 2 })
	if got := a.result(1); got.GetSessionVersion() != 1 {
		t.Errorf("resent: got %v", got)
	}
	if got := a.ask(write); got.GetSessionVersion() != 2 {
		t.Errorf("a new number: got %v", got)
	}
	a.end()

	b := r.attach(script{node: "a", boot: boot})
	if got := b.attached.GetLastCommand(); got != 2 {
		t.Errorf("last command: got %d, want 2", got)
	}
	b.resend(1, write)
	b.resend(2, write)
	b.resend(3, write)
	if one, two, three := b.result(1), b.result(2), b.result(3); one.GetSessionVersion() != 1 || two.GetSessionVersion() != 2 || three.GetSessionVersion() != 3 {
		t.Errorf("after reattach: got %v, %v, %v", one, two, three)
	}
	if got := r.link.Stats().RepeatedCommands.Load(); got != 3 {
		t.Errorf("repeated: got %d, want 3", got)
	}
	// What the worker no longer waits for is forgotten, and asking again says so.
	b.give(record.AppendBeat(nil, record.Beat{Token: 1, Awaiting: 3}))
	b.resend(2, write)
	b.resend(3, write)
	b.until("the answers", func() bool { return b.answers[2] == 2 && b.answers[3] == 2 })
	if two, three := b.result(2), b.result(3); two.GetStatus() != gatewayv1.Status_STATUS_UNKNOWN || three.GetSessionVersion() != 3 {
		t.Errorf("after the beat: got %v, %v", two, three)
	}
	// Another boot begins at 1.
	other := r.attach(script{node: "other"})
	if got := other.ask(write); other.attached.GetLastCommand() != 0 || got.GetSessionVersion() != 4 {
		t.Errorf("another boot: got %v", got)
	}
}

func TestUnknownCommandIsUnimplemented(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{})
	body := protowire.AppendTag(nil, 99, protowire.BytesType)
	body = protowire.AppendBytes(body, []byte("from version N+1"))
	b, _ := record.AppendCommand(nil, record.Command{N: 1, Body: body})
	unknown := []byte{12, 0, 0, 0, 120, 0, 8, 0, 1, 2, 3, 4} // a kind of record from there
	a.give(append(b, unknown...))
	if got := a.result(1); got.GetStatus() != gatewayv1.Status_STATUS_UNIMPLEMENTED {
		t.Errorf("got %v", got)
	}
	r.stat("unknown records", &r.link.Stats().UnknownRecords, 1)
}

func TestBodyThatIsNoProtobufEndsTheStream(t *testing.T) {
	for name, records := range map[string][]byte{
		"command":  must(record.AppendCommand(nil, record.Command{N: 1, Body: []byte{0xff}})),
		"doneWith": must(record.AppendDoneWith(nil, record.DoneWith{Conn: 1, Term: 1, Seq: 1, Body: []byte{0xff}})),
		"record":   {9, 0, 0, 0, 64, 0, 8, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			good, bad := r.attach(script{node: "good"}), r.attach(script{node: "bad"})
			bad.give(records)
			<-bad.over
			good.ask(query(&gatewayv1.Query{Counts: true})) // it alone is cut off
			eventually(t, "a line about it", func() bool { return len(r.log.with("worker lost")) > 0 })
			if got := r.log.with("worker lost"); len(got) != 1 || !strings.Contains(got[0], "bad") {
				t.Errorf("logged %q", got)
			}
		})
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func TestActsUnderAnOldTermAreMoved(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{node: "a"})
	_, e := r.met(a)
	b := r.attach(script{node: "b"})
	do := func(c *gatewayv1.ConnRef) []*gatewayv1.Command {
		return []*gatewayv1.Command{
			bind(c, "u"), join(target(c), "g"), session(c, &gatewayv1.SessionWrite{}),
			{Do: &gatewayv1.Command_Unbind{Unbind: &gatewayv1.Unbind{Conn: c}}},
			{Do: &gatewayv1.Command_Leave{Leave: &gatewayv1.Leave{Target: target(c), Groups: []string{"g"}}}},
			{Do: &gatewayv1.Command_Confirm{Confirm: &gatewayv1.Confirm{Conn: c}}},
			{Do: &gatewayv1.Command_Close{Close: &gatewayv1.Close{Target: target(c)}}},
		}
	}
	for _, c := range do(ref(e.conn, e.term+1)) {
		if got := a.ask(c); got.GetStatus() != gatewayv1.Status_STATUS_MOVED || got.GetAffected() != 0 {
			t.Errorf("another term: %v got %v", c, got)
		}
	}
	for _, c := range do(ref(e.conn, e.term)) {
		if got := b.ask(c); got.GetStatus() != gatewayv1.Status_STATUS_MOVED {
			t.Errorf("another worker: %v got %v", c, got)
		}
	}
	for _, c := range do(ref(e.conn+1, 0)) {
		if got := b.ask(c); got.GetStatus() != gatewayv1.Status_STATUS_STALE {
			t.Errorf("no such conn: %v got %v", c, got)
		}
	}
	if r.hub.UserCount() != 0 || r.hub.GroupCount() != 0 {
		t.Error("something was applied")
	}
	for _, c := range do(ref(e.conn, 0)) { // anybody's
		if got := b.ask(c); got.GetStatus() != gatewayv1.Status_STATUS_OK {
			t.Errorf("without term: %v got %v", c, got)
		}
	}
}

func TestTargetsByUserAndGroup(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{answer: &gatewayv1.OpenAnswer{User: "u", Groups: []string{"g"}}})
	one, two := r.enter(), r.enter()
	byUser := &gatewayv1.Target{Of: &gatewayv1.Target_User{User: "u"}}
	byGroup := &gatewayv1.Target{Of: &gatewayv1.Target_Group{Group: "g"}}
	if got := a.ask(join(byUser, "h", "i")); got.GetAffected() != 2 || r.hub.GroupLen("h") != 2 {
		t.Errorf("join by user: got %v", got)
	}
	leave := &gatewayv1.Command{Do: &gatewayv1.Command_Leave{Leave: &gatewayv1.Leave{Target: byGroup, Groups: []string{"h", "nowhere"}}}}
	if got := a.ask(leave); got.GetAffected() != 2 || r.hub.GroupLen("h") != 0 {
		t.Errorf("leave by group: got %v", got)
	}
	if got := a.ask(leave); got.GetAffected() != 0 || got.GetStatus() != gatewayv1.Status_STATUS_OK {
		t.Errorf("leave again: got %v", got)
	}
	kick := &gatewayv1.CloseConn{Code: 4504, Reason: "off", Last: &gatewayv1.Frame{Payload: []byte("bye")}}
	if got := a.ask(&gatewayv1.Command{Do: &gatewayv1.Command_Close{Close: &gatewayv1.Close{Target: byGroup, Close: kick}}}); got.GetAffected() != 2 {
		t.Errorf("close by group: got %v", got)
	}
	for _, c := range []*client{one, two} {
		c.expect("bye")
		c.expectClose(4504)
	}
	third := r.enter()
	a.ask(&gatewayv1.Command{Do: &gatewayv1.Command_Close{Close: &gatewayv1.Close{Target: byUser, Close: &gatewayv1.CloseConn{Now: true}}}})
	if _, _, err := third.frame(); err == nil {
		t.Error("a cut says nothing")
	}
}

func TestUnbindOnlyTheUserThatIsMeant(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{answer: &gatewayv1.OpenAnswer{User: "u"}})
	_, e := r.met(a)
	unbind := func(user string) *gatewayv1.Result {
		return a.ask(&gatewayv1.Command{Do: &gatewayv1.Command_Unbind{Unbind: &gatewayv1.Unbind{Conn: ref(e.conn, e.term), User: user}}})
	}
	if got := unbind("another"); got.GetAffected() != 0 || !r.hub.UserOnline("u") {
		t.Errorf("another: got %v", got)
	}
	if got := unbind(""); got.GetAffected() != 1 || r.hub.UserOnline("u") {
		t.Errorf("whoever: got %v", got)
	}
}
