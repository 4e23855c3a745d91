package ws

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"time"
)

// pumpBytes is how much a pump offers at once. Small, because many conns may be
// slow at the same time, and each piece has the write deadline to itself.
const pumpBytes = 16 << 10

var pumpScratch = sync.Pool{New: func() any {
	b := make([]byte, 0, pumpBytes)
	return &b
}}

// startPump gives the pen to a goroutine of this conn, which keeps it until the
// queue is empty. Conn.mu is held; the conn is not dead, so its read goroutine
// still counts in door.wg.
func (c *Conn) startPump() {
	c.fl.stats.pumps.Add(1)
	c.door.wg.Go(func() {
		c.fl.stats.pumping.Add(1)
		if c.raw != nil {
			c.pumpSocket()
		} else {
			c.pumpBlocking()
		}
		c.fl.stats.pumping.Add(-1)
	})
}

// pumpSocket writes whenever the poller says that the socket takes bytes again.
// It holds no scratch while it waits: 1,000 stalled conns hold nothing but
// their queues and small stacks.
func (c *Conn) pumpSocket() {
	var failure error
	waiting := 0 // unacknowledged when the socket was found full
	step := func(fd uintptr) bool {
		c.mu.Lock()
		if c.phase == dead || c.q.n == 0 {
			c.mu.Unlock()
			return true
		}
		scratch := pumpScratch.Get().(*[]byte)
		buf := c.gather(*scratch)
		c.mu.Unlock()

		n, err := writeFD(fd, buf)
		pumpScratch.Put(scratch)
		c.fl.stats.writes.Add(1)
		c.pumped(n)
		if errors.Is(err, syscall.EAGAIN) {
			waiting = unackedFD(fd)
			return false
		}
		failure = err
		return true
	}
	for {
		_ = c.nc.SetWriteDeadline(time.Now().Add(c.door.s.limits().WriteTimeout))
		err := c.raw.Write(step)
		if errors.Is(err, os.ErrDeadlineExceeded) && unacked(c.raw) < waiting {
			continue // slow, but not stalled
		}
		if c.pumpDone(errors.Join(err, failure)) {
			return
		}
	}
}

// pumpBlocking is for conns that can only be written with a blocking Write.
func (c *Conn) pumpBlocking() {
	scratch := pumpScratch.Get().(*[]byte)
	defer pumpScratch.Put(scratch)
	slow, _ := socketOf(c.nc).(*patient)
	for {
		c.mu.Lock()
		var buf []byte
		if c.phase != dead && c.q.n > 0 {
			buf = c.gather(*scratch)
			buf = buf[:min(len(buf), pumpBytes)]
		}
		c.mu.Unlock()

		var err error
		if len(buf) > 0 {
			timeout := c.door.s.limits().WriteTimeout
			if slow != nil {
				slow.timeout.Store(int64(timeout))
			}
			_ = c.nc.SetWriteDeadline(time.Now().Add(timeout))
			var n int
			n, err = c.nc.Write(buf)
			c.fl.stats.writes.Add(1)
			c.pumped(n)
		}
		if c.pumpDone(err) {
			return
		}
	}
}

func (c *Conn) pumped(n int) {
	c.mu.Lock()
	t := c.wrote(n)
	c.mu.Unlock()
	c.fl.count(t)
}

// pumpDone gives the pen back when there is nothing more to do.
func (c *Conn) pumpDone(err error) bool {
	if err != nil {
		why := Close{Code: codeLost, By: ByLoss}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			why = Close{Code: codeResync, Reason: "write timeout", By: ByServer}
			c.fl.stats.slowCloses.Add(1)
		}
		c.kill(why)
	}
	c.mu.Lock()
	switch {
	case c.phase == dead:
		c.writing = false
		c.dropQueue()
		c.mu.Unlock()
		return true
	case c.q.n > 0:
		c.mu.Unlock()
		return false
	}
	_ = c.nc.SetWriteDeadline(time.Time{}) // else it would end the flusher's next write
	c.writing = false
	c.emptied()
	return true
}
