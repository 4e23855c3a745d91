package ws

import (
	"errors"
	"io"
	"runtime/debug"
	"time"

	"github.com/lxzan/gws"

	"github.com/parley-im/parley/gateway/internal/frame"
)

// events is what gws calls on a conn's read goroutine.
type events struct{ s *Server }

var _ gws.Event = events{}

func connOf(socket *gws.Conn) *Conn { return (*Conn)(socket.NetConn().(*wire)) }

func (e events) OnOpen(*gws.Conn) {}

func (e events) OnMessage(socket *gws.Conn, m *gws.Message) {
	c := connOf(socket)
	if c.read.fault == codeInternal {
		(*Message)(m).Release() // behind a panic in the same buffer
		return
	}
	c.fl.stats.messagesIn.Add(1)
	defer func() {
		if p := recover(); p != nil {
			c.panicked(p)
		}
	}()
	e.s.handler.Message(c, (*Message)(m))
}

// pongRoom is up to how many queued bytes every ping gets a pong of its own.
const pongRoom = 4 << 10

// OnPing answers with the same payload. If the socket takes nothing, only the newest
// pong waits, and as long as it does, those that follow take its place: they never
// pass each other.
func (e events) OnPing(socket *gws.Conn, payload []byte) {
	c := connOf(socket)
	pong := controlFrame(opPong, payload, frame.Merge, "\x00pong")
	c.mu.Lock()
	if c.q.bytes < pongRoom && c.q.like(pong) == nil {
		pong = controlFrame(opPong, payload, frame.Must, "")
	}
	c.push(pong)
	c.writeOrList()
}

// OnPong has nothing to do: any byte from the peer counts as life.
func (e events) OnPong(*gws.Conn, []byte) {}

// OnClose comes last. When the peer closed first it tells what the peer said.
func (e events) OnClose(socket *gws.Conn, err error) {
	c := connOf(socket)
	var said *gws.CloseError
	if !errors.As(err, &said) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end != nil && c.end.By == ByClient {
		c.end.Code, c.end.Reason = or(said.Code, codeNone), validReason(said.Reason)
	}
}

// panicked ends a conn whose handler, or gws, panicked on its read goroutine;
// the others go on.
func (c *Conn) panicked(p any) {
	s := c.door.s
	c.read.fault = codeInternal
	s.stats.panics.Add(1)
	s.cfg.Log.Error("panic on a conn", "remote", c.RemoteAddr().String(), "err", p, "stack", string(debug.Stack()))
	c.mu.Lock()
	c.failed = true
	c.finishLocked(Close{Code: codeInternal, Reason: "internal error", By: ByError}, nil)
	c.list()
	c.mu.Unlock()
}

// serve is the read goroutine of an accepted conn, from the 101 or a nap to the
// next nap or the end. It is the bottom of an idle conn's stack, so it keeps nothing there.
func (c *Conn) serve(socket *gws.Conn) {
	defer c.served()
	socket.ReadLoop()
}

// served is the way out of serve, also in a panic.
func (c *Conn) served() {
	if p := recover(); p != nil {
		c.panicked(p)
	}
	c.read.drop()
	if c.read.napping && c.sleep() {
		return
	}
	c.letGo()
	c.closed()
	c.linger()
	c.door.s.wheel.remove(c)
	c.door.leave(c)
	c.door.wg.Done()
}

// letGo gives back what was counted for a message half read.
func (c *Conn) letGo() {
	if c.read.holding != 0 {
		c.door.s.inbound.Add(-int64(c.read.holding))
		c.read.holding = 0
	}
}

// closed tells the handler.
func (c *Conn) closed() {
	defer func() {
		if p := recover(); p != nil {
			c.panicked(p)
		}
	}()
	why := Close{Code: codeLost, By: ByLoss}
	c.mu.Lock()
	if c.end != nil {
		why = *c.end
	}
	why.BytesOut, why.FramesOut = c.bytesOut, c.framesOut
	c.mu.Unlock()
	why.BytesIn, why.FramesIn = c.read.bytes, c.read.frames
	why.Duration = time.Since(c.OpenedAt())
	c.door.s.stats.closed(why.By)
	c.door.s.handler.Closed(c, why)
}

// linger reads on until the socket is closed, by the peer, by whoever writes
// the last byte, or by the wheel. Closing a socket with bytes unread would reset
// it, and the peer might never see why.
func (c *Conn) linger() {
	var b [512]byte
	var err error
	for err == nil || c.nudged(err) {
		_, err = c.nc.Read(b[:])
	}
	for errors.Is(err, io.EOF) && c.unsent() {
		time.Sleep(tick / 10) // it may read what we say; the wheel bounds this
	}
	c.kill(Close{Code: codeLost, By: ByLoss})
}

// unsent tells whether a conn that is closing has something left to say.
func (c *Conn) unsent() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.phase == closing && (c.q.n > 0 || c.writing)
}
