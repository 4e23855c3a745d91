package link_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/parley-im/parley/gateway/internal/hub"
	"github.com/parley-im/parley/gateway/internal/link"
	"github.com/parley-im/parley/gateway/internal/ws"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

func TestSessionIsComparedAndSet(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{})
	_, e := r.met(a)
	write := func(s string, version uint64) *gatewayv1.Result {
		return a.ask(session(ref(e.conn, 0), &gatewayv1.SessionWrite{Session: []byte(s), Conditional: true, IfVersion: version}))
	}
	if got := write("one", 0); got.GetStatus() != gatewayv1.Status_STATUS_OK || got.GetSessionVersion() != 1 {
		t.Errorf("first: got %v", got)
	}
	if got := write("two", 0); got.GetStatus() != gatewayv1.Status_STATUS_CONFLICT || got.GetSessionVersion() != 1 || got.GetAffected() != 0 {
		t.Errorf("conflict: got %v", got)
	}
	if got := write("two", 1); got.GetStatus() != gatewayv1.Status_STATUS_OK || got.GetSessionVersion() != 2 {
		t.Errorf("second: got %v", got)
	}
	if got := a.ask(session(ref(e.conn, 0), &gatewayv1.SessionWrite{Session: make([]byte, 16<<10+1)})); got.GetStatus() != gatewayv1.Status_STATUS_LIMIT || got.GetSessionVersion() != 2 {
		t.Errorf("too large: got %v", got)
	}
	if got := a.ask(query(&gatewayv1.Query{Conn: ref(e.conn, 0)})); string(got.GetContext().GetSession()) != "two" {
		t.Errorf("query: got %v", got)
	}
}

func TestArgumentsOutOfBounds(t *testing.T) {
	r := newRig(t, func(_ *link.Config, _ *ws.Config, h *hub.Config) { h.MaxGroupsPerConn = 2 })
	a := r.attach(script{})
	_, e := r.met(a)
	c := ref(e.conn, e.term)
	long := strings.Repeat("x", 257)
	for _, test := range []struct {
		name string
		do   *gatewayv1.Command
		want gatewayv1.Status
	}{
		{"no user", bind(c, ""), gatewayv1.Status_STATUS_INVALID},
		{"long user", bind(c, long), gatewayv1.Status_STATUS_INVALID},
		{"longest user", bind(c, long[1:]), gatewayv1.Status_STATUS_OK},
		{"no group", join(target(c), "a", ""), gatewayv1.Status_STATUS_INVALID},
		{"long group", join(target(c), long), gatewayv1.Status_STATUS_INVALID},
		{"no target", join(nil, "a"), gatewayv1.Status_STATUS_INVALID},
		{"too many groups", join(target(c), "a", "b", "c"), gatewayv1.Status_STATUS_LIMIT},
		{"close code", &gatewayv1.Command{Do: &gatewayv1.Command_Close{Close: &gatewayv1.Close{Target: target(c), Close: &gatewayv1.CloseConn{Code: 66_536}}}}, gatewayv1.Status_STATUS_INVALID},
	} {
		if got := a.ask(test.do); got.GetStatus() != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
	// The join that failed in its middle left the conn in two groups, and its
	// owner is told which.
	a.done(e)
	eventually(t, "the acknowledgement", func() bool { return r.link.Unacked() == 0 })
	if got := r.hub.GroupCount(); got != 2 {
		t.Errorf("groups: got %d, want 2", got)
	}
}

func TestJoinThatFailsInItsMiddleIsToldToTheOwner(t *testing.T) {
	r := newRig(t, func(_ *link.Config, _ *ws.Config, h *hub.Config) { h.MaxGroupsPerConn = 2 })
	a := r.attach(script{})
	c, e := r.met(a)
	a.ask(join(target(ref(e.conn, e.term)), "a", "b", "c"))
	a.done(e)
	c.text("2")
	if got := a.next(record.KindContext).context(); len(got.GetGroups()) != 2 {
		t.Errorf("context: got %v", got)
	}
}

// An answer that no record can hold is said to be one: whoever waits must hear
// something.
func TestAnswerTooLargeForARecord(t *testing.T) {
	r := newRig(t)
	a := r.attach(script{answer: &gatewayv1.OpenAnswer{User: "u"}})
	r.met(a)
	q := &gatewayv1.Query{}
	for range 80_000 {
		q.Users = append(q.Users, "u") // asked in 3 bytes, answered in 15
	}
	if got := a.ask(query(q)); got.GetStatus() != gatewayv1.Status_STATUS_LIMIT {
		t.Errorf("got %v %s", got.GetStatus(), got.GetMessage())
	}
	s := record.Send{Target: record.ToUsers, WantResult: true, Bodies: []record.Body{{Payload: []byte("x")}}}
	for i := range 1200 {
		s.Names = append(s.Names, fmt.Sprint(i)+strings.Repeat("x", 1000))
	}
	if got := a.result(a.send(s)); got.GetStatus() != gatewayv1.Status_STATUS_OK || got.GetMissed() != 1200 || len(got.GetOffline()) < 500 {
		t.Errorf("offline: got %v missed %d offline %d", got.GetStatus(), got.GetMissed(), len(got.GetOffline()))
	}
}
