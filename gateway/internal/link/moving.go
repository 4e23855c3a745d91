package link

import (
	"github.com/parley-im/parley/gateway/internal/ws"
	"github.com/parley-im/parley/proto/faultpoint"
)

// Moving notes that the conn is to be asked to go elsewhere, and reports whether everything
// the client has said is acknowledged: then it has its replies. Otherwise the socket hears
// when that is so. It implements ws.Handler.
func (l *Link) Moving(sock *ws.Conn) (settled bool) {
	c := sock.Owner().(*conn)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moving = true
	return len(c.events.list) == 0 && !faultpoint.Sabotaged(faultpoint.MoveDeaf)
}

// settled lets a conn that is to move go when nothing of it is under way. c.mu is held.
func (c *conn) settled() {
	if c.moving && len(c.events.list) == 0 && !faultpoint.Sabotaged(faultpoint.MoveDeaf) {
		c.sock.MoveNow()
	}
}

// deaf reports whether a sabotaged gateway does not hear what the conn says.
func (c *conn) deaf() bool { return c.moving && faultpoint.Sabotaged(faultpoint.MoveDeaf) }
