package ws

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/parley-im/parley/gateway/internal/frame"
)

// wire is the net.Conn that gws sees: Read reads the socket, what is written
// goes into the conn's queue, and Close says only that gws is done.
type wire Conn

var _ net.Conn = (*wire)(nil)

var errBroken = errors.New("ws: rule broken")

// Read is called by http.ReadRequest and then by gws, on one goroutine. An idle
// conn waits in here: its frame, and those below it, are part of what it costs.
func (w *wire) Read(p []byte) (int, error) {
	c := (*Conn)(w)
	r := &c.read
	if r.in != nil {
		return r.take(p), nil
	}
	if r.header >= 0 {
		return c.readHeader(p)
	}
	if !c.mayRead() {
		return 0, errBroken
	}
	for {
		var n int
		var err error
		if r.ready == nil || len(p) >= inboundBytes {
			n, err = c.nc.Read(p)
		} else if err = c.raw.Read(r.ready); err == nil {
			return c.taken(p)
		}
		if err == nil || !c.nudged(err) {
			return c.metered(p[:n], err)
		}
		if c.mayNap() {
			return 0, errNap
		}
	}
}

// Write takes what gws has to say: the 101, which opening completes, and close
// frames. Everything else goes out past gws.
func (w *wire) Write(p []byte) (int, error) {
	c := (*Conn)(w)
	if c.read.napping {
		return len(p), nil
	}
	c.mu.Lock()
	switch {
	case !c.opened && c.phase == dead:
		c.mu.Unlock()
	case !c.opened:
		c.q.pushFront(frame.Raw(append([]byte(nil), p...), frame.Must, ""), len(p)+frame.Overhead)
		c.charge(len(p) + frame.Overhead)
		c.mu.Unlock()
	case c.read.lost:
		c.mu.Unlock()
		c.kill(Close{Code: codeLost, By: ByLoss})
	case c.phase >= closing && c.failed:
		c.mu.Unlock() // linger sees to the rest
	case c.phase >= closing:
		c.peerIsDone()
	default:
		c.mu.Unlock()
		c.gwsCloses(p)
	}
	return len(p), nil
}

// gwsCloses sends the close frame that gws built: the answer to the peer's, or
// because the peer broke a rule.
func (c *Conn) gwsCloses(p []byte) {
	code, reason := uint16(0), ""
	if len(p) >= 4 {
		code, reason = uint16(p[2])<<8|uint16(p[3]), strings.TrimPrefix(string(p[4:]), "gws: ")
	}
	switch {
	case c.read.fault == codeTryLater:
		code, reason = codeTryLater, "too much half read"
	case c.read.fault != 0:
		code, reason = c.read.fault, "protocol error"
	case reason == "":
		c.peerCloses(code)
		return
	case code == codeInternal && reason == "message too large":
		code = codeTooLarge // a deflated message, when inflated
	case code == codeInternal:
		code, reason = codeNotUTF8, "invalid compressed data"
	}
	c.mu.Lock()
	c.failed = true
	c.finishLocked(Close{Code: code, Reason: reason, By: ByError}, nil)
	c.writeOrList()
}

// peerCloses answers the peer's close frame behind all that is owed to it. OnClose
// tells what the peer said.
func (c *Conn) peerCloses(code uint16) {
	ctx, cancel := context.WithTimeout(c.door.ctx, c.door.s.limits().CloseWait)
	c.farewell(ctx)
	cancel()
	c.mu.Lock()
	if c.phase >= closing { // the server has closed meanwhile
		c.peerIsDone()
		return
	}
	c.peerDone = true
	c.finishLocked(Close{Code: code, By: ByClient}, nil)
	c.writeOrList()
}

// farewell calls the handler.
func (c *Conn) farewell(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			c.panicked(p)
		}
	}()
	c.door.s.handler.Farewell(ctx, c)
}

// Close is how gws ends after it wrote a close frame; Write has seen to it.
func (w *wire) Close() error { return nil }

func (w *wire) LocalAddr() net.Addr  { return w.nc.LocalAddr() }
func (w *wire) RemoteAddr() net.Addr { return (*Conn)(w).RemoteAddr() }

// Deadlines are the handshake's and the pump's, not gws's.
func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }
