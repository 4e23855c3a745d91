package link

import (
	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/gateway/internal/ws"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// Closed takes the end of a conn. It implements ws.Handler.
func (l *Link) Closed(sock *ws.Conn, why ws.Close) {
	c := sock.Owner().(*conn)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.probation != nil {
		c.probation.Stop()
	}
	c.phase = closed
	l.limbo.add(c) // before it leaves the hub: its last acknowledgements must find it
	user, groups := l.hub.Remove(&c.Conn)
	l.push(c, event{kind: record.KindClosed, body: encode(&gatewayv1.Closed{
		Code:       uint32(why.Code),
		Reason:     valid(why.Reason),
		By:         closedBy(why.By, c.kicked),
		DurationMs: uint64(why.Duration.Milliseconds()),
		BytesIn:    why.BytesIn,
		BytesOut:   why.BytesOut,
		Last: &gatewayv1.ConnContext{
			Facts: c.decodeFacts(), User: user, Groups: groups,
			Session: c.session, SessionVersion: c.sessionVersion,
		},
	})})
}

// lastMoment is what a conn whose socket has ended was: it has left the hub, and
// frames that it said before may still have to be handled as that. nil while it
// is open. mu is held.
func (c *conn) lastMoment() *gatewayv1.ConnContext {
	if m := c.closedEvent(); m != nil {
		return m.GetLast()
	}
	return nil
}

// closedEvent decodes the last event if that is Closed. mu is held.
func (c *conn) closedEvent() *gatewayv1.Closed {
	if n := len(c.events.list); n > 0 && c.events.list[n-1].kind == record.KindClosed {
		m := &gatewayv1.Closed{}
		_ = proto.Unmarshal(c.events.list[n-1].body, m) // encode wrote it
		return m
	}
	return nil
}

// amendClosed brings the session in a Closed that still waits up to date, after a
// handler of an earlier frame has written it. c.mu is held.
func (l *Link) amendClosed(c *conn) {
	if len(c.events.list) < 2 {
		return // what is being acknowledged is Closed itself, or the conn is open
	}
	if m := c.closedEvent(); m != nil {
		m.Last.Session, m.Last.SessionVersion = c.session, c.sessionVersion
		l.unacked.Add(int64(c.events.amend(encode(m))))
	}
}

func closedBy(by ws.By, kicked bool) gatewayv1.ClosedBy {
	switch by {
	case ws.ByClient:
		return gatewayv1.ClosedBy_CLOSED_BY_CLIENT
	case ws.ByServer:
		if kicked {
			return gatewayv1.ClosedBy_CLOSED_BY_WORKER
		}
		return gatewayv1.ClosedBy_CLOSED_BY_GATEWAY
	case ws.ByTimeout:
		return gatewayv1.ClosedBy_CLOSED_BY_TIMEOUT
	case ws.ByError:
		return gatewayv1.ClosedBy_CLOSED_BY_GATEWAY
	default:
		return gatewayv1.ClosedBy_CLOSED_BY_NETWORK
	}
}
