package ws

import (
	"crypto/tls"
	"encoding/binary"
	"net"
	"strings"
	"unicode/utf8"

	"github.com/parley-im/parley/gateway/internal/frame"
	"github.com/parley-im/parley/proto/fault"
)

// The close codes that this package chooses by itself, of proto/fault's table.
const (
	codeProtocol = uint16(fault.CloseProtocol)
	codeNotUTF8  = uint16(fault.CloseNotUTF8)
	codeTooLarge = uint16(fault.CloseTooLarge)
	codeInternal = uint16(fault.CloseInternal)
	codeRestart  = uint16(fault.CloseRestart)
	codeTryLater = uint16(fault.CloseTryLater) // the sum of messages half read
	codeResync   = uint16(fault.CloseResync)   // a full queue, or a socket that takes nothing
	codeIdle     = uint16(fault.CloseIdle)
	codeNone     = uint16(fault.CloseNone)
	codeLost     = uint16(fault.CloseLost)
)

// finish begins the polite end: last and a close frame behind what is queued.
func (c *Conn) finish(why Close, last *frame.Frame) {
	c.mu.Lock()
	c.finishLocked(why, last)
	c.list()
	c.mu.Unlock()
}

// finishLocked is finish with Conn.mu held. The caller lists the conn.
func (c *Conn) finishLocked(why Close, last *frame.Frame) {
	if c.phase >= closing {
		return
	}
	why.Reason = validReason([]byte(why.Reason))
	c.end = &why
	c.phase = closing
	for _, f := range []*frame.Frame{last, closeFrame(why.Code, why.Reason)} {
		if f != nil { // beyond the bound, but the last
			cost := c.cost(f)
			c.q.push(f, cost)
			c.charge(cost)
		}
	}
	c.endBy(c.door.s.limits().writeTicks())
}

// endBy has the wheel kill the conn in so many ticks. Conn.mu is held.
func (c *Conn) endBy(ticks uint32) {
	c.closeBy = c.door.s.clock.now() + ticks
	c.door.s.wheel.sooner(c, c.closeBy)
}

// emptied is called by whoever wrote the last byte. Conn.mu is held and
// released.
func (c *Conn) emptied() {
	if c.phase != closing {
		c.mu.Unlock()
		return
	}
	c.endBy(c.door.s.limits().waitTicks())
	over := c.failed || c.peerDone
	c.mu.Unlock()
	if over {
		c.sayEnd()
	}
}

// peerIsDone notes that the peer sent its close frame. Conn.mu is held and
// released.
func (c *Conn) peerIsDone() {
	c.peerDone = true
	if c.phase == closing && c.opened && c.q.n == 0 && !c.writing {
		c.emptied()
		return
	}
	c.list()
	c.mu.Unlock()
}

// sayEnd tells the peer that nothing more comes. The socket is closed by linger,
// when the peer has closed too, or by the wheel: closed at once, it would answer
// what the peer still sends with a reset, and that destroys what is on its way
// to the peer, the close frame included. With TLS it may block for the farewell,
// but only pumps and the read goroutine of such a conn come here.
func (c *Conn) sayEnd() {
	h, ok := c.nc.(halfCloser)
	if !ok {
		c.mu.Lock()
		failed := c.failed
		c.mu.Unlock()
		if !failed { // else the peer may still read, and the wheel ends it
			c.kill(Close{})
		}
		return
	}
	_ = h.CloseWrite()
	if t, ok := c.nc.(*tls.Conn); ok { // the farewell of TLS is not the end of the stream
		if h, ok := t.NetConn().(halfCloser); ok {
			_ = h.CloseWrite()
		}
	}
}

type halfCloser interface{ CloseWrite() error }

// kill closes the socket at once. why counts if the end had not begun.
func (c *Conn) kill(why Close) {
	c.mu.Lock()
	if c.phase == dead {
		c.mu.Unlock()
		return
	}
	if c.phase < closing {
		c.end = &why
	}
	c.phase = dead
	if !c.writing {
		c.dropQueue()
	}
	asleep := c.asleep
	if asleep {
		c.awake()
		c.door.s.napper.forget(c)
	}
	socket := socketOf(c.nc)
	c.mu.Unlock()
	_ = socket.Close()
	if asleep {
		go c.served()
	}
}

// dropQueue forgets what is queued. Conn.mu is held and nobody has the pen.
func (c *Conn) dropQueue() {
	c.fl.queued.Add(int64(-c.q.bytes))
	c.q.clear()
}

// socketOf is what is below TLS: closing it never blocks.
func socketOf(nc net.Conn) net.Conn {
	if t, ok := nc.(*tls.Conn); ok {
		return t.NetConn()
	}
	return nc
}

func validReason(reason []byte) string {
	return strings.ToValidUTF8(string(reason), "\uFFFD")
}

// codeTLS is reserved for what never was a conn.
const codeTLS = 1015

// maxCloseReason is what a control frame of 125 bytes leaves beside the code.
const maxCloseReason = 123

// closeFrame builds a close frame, with an empty body for codes that must not be
// sent.
func closeFrame(code uint16, reason string) *frame.Frame {
	switch code {
	case 0, codeNone, codeLost, codeTLS:
		return controlFrame(opClose, nil, frame.Must, "")
	}
	for len(reason) > maxCloseReason {
		_, n := utf8.DecodeLastRuneInString(reason)
		reason = reason[:len(reason)-n]
	}
	body := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(reason)), code)
	return controlFrame(opClose, append(body, reason...), frame.Must, "")
}
