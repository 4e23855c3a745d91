package inbox

import (
	"sync"
	"time"
)

// grace is what a handler has beyond its time to heed the end of its context, before an
// event that runs alone counts as done, or waits for others no longer.
const grace = time.Second

// Announce makes the crew call begins before an event that runs alone is handled, when no
// other handler runs any more, and what begins returns before others may run again. begins
// may wait a moment, so that those who must know have heard of it, and must not keep the
// event. Announce is to be called
// before the first event.
func (c *Crew) Announce(begins func(*Box, *Event) (over func())) { c.begins = begins }

// await puts a seat whose next event is to run alone into the line, or behind those that
// wait for the same: only one of them is in the line, so that those who stood in it when
// the last one was done come first. c.mu is held.
func (c *Crew) await(s *Seat) {
	if c.lone != nil {
		c.loners.push(s)
		return
	}
	c.lone = s
	c.line.push(s)
}

// runAlone lets c.lone, which was popped, have its event while nothing else runs. It is
// called with c.mu held and lets go of it.
func (c *Crew) runAlone() {
	s := c.lone
	c.shut.Store(true)
	open, late := false, false // guarded by c.mu
	reopen := func() {
		if open {
			return
		}
		open = true
		c.shut.Store(false)
		if c.lone = c.loners.pop(); c.lone != nil {
			c.line.push(c.lone)
		}
		c.rouse()
	}
	wanted := c.hush(s)
	c.mu.Unlock()
	defer func() { // also when the handler ends its goroutine
		c.mu.Lock()
		defer c.mu.Unlock()
		reopen()
		if late {
			c.overdue--
		}
	}()
	var it *item
	if wanted {
		it = s.takeAlone()
	}
	if it == nil {
		return
	}
	over := func() {}
	if c.begins != nil {
		over = sync.OnceFunc(c.begins(s.box, &it.Event))
	}
	defer over()
	end := time.AfterFunc(c.Timeout()+grace, func() {
		over()
		c.mu.Lock()
		defer c.mu.Unlock()
		if !open {
			late = true
			c.overdue++
			reopen()
		}
	})
	defer end.Stop()
	s.do(it)
}

// hush waits until no handler runs but those whose time is over, and reports whether the
// event that is to run alone is still wanted. c.mu is held before and after, not meanwhile.
func (c *Crew) hush(s *Seat) (wanted bool) {
	late := time.NewTimer(c.Timeout() + grace)
	defer late.Stop()
	for c.busy > 1+c.overdue && !c.stopped {
		c.mu.Unlock()
		over := false
		if wanted = s.wantsAlone(); wanted {
			select {
			case <-c.hushed:
			case <-late.C:
				over = true
			}
		}
		c.mu.Lock()
		if !wanted {
			return false
		}
		if over { // who runs now began before: his time is over, and nobody knows for how long he will
			c.overdue = c.busy - 1
			c.lates++
		}
	}
	return true
}

// poke makes hush look again.
func (c *Crew) poke() {
	select {
	case c.hushed <- struct{}{}:
	default:
	}
}
