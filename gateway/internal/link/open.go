package link

import (
	"context"
	"net/http"
	"time"

	"github.com/parley-im/parley/gateway/internal/frame"
	"github.com/parley-im/parley/gateway/internal/ws"
	"github.com/parley-im/parley/proto/connid"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

var _ ws.Handler = (*Link)(nil)

// Open asks a worker whether a client may come in, and waits. If that worker is
// lost meanwhile another is asked. It implements ws.Handler.
func (l *Link) Open(ctx context.Context, sock *ws.Conn, r *http.Request) ws.Answer {
	answer := make(chan *gatewayv1.OpenAnswer, 1)
	c := &conn{link: l, sock: sock, context: 1, pool: l.poolFor(r.URL.Path), answer: answer}
	c.Init(connid.Random(l.cfg.Identity.Boot).Conn, c)
	facts := l.factsOf(sock, r)
	deadline := l.cfg.OpenTimeout
	if d, ok := ctx.Deadline(); ok {
		deadline = time.Until(d)
	}
	body := encode(&gatewayv1.Open{Facts: facts, DeadlineMs: uint32(deadline.Milliseconds())})

	l.limbo.add(c)
	c.mu.Lock()
	c.facts = encode(facts)
	l.push(c, event{kind: record.KindOpen, body: body})
	c.mu.Unlock()

	select {
	case a := <-answer:
		return l.answered(c, a)
	case <-ctx.Done():
	}
	c.mu.Lock()
	late := c.phase == opening
	if late {
		c.phase = abandoned // a worker that accepts after all hears that the conn has closed
		if c.events.sent == 0 {
			l.forsake(c)
		}
	}
	c.mu.Unlock()
	if late {
		l.stats.OpenTimeouts.Add(1)
		return ws.Answer{Status: http.StatusServiceUnavailable, Reason: "no worker answered in time", RetryAfter: time.Second}
	}
	return l.answered(c, <-answer) // at most settleWait away
}

// answered turns a worker's answer into that of the socket.
func (l *Link) answered(c *conn, a *gatewayv1.OpenAnswer) ws.Answer {
	header := http.Header{}
	for _, h := range a.GetHeaders() {
		header.Add(h.GetName(), h.GetValue())
	}
	if a.GetStatus() != 0 {
		return ws.Answer{
			Status: int(a.GetStatus()), Reason: a.GetReason(), Header: header,
			RetryAfter: time.Duration(a.GetRetryAfterMs()) * time.Millisecond,
		}
	}
	answer := ws.Answer{Header: header, Subprotocol: a.GetSubprotocol(), Owner: c}
	for _, first := range a.GetFirst() {
		f, err := l.frames(opOf(first.GetOpcode()), first.GetPayload(), frame.Must, "")
		if err != nil {
			l.stats.BadFrames.Add(1)
			continue
		}
		answer.First = append(answer.First, f)
	}
	return answer
}
