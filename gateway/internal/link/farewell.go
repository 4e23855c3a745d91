package link

import (
	"context"

	"github.com/parley-im/parley/gateway/internal/ws"
)

// Farewell waits until everything the client has said is acknowledged, so that it
// still gets its replies and is handled as an open conn. It implements ws.Handler.
func (l *Link) Farewell(ctx context.Context, sock *ws.Conn) {
	c := sock.Owner().(*conn)
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.events.list) > 0 && !sock.Closing() {
		acked := c.credit()
		c.mu.Unlock()
		select {
		case <-acked:
		case <-ctx.Done():
		case <-l.life.Done():
		}
		c.mu.Lock()
		if ctx.Err() != nil || l.life.Err() != nil {
			return
		}
	}
}
