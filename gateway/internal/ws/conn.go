package ws

import (
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/parley-im/parley/gateway/internal/frame"
)

// Conn is one socket. A gateway holds tens of thousands that do nothing, so its
// size counts: no timer, no channel, no closure, no context of its own.
type Conn struct {
	door *door
	fl   *flusher
	nc   net.Conn        // the socket, or TLS over it
	raw  syscall.RawConn // of the socket; nil when writes can only block (TLS)
	from *net.TCPAddr    // the client, as a proxy tells; nil: the peer of the socket. Set before the handler knows the conn

	openedAt int64 // Unix nanoseconds
	owner    any   // set before the 101

	next, prev *Conn  // guarded by wheel.mu
	due        uint32 // guarded by wheel.mu; 0: not in the wheel
	counted    bool   // in Server.addresses; the handshake goroutine's
	placed     bool   // it has a place in Server.gate; guarded by gate.mu

	read reading // the read goroutine's, but for its atomics

	mu          sync.Mutex // guards what follows; never held while writing to the socket
	q           queue
	subprotocol string
	end         *Close // how it ends; set once, when the end begins
	pingAt      uint32 // tick of the next ping
	closeBy     uint32 // tick at which a closing conn is killed, and one that is to move is asked
	moveIn      uint32 // it is to move: ms until it may be back, plus 1; 0: it is not
	bytesOut    uint64
	framesOut   uint64
	phase       phase
	opened      bool // the 101 is in the queue: bytes may leave
	deflate     bool
	listed      bool // it waits for its flusher among the many
	hurried     bool // it waits for its flusher in the lane soon
	writing     bool // someone holds the pen
	peerDone    bool // nothing more is expected from the peer
	asleep      bool // it has no read goroutine; see nap.go
	failed      bool // we refused to read on: say why and go, its answer is not read
}

// phase of a conn. It only rises.
type phase uint8

const (
	accepting phase = iota
	closing         // the close frame is queued: nothing more is accepted
	dead            // the socket is closed
)

// Send queues f and returns at once. It says false when f will not leave: the
// conn is closing, or its queue is full and f is of class Droppable. A full
// queue closes the conn with fault.CloseResync, as the package comment says.
func (c *Conn) Send(f *frame.Frame) bool {
	c.mu.Lock()
	ok := c.push(f)
	c.list()
	c.mu.Unlock()
	return ok
}

// SendSoon is Send for a frame that goes to few conns: its turn to leave comes
// before those of frames that go to many.
func (c *Conn) SendSoon(f *frame.Frame) bool {
	c.mu.Lock()
	ok := c.push(f)
	c.hurry()
	c.mu.Unlock()
	return ok
}

// writeOrList writes in place what is alone in the queue, or leaves the queue to
// the flusher. Conn.mu is held and released.
func (c *Conn) writeOrList() {
	if c.q.n != 1 || c.q.offset != 0 || !c.mayWrite() || c.listed || c.hurried || c.raw == nil {
		c.list()
		c.mu.Unlock()
		return
	}
	c.writeNow()
}

// Close ends the conn politely: last (may be nil) and a close frame are queued
// behind what waits, and when all has left, or after Limits.WriteTimeout, the
// socket is closed. A code that may not be sent (1005) sends a close frame
// without one; 1006 is Kill. Only the first Close counts. It never blocks.
func (c *Conn) Close(code uint16, reason string, last *frame.Frame) {
	if code == codeLost {
		c.Kill()
		return
	}
	c.finish(Close{Code: code, Reason: reason, By: ByServer}, last)
}

// Kill closes the socket at once, without a close frame.
func (c *Conn) Kill() {
	c.kill(Close{Code: codeLost, By: ByServer})
}

// Closing tells whether the end has begun: nothing will be accepted any more.
func (c *Conn) Closing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.phase >= closing
}

// Owner is what Answer.Owner was. It is not set before Open has answered.
func (c *Conn) Owner() any { return c.owner }

// Subprotocol is what Answer.Subprotocol was.
func (c *Conn) Subprotocol() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.subprotocol
}

// RemoteAddr is the client's address: the peer of the socket, or what a proxy that is
// trusted says, by the PROXY protocol or, with port 0, in X-Forwarded-For.
func (c *Conn) RemoteAddr() net.Addr {
	if c.from != nil {
		return c.from
	}
	return c.nc.RemoteAddr()
}

// LocalAddr is the address the peer connected to.
func (c *Conn) LocalAddr() net.Addr { return c.nc.LocalAddr() }

// OpenedAt is when the socket was accepted.
func (c *Conn) OpenedAt() time.Time { return time.Unix(0, c.openedAt) }

// Pause makes the liveness clock stand still: the conn is not closed for being
// silent until Resume. It stands still by itself while Handler.Message runs.
func (c *Conn) Pause() { c.read.paused.Store(true) }

// Resume starts the liveness clock anew.
func (c *Conn) Resume() {
	c.read.resume(c.door.s.clock.now())
}

// Queued is how many bytes wait to leave, with what frames cost beside them.
func (c *Conn) Queued() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.q.bytes
}
