package ws

import (
	"github.com/parley-im/parley/gateway/internal/frame"
)

// cost is what f takes of the queue's bound. Conn.mu is held: the subprotocol
// and deflate of a conn are settled in its handshake.
func (c *Conn) cost(f *frame.Frame) int {
	return len(c.wire(f)) + frame.Overhead
}

func (c *Conn) wire(f *frame.Frame) []byte {
	return f.Wire(c.subprotocol, c.deflate)
}

// push puts f into the queue, or does what full means. Conn.mu is held.
func (c *Conn) push(f *frame.Frame) bool {
	if c.phase >= closing {
		return false
	}
	cost, bound := c.cost(f), c.door.s.limits().QueueBytes
	for dropped := false; ; dropped = true {
		like := c.q.like(f)
		switch {
		case like != nil && (c.q.n == 1 || c.q.bytes-c.cost(*like)+cost <= bound):
			c.replace(like, f, cost)
			return true
		case like == nil && (c.q.n == 0 || c.q.bytes+cost <= bound):
			c.q.push(f, cost)
			c.charge(cost)
			return true
		case f.Class() == frame.Droppable:
			c.fl.stats.droppedDroppable.Add(1)
			return false
		case dropped:
			c.overflow()
			return false
		}
		c.dropDroppable()
	}
}

// charge adds to what this flusher's conns have queued and wakes the one who
// looks after the sum when it has grown suspiciously.
func (c *Conn) charge(cost int) {
	if c.fl.queued.Add(int64(cost)) > c.fl.alarm.Load() {
		c.door.s.sweep.ask()
	}
}

func (c *Conn) replace(p **frame.Frame, f *frame.Frame, cost int) {
	delta := cost - c.cost(*p)
	*p = f
	c.q.bytes += delta
	c.charge(delta)
	c.fl.stats.merged.Add(1)
}

func (c *Conn) dropDroppable() {
	if c.q.drop == 0 {
		return
	}
	before := c.q.bytes
	n := c.q.keep(func(f *frame.Frame) bool { return f.Class() != frame.Droppable }, c.cost)
	c.fl.queued.Add(int64(c.q.bytes - before))
	c.fl.stats.droppedDroppable.Add(uint64(n))
}

// overflow throws away what waits and closes the conn: after a 4001 the client
//
//	resyncs, so the frames are worth nothing, and without them the close
//
// frame has a chance to leave in time. Conn.mu is held.
func (c *Conn) overflow() {
	before := c.q.bytes
	n := c.q.keep(func(*frame.Frame) bool { return false }, c.cost)
	c.fl.queued.Add(int64(c.q.bytes - before))
	c.fl.stats.droppedMust.Add(uint64(n) + 1)
	c.fl.stats.slowCloses.Add(1)
	c.finishLocked(Close{Code: codeResync, Reason: "slow", By: ByServer}, nil)
}

// mayWrite says whether bytes may leave and nobody is at it. Conn.mu is held.
func (c *Conn) mayWrite() bool {
	return c.opened && !c.writing && c.q.n > 0 && c.phase != dead
}

// list hands the conn to its flusher if there is something to do and nobody is
// at it. Conn.mu is held.
func (c *Conn) list() {
	if c.mayWrite() && !c.listed && !c.hurried {
		c.listed = true
		c.fl.lanes.add(c, false)
	}
}

// hurry is list for a conn whose turn comes before those of the many, even if it
// has one among these already. Conn.mu is held.
func (c *Conn) hurry() {
	if c.mayWrite() && !c.hurried {
		c.hurried = true
		c.fl.lanes.add(c, true)
	}
}

// gather takes from the front of the queue what leaves in one write: a single
// frame as it is, or as many as scratch has room for. What it took stays in the
// queue, untouchable, until wrote says how much has left. Conn.mu is held.
func (c *Conn) gather(scratch []byte) []byte {
	first := c.wire(*c.q.at(0))[c.q.offset:]
	c.q.fixed = 1
	if c.q.n == 1 || len(first) >= cap(scratch) {
		return first
	}
	scratch = append(scratch[:0], first...)
	for c.q.fixed < c.q.n {
		w := c.wire(*c.q.at(c.q.fixed))
		if len(scratch)+len(w) > cap(scratch) {
			break
		}
		scratch = append(scratch, w...)
		c.q.fixed++
	}
	return scratch
}

// tally is what a write achieved.
type tally struct {
	bytes, frames int
	freed         int // of the flusher's sum
}

func (t *tally) add(u tally) {
	t.bytes += u.bytes
	t.frames += u.frames
	t.freed += u.freed
}

// count adds t to the flusher's figures.
func (f *flusher) count(t tally) {
	if t == (tally{}) {
		return
	}
	f.queued.Add(int64(-t.freed))
	f.stats.bytesOut.Add(uint64(t.bytes))
	f.stats.framesOut.Add(uint64(t.frames))
}

// wrote removes n written bytes from the queue. Conn.mu is held; the caller has
// the pen.
func (c *Conn) wrote(n int) tally {
	t := tally{bytes: n}
	c.q.fixed = 0
	for n > 0 {
		w := c.wire(*c.q.at(0))
		left := len(w) - int(c.q.offset)
		if n < left {
			c.q.offset += uint32(n)
			break
		}
		n -= left
		c.q.pop(len(w) + frame.Overhead)
		t.frames++
		t.freed += len(w) + frame.Overhead
	}
	c.bytesOut += uint64(t.bytes)
	c.framesOut += uint64(t.frames)
	return t
}
