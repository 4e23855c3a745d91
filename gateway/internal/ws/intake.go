package ws

import (
	"errors"
	"time"
)

var errHeaderTooBig = errors.New("ws: request header too big")

// The functions here surround a read from the socket. They are not inlined: the
// frame of wire.Read stays with an idle conn.

// mayRead is the begin of a read from the socket.
//
//go:noinline
func (c *Conn) mayRead() bool {
	r := &c.read
	if r.rate.owes() {
		c.payDebt()
	}
	if r.fault != 0 {
		return false
	}
	r.enter(c.door.s.clock.now())
	return true
}

// taken is the end of a read into r.in.
//
//go:noinline
func (c *Conn) taken(p []byte) (int, error) {
	in := c.read.in
	n, err := c.metered(in.b[:in.w], in.err)
	if n == 0 {
		c.read.drop()
		return 0, err
	}
	in.w = n // the error, if any, comes again
	return c.read.take(p), nil
}

// metered is the end of a read of p from the socket.
//
//go:noinline
func (c *Conn) metered(p []byte, err error) (n int, _ error) {
	if len(p) > 0 {
		n = c.meterIn(p)
	}
	c.read.leave(c.door.s.clock.now())
	if err != nil {
		c.read.lost = true
	} else if n == 0 {
		err = errBroken
	}
	return n, err
}

func (c *Conn) readHeader(p []byte) (int, error) {
	if c.read.header == 0 {
		return 0, errHeaderTooBig
	}
	n, err := c.nc.Read(p[:min(len(p), int(c.read.header))])
	c.read.header -= int32(n)
	c.read.bytes += uint64(n)
	return n, err
}

// meterIn counts p and answers how much of it gws may see.
func (c *Conn) meterIn(p []byte) int {
	r, s := &c.read, c.door.s
	good, frames, ok := r.meter.feed(p, c.deflate)
	if !ok {
		r.fault = codeProtocol
	}
	r.bytes += uint64(good)
	r.frames += uint64(frames)
	c.fl.stats.bytesIn.Add(uint64(good))
	c.fl.stats.framesIn.Add(uint64(frames))
	l := s.limits()
	r.rate.take(l, s.clock.now(), frames, good)
	c.hold(l)
	return good
}

// smallHold is what a half read message may hold uncounted: most messages come
// in one piece, and counting costs.
const smallHold = 4 << 10

// hold counts what gws must hold for a message that is not all there, in the sum
// of all conns.
func (c *Conn) hold(l *Limits) {
	r := &c.read
	now := uint32(min(r.meter.holding(), uint64(l.MaxFrameBytes)))
	if now <= smallHold {
		now = 0
	}
	if now == r.holding {
		return
	}
	sum := c.door.s.inbound.Add(int64(now) - int64(r.holding))
	if now > r.holding && sum > l.InboundSum {
		r.fault = codeTryLater
	}
	r.holding = now
}

// payDebt waits until the conn may be read again. It is not closed meanwhile:
// its liveness clock stands still.
func (c *Conn) payDebt() {
	s := c.door.s
	for {
		l := s.limits()
		c.read.rate.refill(l, s.clock.now())
		debt := c.read.rate.debt(l)
		if debt == 0 {
			return
		}
		c.mu.Lock()
		gone := c.phase == dead
		c.mu.Unlock()
		if gone {
			return
		}
		c.fl.stats.throttled.Add(1)
		time.Sleep(min(max(debt, tick), time.Second))
	}
}
