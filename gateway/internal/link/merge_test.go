package link_test

import (
	"strings"
	"testing"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

func patch(s string) *gatewayv1.SessionWrite {
	return &gatewayv1.SessionWrite{Session: []byte(s), Merge: true}
}

func TestSessionIsMerged(t *testing.T) {
	r := newRig(t)
	w := r.attach(script{})
	_, e := r.met(w)
	conn := ref(e.conn, 0)
	for i, test := range []struct {
		write   *gatewayv1.SessionWrite
		status  gatewayv1.Status
		version uint64
		want    string
	}{
		{patch(`{"room":12345678901234567890,"gone":null}`), ok, 1, `{"room":12345678901234567890}`},
		{patch(`{"a":{"b":1.0}}`), ok, 2, `{"room":12345678901234567890,"a":{"b":1.0}}`},
		{patch(`{"a":{"b":null},"room":null}{"c":[null]}`), ok, 3, `{"a":{},"c":[null]}`},
		{patch(`{}`), ok, 4, `{"a":{},"c":[null]}`},
		{patch(`[1]`), invalid, 4, `{"a":{},"c":[null]}`},
		{patch(`{"x":"` + strings.Repeat("x", 16<<10) + `"}`), gatewayv1.Status_STATUS_LIMIT, 4, `{"a":{},"c":[null]}`},
		{patch(`{"a":null}` + strings.Repeat(" ", 4*16<<10)), gatewayv1.Status_STATUS_LIMIT, 4, `{"a":{},"c":[null]}`},
		{&gatewayv1.SessionWrite{Session: []byte(`{"d":1}`), Merge: true, Conditional: true, IfVersion: 3}, gatewayv1.Status_STATUS_CONFLICT, 4, `{"a":{},"c":[null]}`},
		{&gatewayv1.SessionWrite{Session: []byte(`{"d":1}`), Merge: true, Conditional: true, IfVersion: 4}, ok, 5, `{"a":{},"c":[null],"d":1}`},
		{&gatewayv1.SessionWrite{Session: []byte(`hello`)}, ok, 6, `hello`},
		{patch(`{"d":1}`), invalid, 6, `hello`},
		{&gatewayv1.SessionWrite{}, ok, 7, ``},
		{patch(`{"d":1}`), ok, 8, `{"d":1}`},
	} {
		got := w.ask(session(conn, test.write))
		if got.GetStatus() != test.status || got.GetSessionVersion() != test.version || (test.status == invalid || test.status == gatewayv1.Status_STATUS_LIMIT) == (got.GetMessage() == "") {
			t.Errorf("write %d: got %v", i, got)
		}
		if got := w.ask(query(&gatewayv1.Query{Conn: conn})).GetContext(); string(got.GetSession()) != test.want || got.GetSessionVersion() != test.version {
			t.Errorf("after write %d: got %s, version %d", i, got.GetSession(), got.GetSessionVersion())
		}
	}
}

// A merge rides on an acknowledgement: the gateway merges into what it has, which may be
// newer than what the worker knew.
func TestMergeOfAnAcknowledgement(t *testing.T) {
	r := newRig(t)
	w := r.attach(script{answer: &gatewayv1.OpenAnswer{Session: []byte(`{"a":1}`), HasSession: true}})
	api := r.attach(script{node: "api", noEvents: true})
	c, e := r.met(w)
	if got := api.ask(session(ref(e.conn, 0), patch(`{"b":2}`))); got.GetSessionVersion() != 2 {
		t.Fatalf("of somebody else: got %v", got)
	}
	w.doneWith(e, &gatewayv1.Effects{Session: patch(`{"c":3}`), Replies: []*gatewayv1.Frame{{Payload: []byte("merged")}}})
	c.expect("merged")
	c.text("next")
	got := w.next(record.KindContext).context()
	if string(got.GetSession()) != `{"a":1,"b":2,"c":3}` || got.GetSessionVersion() != 3 {
		t.Errorf("got %v", got)
	}
	w.done(w.message("next"))
}

// The end of a conn waits for a merge that is under way while somebody else writes, and the
// worker learns before it what the session is: a merge that was refused has no answer.
func TestEndAfterARefusedMergeTellsTheSession(t *testing.T) {
	r := newRig(t)
	w := r.attach(script{answer: &gatewayv1.OpenAnswer{User: "liubei", Session: []byte(`{"a":1}`), HasSession: true}})
	api := r.attach(script{node: "api", noEvents: true})
	c, e := r.met(w)
	if got := api.ask(session(ref(e.conn, 0), &gatewayv1.SessionWrite{Session: []byte("no object")})); got.GetSessionVersion() != 2 {
		t.Fatalf("of somebody else: got %v", got)
	}
	c.nc.Close()
	eventually(t, "the end of the socket", func() bool { return r.hub.Len() == 0 })
	w.doneWith(e, &gatewayv1.Effects{Session: patch(`{"b":2}`)})
	got := w.next()
	if got.kind != record.KindContext || string(got.context().GetSession()) != "no object" || got.context().GetUser() != "liubei" || got.context().GetFacts() != nil {
		t.Errorf("got %v, want the context of the last moment", got)
	}
	end := w.next()
	if last := end.closed().GetLast(); end.kind != record.KindClosed || string(last.GetSession()) != "no object" || last.GetFacts().GetPath() != "/chat" {
		t.Errorf("got %v", end)
	}
	w.done(end)
	eventually(t, "nothing left", func() bool { return r.link.Unacked() == 0 })
}
