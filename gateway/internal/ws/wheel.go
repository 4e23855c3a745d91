package ws

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	tick       = 100 * time.Millisecond
	wheelSlots = 512 // 51.2 s: who is due later is visited once before
)

// clock is what liveness is measured by: ticks of a goroutine of this process.
// When the process was frozen it does not run on, so that its conns are not
// taken for dead ones. It begins at 1; 0 is free to mean "not set".
type clock struct{ t atomic.Uint32 }

func (c *clock) now() uint32 { return c.t.Load() }

// ticksOf rounds up: nothing ends early.
func ticksOf(d time.Duration) uint32 {
	return uint32((d + tick - 1) / tick)
}

// wheel knows every conn and when to look after it next. It spares a timer per
// conn, and its conns are the server's list of conns.
type wheel struct {
	clock *clock
	mu    sync.Mutex // guards all; taken after Conn.mu
	slots [wheelSlots]*Conn
	len   int
}

// add puts c in, to be visited at tick due.
func (w *wheel) add(c *Conn, due uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.len++
	w.link(c, due)
}

// remove takes c out for good.
func (w *wheel) remove(c *Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.due != 0 {
		w.unlink(c)
		w.len--
	}
}

// sooner has c visited at due if that is before its next visit. A conn whose
// visit is under way, and may be past what has changed, is visited once more.
func (w *wheel) sooner(c *Conn, due uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.clock.now()
	if c.due != 0 && c.due <= now {
		due = now + 1
	} else if c.due <= due {
		return
	}
	w.unlink(c)
	w.link(c, due)
}

// next moves c, which was visited for its turn at was, unless someone has moved
// or removed it meanwhile.
func (w *wheel) next(c *Conn, was, due uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.due == was {
		w.unlink(c)
		w.link(c, due)
	}
}

// dueNow appends the conns whose turn has come at tick now.
func (w *wheel) dueNow(now uint32, visits []visit) []visit {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := w.slots[now%wheelSlots]; c != nil; c = c.next {
		visits = append(visits, visit{c, c.due})
	}
	return visits
}

type visit struct {
	c   *Conn
	due uint32
}

// all appends every conn.
func (w *wheel) all(list []*Conn) []*Conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.slots {
		for ; c != nil; c = c.next {
			list = append(list, c)
		}
	}
	return list
}

// link puts c into the slot of due, or of the furthest tick within the wheel.
func (w *wheel) link(c *Conn, due uint32) {
	now := w.clock.now()
	due = min(max(due, now+1), now+wheelSlots-1)
	c.due = due
	slot := &w.slots[due%wheelSlots]
	c.prev, c.next = nil, *slot
	if c.next != nil {
		c.next.prev = c
	}
	*slot = c
}

func (w *wheel) unlink(c *Conn) {
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		w.slots[c.due%wheelSlots] = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	}
	c.prev, c.next, c.due = nil, nil, 0
}
