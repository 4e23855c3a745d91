package ws

import "sync/atomic"

// scratchBytes is how much leaves a conn in one write. After it the next conn
// has its turn.
const scratchBytes = 64 << 10

// flusher writes what its conns have queued: one non-blocking write per conn and
// turn. Each conn belongs to one flusher for life.
type flusher struct {
	lanes lanes
	_     [64]byte // what senders add to is not what the flusher spins on

	queued atomic.Int64 // cost of all that its conns have queued
	alarm  atomic.Int64 // of queued: beyond it the sum is looked at
	_      [64]byte
	stats  counters

	// The flusher goroutine's own.
	scratch []byte
	w       writer
}

func newFlusher() *flusher {
	f := &flusher{scratch: make([]byte, 0, scratchBytes)}
	f.lanes.init()
	f.w.init()
	return f
}

// run serves until stop.
func (f *flusher) run() {
	var done tally
	writes := 0
	turn := func(c *Conn, soon bool) {
		if t, ok := c.flush(f, soon); ok {
			done.add(t)
			writes++
		}
	}
	for f.lanes.wait() {
		done, writes = tally{}, 0
		f.lanes.round(turn)
		f.count(done)
		f.stats.writes.Add(uint64(writes))
	}
}

func (f *flusher) stop() { f.lanes.stop() }

// flush is a turn of the conn at its flusher, in the lane soon or in the other. It
// says whether it wrote.
func (c *Conn) flush(f *flusher, soon bool) (t tally, wrote bool) {
	c.mu.Lock()
	if soon {
		c.hurried = false
	} else {
		c.listed = false
	}
	if !c.mayWrite() {
		c.mu.Unlock()
		return t, false
	}
	c.writing = true
	if c.raw == nil {
		c.startPump()
		c.mu.Unlock()
		return t, false
	}
	buf := c.gather(f.scratch)
	c.mu.Unlock()

	n, err := f.w.write(c.raw, buf)

	c.mu.Lock()
	t = c.wrote(n)
	c.passPen(n == len(buf), err)
	return t, true
}

// writeNow makes the one write in the caller's goroutine. Conn.mu is held and
// released.
func (c *Conn) writeNow() {
	c.writing = true
	scratch := pumpScratch.Get().(*[]byte)
	buf := c.gather(*scratch)
	c.mu.Unlock()

	w := writers.Get().(*writer)
	n, err := w.write(c.raw, buf)
	writers.Put(w)
	pumpScratch.Put(scratch)
	c.fl.stats.writesInPlace.Add(1)

	c.mu.Lock()
	t := c.wrote(n)
	c.passPen(n == len(buf), err)
	c.fl.count(t)
}

// passPen is what the holder of the pen does after a write: it goes to the pump
// when the socket is full, to the flusher when more has come, else to nobody.
// Conn.mu is held and released.
func (c *Conn) passPen(all bool, err error) {
	switch {
	case c.phase == dead:
		c.writing = false
		c.dropQueue()
		c.mu.Unlock()
	case err != nil:
		c.writing = false
		c.mu.Unlock()
		c.kill(Close{Code: codeLost, By: ByLoss})
	case !all:
		c.startPump()
		c.mu.Unlock()
	case c.q.n > 0:
		c.writing = false
		c.list()
		c.mu.Unlock()
	default:
		c.writing = false
		c.emptied()
	}
}
