package workertest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/parley-im/parley/proto/connid"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/worker"
)

// DialOption changes the handshake of a conn.
type DialOption func(*gatewayv1.ConnFacts)

// Header adds a header.
func Header(name, value string) DialOption {
	return func(f *gatewayv1.ConnFacts) {
		f.Headers = append(f.Headers, &gatewayv1.Header{Name: http.CanonicalHeaderKey(name), Value: value})
	}
}

// Subprotocols offers subprotocols.
func Subprotocols(names ...string) DialOption {
	return func(f *gatewayv1.ConnFacts) { f.Subprotocols = names }
}

// RemoteAddr sets the client's address, "192.0.2.1:1234" without it.
func RemoteAddr(addr string) DialOption {
	return func(f *gatewayv1.ConnFacts) { f.RemoteAddr = addr }
}

// Dial connects a client to target, a path with an optional query, and fails the
// test when it is refused.
func (h *Harness) Dial(target string, opts ...DialOption) *Conn {
	h.t.Helper()
	c, refused := h.TryDial(target, opts...)
	if refused != nil {
		h.t.Fatalf("workertest: dial %s: %v", target, refused)
	}
	return c
}

// TryDial is Dial for a client that may be refused: then it returns the refusal and
// no conn.
func (h *Harness) TryDial(target string, opts ...DialOption) (*Conn, *worker.Refusal) {
	h.t.Helper()
	u, err := url.Parse(target)
	if err != nil || !strings.HasPrefix(u.Path, "/") {
		h.t.Fatalf("workertest: %q is not a path", target)
	}
	facts := &gatewayv1.ConnFacts{
		RemoteAddr: "192.0.2.1:1234", LocalAddr: "192.0.2.2:8282", Host: "workertest",
		Path: u.Path, Query: u.RawQuery, OpenedUnixMs: time.Now().UnixMilli(),
	}
	for _, opt := range opts {
		opt(facts)
	}
	g := h.directory.inTurn()
	c := &Conn{h: h, conn: g.Open(facts, openWithin)}
	c.id = connid.ID{Gateway: g.Boot, Conn: c.conn.ID()}
	var answer *gatewayv1.OpenAnswer
	h.wait(fmt.Sprintf("OnOpen of %s", target), func(ctx context.Context) (err error) {
		answer, err = c.conn.Answer(ctx)
		return err
	})
	if answer.GetStatus() == 0 {
		c.answer = answer
		return c, nil
	}
	refused := &worker.Refusal{
		Status: int(answer.GetStatus()), Reason: answer.GetReason(),
		RetryAfter: time.Duration(answer.GetRetryAfterMs()) * time.Millisecond,
	}
	refused.Header = header(answer)
	return nil, refused
}

func header(a *gatewayv1.OpenAnswer) http.Header {
	var h http.Header
	for _, line := range a.GetHeaders() {
		if h == nil {
			h = make(http.Header)
		}
		h.Add(line.GetName(), line.GetValue())
	}
	return h
}
