package link_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/parley-im/parley/gateway/internal/hub"
	"github.com/parley-im/parley/gateway/internal/link"
	"github.com/parley-im/parley/gateway/internal/ws"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

func TestRefusalReachesTheClient(t *testing.T) {
	r := newRig(t)
	r.attach(script{answer: &gatewayv1.OpenAnswer{
		Status: 429, Reason: "slow down", RetryAfterMs: 1500,
		Headers: []*gatewayv1.Header{{Name: "X-Why", Value: "rate"}, {Name: "Set-Cookie", Value: "a=b"}},
	}})
	c := r.knock()
	body, _ := io.ReadAll(c.resp.Body)
	if c.resp.StatusCode != 429 || strings.TrimSpace(string(body)) != "slow down" || c.resp.Header.Get("Retry-After") != "2" ||
		c.resp.Header.Get("X-Why") != "rate" || c.resp.Header.Get("Set-Cookie") != "a=b" {
		t.Errorf("got %v %v %q", c.resp.Status, c.resp.Header, body)
	}
	if r.hub.Len() != 0 || r.link.Unacked() != 0 {
		t.Errorf("conns %d, unacknowledged %d", r.hub.Len(), r.link.Unacked())
	}
}

func TestAcceptanceSaysEverythingAtOnce(t *testing.T) {
	r := newRig(t)
	w := r.attach(script{answer: &gatewayv1.OpenAnswer{
		User: "liubei", Groups: []string{"shu", "brothers"}, Session: []byte("s"), HasSession: true, Subprotocol: "parley.v1.json",
		Headers: []*gatewayv1.Header{{Name: "X-Node", Value: "w"}},
		First:   []*gatewayv1.Frame{{Payload: []byte("one")}, {Payload: []byte("\xff")}, {Payload: []byte("two")}},
	}})
	c := r.enter("Sec-WebSocket-Protocol: parley.v1.json")
	if c.resp.Header.Get("Sec-Websocket-Protocol") != "parley.v1.json" || c.resp.Header.Get("X-Node") != "w" {
		t.Errorf("101: got %v", c.resp.Header)
	}
	c.expect("one")
	c.expect("two")
	w.until("the routes", func() bool { return w.routes["user liubei"] && w.routes["group shu"] && w.routes["group brothers"] })
	api := r.attach(script{node: "api", noEvents: true})
	got := api.ask(query(&gatewayv1.Query{Users: []string{"liubei", "caocao"}, Groups: []string{"shu", "wei"}, Counts: true}))
	if len(got.GetUsers()) != 1 || len(got.GetUsers()[0].GetConns()) != 1 || len(got.GetGroups()) != 1 || got.GetCounts().GetConns() != 1 {
		t.Fatalf("query: got %v", got)
	}
	if users := got.GetGroups()[0].GetUsers(); users != nil {
		t.Errorf("nobody asked who is in it, and it says %q", users)
	}
	if in := api.ask(query(&gatewayv1.Query{Groups: []string{"shu"}, GroupUsers: 1 << 31})).GetGroups(); len(in) != 1 || fmt.Sprint(in[0].GetUsers()) != "[liubei]" || in[0].GetConns() != 1 {
		t.Errorf("who is in it: got %v", in)
	}
	got = api.ask(query(&gatewayv1.Query{Conn: ref(got.GetUsers()[0].GetConns()[0], 0)}))
	if ctx := got.GetContext(); ctx.GetSessionVersion() != 1 || string(ctx.GetSession()) != "s" || ctx.GetFacts().GetSubprotocol() != "parley.v1.json" {
		t.Errorf("context: got %v", got)
	}
}

// An answer that cannot be carried out is a mistake of the worker: the client
// hears 500, the log hears why, and nothing of the conn stays.
func TestAnswerThatCannotBeCarriedOut(t *testing.T) {
	long := strings.Repeat("x", 257)
	for _, test := range []struct {
		name   string
		answer *gatewayv1.OpenAnswer
		why    string
	}{
		{"status 101", &gatewayv1.OpenAnswer{Status: 101}, "status 101"},
		{"status 200", &gatewayv1.OpenAnswer{Status: 200}, "status 200"},
		{"status 1000", &gatewayv1.OpenAnswer{Status: 1000}, "status 1000"},
		{"session", &gatewayv1.OpenAnswer{Session: make([]byte, 17<<10), HasSession: true}, "session of 17408"},
		{"user", &gatewayv1.OpenAnswer{User: long}, "256 bytes"},
		{"group", &gatewayv1.OpenAnswer{User: "u", Groups: []string{"g", long}}, "256 bytes"},
		{"empty group", &gatewayv1.OpenAnswer{User: "u", Groups: []string{"g", ""}}, "256 bytes"},
		{"two header lines", &gatewayv1.OpenAnswer{Headers: header("X-A", "a\r\nX-B: b")}, "header"},
		{"a header line and a body", &gatewayv1.OpenAnswer{Status: 403, Headers: header("X-A", "a\n\n<html>")}, "header"},
		{"a header name of two", &gatewayv1.OpenAnswer{Headers: header("X-A: a\r\nX-B", "b")}, "header"},
		{"a header without a name", &gatewayv1.OpenAnswer{Headers: header("", "a")}, "header"},
		{"too many groups", &gatewayv1.OpenAnswer{User: "u", Groups: []string{"a", "b", "c"}}, "too many groups"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, func(_ *link.Config, _ *ws.Config, h *hub.Config) { h.MaxGroupsPerConn = 2 })
			w := r.attach(script{answer: test.answer})
			c := r.knock()
			body, _ := io.ReadAll(c.resp.Body)
			if c.resp.StatusCode != http.StatusInternalServerError || strings.TrimSpace(string(body)) != "internal error" {
				t.Errorf("client: got %v %q", c.resp.Status, body)
			}
			if c.resp.Header.Get("X-A") != "" || c.resp.Header.Get("X-B") != "" {
				t.Errorf("client: got %v", c.resp.Header)
			}
			if got := r.log.with("cannot be carried out"); len(got) != 1 || !strings.Contains(got[0], test.why) {
				t.Errorf("log: got %q, want %q", got, test.why)
			}
			if r.hub.Len() != 0 || r.link.Unacked() != 0 || r.hub.UserCount() != 0 || r.hub.GroupCount() != 0 {
				t.Errorf("left: conns %d, events %d, users %d, groups %d", r.hub.Len(), r.link.Unacked(), r.hub.UserCount(), r.hub.GroupCount())
			}
			w.drain() // it owns nothing
			w.until("drained", func() bool { return w.drained == 1 })
		})
	}
}

func header(name, value string) []*gatewayv1.Header {
	return []*gatewayv1.Header{{Name: name, Value: value}}
}

// A plain acknowledgement of an Open has no answer in it.
func TestOpenAcknowledgedWithoutAnswer(t *testing.T) {
	for _, with := range []bool{false, true} {
		r := newRig(t)
		w := r.attach(script{asks: true})
		go func() {
			e := w.next(record.KindOpen)
			if with {
				w.doneWith(e, &gatewayv1.Effects{})
			} else {
				w.done(e, "hello")
			}
		}()
		if c := r.knock(); c.resp.StatusCode != http.StatusInternalServerError {
			t.Errorf("client: got %v", c.resp.Status)
		}
	}
}
