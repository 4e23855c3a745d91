package inbox

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// maxIdle is how many goroutines are kept for later. A goroutine that has worked
// before has a stack that is large enough: with new ones a third of the time of a
// short handler went into growing theirs.
const maxIdle = 256

// Crew is the goroutines that work for the boxes of a process.
//
// Seats with work stand in line. Whoever takes one off the line first makes sure
// that another goroutine comes if there are more, so a handler that blocks holds up
// nobody; but only one is on its way at a time, so short handlers are done by few
// goroutines without waking one for each.
type Crew struct {
	timeout atomic.Int64 // nanoseconds; it and most may change at any time
	most    atomic.Int64

	base    context.Context
	end     context.CancelCauseFunc
	working atomic.Int64  // seats with work
	quiet   chan struct{} // capacity 1: working has become 0, or a goroutine has ended
	shut    atomic.Bool   // lone has its turn: no other event begins; written with mu held
	hushed  chan struct{} // capacity 1: what lone waits for may have come
	begins  func(*Box, *Event) (over func())

	mu      sync.Mutex // guards what follows
	line    seats
	lone    *Seat           // the one in line whose next event is to run alone, or that has its turn
	loners  seats           // the others like it
	idle    []chan struct{} // goroutines that wait, the one that worked last at the end
	busy    int             // goroutines that do not
	coming  bool            // one of them has not looked at the line yet
	overdue int             // of busy, those that lone need not wait for: the time of their handlers is over
	lates   int             // how often such were found
	stopped bool
}

// seats is a line of them, the first at its head. A seat stands in one at a time.
type seats struct{ first, last *Seat }

func (q *seats) push(s *Seat) {
	if q.last == nil {
		q.first = s
	} else {
		q.last.behind = s
	}
	q.last = s
}

func (q *seats) pop() *Seat {
	s := q.first
	if s == nil {
		return nil
	}
	q.first, s.behind = s.behind, nil
	if q.first == nil {
		q.last = nil
	}
	return s
}

// NewCrew returns a crew whose handlers have timeout, and live at most until Stop.
// most bounds the handlers that run at once, 0: no bound. With a bound a conn goes
// to the end of the line after each event.
func NewCrew(timeout time.Duration, most int) *Crew {
	c := &Crew{quiet: make(chan struct{}, 1), hushed: make(chan struct{}, 1)}
	c.timeout.Store(int64(timeout))
	c.most.Store(int64(most))
	c.base, c.end = context.WithCancelCause(context.Background())
	return c
}

// SetLimits changes what NewCrew was given. Handlers that run keep the time they have,
// and go on if they are more than most; none begins until they are less.
func (c *Crew) SetLimits(timeout time.Duration, most int) {
	c.timeout.Store(int64(timeout))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.most.Store(int64(most))
	c.rouse()
}

// Timeout is the time that a handler has.
func (c *Crew) Timeout() time.Duration { return time.Duration(c.timeout.Load()) }

// turns reports whether a seat that has done one event goes to the end of the line.
func (c *Crew) turns() bool { return c.most.Load() > 0 || c.shut.Load() }

// Stop ends the context of every handler, present and to come, with cause.
func (c *Crew) Stop(cause error) {
	c.end(cause)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	for _, wake := range c.idle {
		close(wake)
	}
	c.idle = nil
	c.poke()
}

// Working returns how many conns have work that is done or waits to be.
func (c *Crew) Working() int { return int(c.working.Load()) }

// Wait returns when there is no work, and after Stop no goroutine either, or ctx
// has ended. It is meant for when nothing is put into the boxes any more.
func (c *Crew) Wait(ctx context.Context) error {
	for !c.isQuiet() {
		select {
		case <-c.quiet:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (c *Crew) isQuiet() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.working.Load() == 0 && (!c.stopped || c.busy == 0)
}

func (c *Crew) tell() {
	select {
	case c.quiet <- struct{}{}:
	default:
	}
}

// start puts a seat that has become busy into the line.
func (c *Crew) start(s *Seat) {
	c.working.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.line.push(s)
	c.rouse()
}

// full reports whether the goroutines that work, extra apart, are as many as may be, or
// one works alone. c.mu is held.
func (c *Crew) full(extra int) bool {
	if c.shut.Load() {
		return true
	}
	most := int(c.most.Load())
	return most > 0 && c.busy-extra >= most
}

// rouse sends a goroutine to the line if it is not empty and none is coming. c.mu
// is held.
func (c *Crew) rouse() {
	if c.line.first == nil || c.coming || c.full(0) {
		return
	}
	c.coming = true
	c.busy++
	if n := len(c.idle); n > 0 {
		c.idle[n-1] <- struct{}{}
		c.idle = c.idle[:n-1]
		return
	}
	go c.run()
}

// run works off the line, and waits for more, until it is not needed any more.
func (c *Crew) run() {
	var s *Seat // that it works for
	lates := 0  // what c.lates was when it began
	over := false
	defer func() {
		if !over { // a handler has called runtime.Goexit: another goroutine goes on
			c.mu.Lock()
			c.back(lates)
			c.line.push(s)
			c.mu.Unlock()
			go c.run()
		}
	}()
	wake := make(chan struct{}, 1)
	for woken := true; woken; {
		c.mu.Lock()
		c.coming = false
		for !c.full(1) { // without this one
			if s = c.line.pop(); s == nil {
				break
			}
			if s == c.lone {
				lates = math.MaxInt // it keeps its own account
				c.runAlone()
				c.mu.Lock()
				c.line.push(s) // work knows what it has left
				continue
			}
			lates = c.lates
			c.rouse()
			c.mu.Unlock()
			left := s.work()
			if left == nothing && c.working.Add(-1) == 0 {
				c.tell()
			}
			c.mu.Lock()
			c.back(lates)
			switch left {
			case something:
				c.line.push(s)
			case loneEvent:
				c.await(s)
			}
		}
		c.busy--
		if c.shut.Load() {
			c.poke()
		}
		if c.stopped || len(c.idle) >= maxIdle {
			c.mu.Unlock()
			c.tell()
			over = true
			return
		}
		c.idle = append(c.idle, wake)
		c.mu.Unlock()
		_, woken = <-wake
	}
	over = true
}

// back counts a goroutine that has done its work, and began when c.lates was as given, as
// no longer overdue. c.mu is held.
func (c *Crew) back(lates int) {
	if lates < c.lates {
		c.overdue--
	}
}
