package ws

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"syscall"

	"github.com/lxzan/gws"

	"github.com/parley-im/parley/gateway/internal/frame"
)

// open accepts: the 101, the answer's first frames, then what was sent
// meanwhile, in this order and most often in one write.
func (c *Conn) open(a Answer, r *http.Request) *gws.Conn {
	s := c.door.s
	if sc, ok := c.nc.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			c.mu.Lock()
			c.raw = raw
			c.mu.Unlock()
			c.read.ready = c.ready
		}
	}
	deflate := negotiate(r.Header, s.cfg.Deflate)
	c.owner = a.Owner
	c.read.header = -1

	socket, err := c.upgrade(r) // check left nothing to refuse
	if err != nil {
		s.cfg.Log.Error("gws refused a handshake", "err", err)
		c.kill(Close{Code: codeLost, By: ByError})
		c.closed()
		return nil
	}
	extra := a.Header
	if offers(r.Header, a.Subprotocol) {
		extra = extra.Clone()
		if extra == nil {
			extra = make(http.Header)
		}
		extra.Set("Sec-Websocket-Protocol", a.Subprotocol)
	}
	s.stats.opened.Add(1)
	c.mu.Lock()
	c.opening(a, deflate, extra)
	if c.raw == nil || !c.mayWrite() {
		c.list()
		c.mu.Unlock()
		return socket
	}
	c.writeNow() // in place: this goroutine is awake
	return socket
}

// opening puts the queue in order for the first write. Conn.mu is held.
func (c *Conn) opening(a Answer, deflate bool, extra http.Header) {
	if c.phase == dead {
		return
	}
	s := c.door.s
	c.subprotocol, c.deflate = a.Subprotocol, deflate
	c.charge(c.q.recount(c.cost))
	hello := *c.q.at(0) // see wire.Write
	c.fl.queued.Add(int64(-c.cost(hello)))
	c.q.pop(c.cost(hello))
	hello = withHeader(hello, extra)
	for _, f := range append([]*frame.Frame{hello}, a.First...) {
		c.charge(c.cost(f))
	}
	for _, f := range slices.Backward(a.First) {
		c.q.pushFront(f, c.cost(f))
	}
	c.q.pushFront(hello, c.cost(hello))
	l := s.limits()
	c.pingAt = s.clock.now() + 1 + rand.Uint32N(l.pingTicks()) // pings of conns made together spread
	c.opened = true
	s.wheel.sooner(c, min(c.pingAt, s.clock.now()+min(l.idleTicks(), l.messageTicks(), l.napTicks())))
}
