package inbox

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/proto/record"
)

// Seat is the place of one conn. Its exported part is for whoever works on an
// event, on the seat's goroutine.
type Seat struct {
	// State is what that one keeps of the conn from event to event. It is nil at
	// the first event of a term.
	State any
	// Asking counts the commands that may change what State says and are not answered;
	// Doubt is set when such a one has ended and State may be wrong. Any goroutine may.
	Asking atomic.Int32
	Doubt  atomic.Bool

	box    *Box
	conn   uint64
	behind *Seat // in the crew's line; Crew.mu guards it

	mu      sync.Mutex
	term    uint32
	round   uint32 // rises when what was under way is void
	queue   queue
	events  int       // given in this round and not done with; Context does not count
	bytes   int       // of those
	busy    bool      // it has a goroutine, or stands in line for one
	handler *Ctx      // of the handler that runs
	void    bool      // the link has ended: nothing of this term can be acknowledged
	stale   bool      // State is of an older round: drop it before the next event
	gone    bool      // leave the box when there is nothing to do
	forgot  time.Time // when Forget was called, if nothing has come since
}

// put queues e, or ignores it when its term is over. s.mu is held.
func (s *Seat) put(e *Event) error {
	if e.Term < s.term && !s.void {
		s.box.stats.Old.Add(1)
		return nil
	}
	if e.Term != s.term || s.void {
		s.interrupt(ErrMoved)
		s.term, s.void, s.stale = e.Term, false, true
	}
	s.gone, s.forgot = false, time.Time{}
	if e.Kind != record.KindContext {
		if e.Kind == record.KindMessage && (s.events >= MaxEvents || s.bytes >= MaxBytes) {
			return ErrCredits
		}
		s.events++
		s.bytes += len(e.Body)
		e.counted = true
	}
	s.push(e)
	return nil
}

// discount takes e off what is not done. s.mu is held.
func (s *Seat) discount(e *Event) {
	if e.counted && e.round == s.round {
		s.events--
		s.bytes -= len(e.Body)
	}
	e.counted = false
}

// push gives s an event and, unless it has one, a goroutine. s.mu is held.
func (s *Seat) push(e *Event) {
	e.round = s.round
	s.queue.push(keep(e))
	if !s.busy {
		s.busy = true
		s.box.crew.start(s)
	}
}

// interrupt cancels the handler that runs with cause and drops what waits. s.mu is
// held.
func (s *Seat) interrupt(cause error) {
	if s.handler != nil {
		s.handler.cancel(cause)
	}
	for it := s.queue.pop(); it != nil; it = s.queue.pop() {
		it.drop()
	}
	if s.box.crew.shut.Load() {
		s.box.crew.poke() // it may be this one that all others wait for
	}
	s.round++
	s.events, s.bytes = 0, 0
}

// left is what a seat still has to do when work returns.
type left uint8

const (
	nothing   left = iota
	something      // it goes to the end of the line
	loneEvent      // it waits until its next event may run alone
)

// work runs the events of s until there is none, where seats take turns until one is
// done, or until the next one is to run alone.
func (s *Seat) work() left {
	for {
		it, lone := s.take()
		if lone {
			return loneEvent
		}
		if it == nil {
			return nothing
		}
		if s.do(it) && s.box.crew.turns() {
			return something
		}
	}
}

// do works on one event, and tidies up even if that ends the goroutine.
func (s *Seat) do(it *item) (more bool) {
	defer func() {
		s.mu.Lock()
		s.discount(&it.Event) // unless End has
		more = s.queue.first != nil
		s.mu.Unlock()
		it.drop()
	}()
	s.box.work(s, &it.Event)
	return
}

// take returns the next event, unless that is lone: to run alone. nil: there is none, the
// goroutine has to end, and s may have left the box.
func (s *Seat) take() (it *item, lone bool) {
	s.mu.Lock()
	if s.queue.first == nil && s.gone {
		// Box.mu comes before s.mu: let go, and look again with both.
		s.mu.Unlock()
		s.box.mu.Lock()
		defer s.box.mu.Unlock()
		s.mu.Lock()
		if s.queue.first == nil && s.gone {
			s.box.remove(s)
		}
	}
	defer s.mu.Unlock()
	if s.queue.first != nil && s.queue.first.Alone {
		return nil, true
	}
	return s.next(), false
}

// takeAlone returns the next event if it is one to run alone.
func (s *Seat) takeAlone() *item {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queue.first == nil || !s.queue.first.Alone {
		return nil // it has moved
	}
	return s.next()
}

// wantsAlone reports whether the next event is one to run alone.
func (s *Seat) wantsAlone() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queue.first != nil && s.queue.first.Alone
}

// next takes the next event, nil if there is none. s.mu is held.
func (s *Seat) next() *item {
	it := s.queue.pop()
	if it == nil {
		s.busy = false
	} else if s.stale {
		s.stale, s.State = false, nil
	}
	return it
}

// Begin makes ctx the context of the handler of e. It reports false, and the
// handler must not run, when the conn has moved since e came.
func (s *Seat) Begin(ctx *Ctx, e *Event) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !e.Lost && (e.Term != s.term || s.void) {
		return false
	}
	ctx.begin(s.box.crew.base, time.Now().Add(s.box.crew.Timeout()), e.Trace)
	s.handler = ctx
	return true
}

// Limit shortens the time of a handler that has begun.
func (s *Seat) Limit(ctx *Ctx, d time.Duration) {
	if at := time.Now().Add(d); at.Before(ctx.deadline) {
		ctx.deadline = at
	}
}

// End ends ctx after the handler has returned. It reports whether the conn is
// still this worker's: if not, nothing may be acknowledged any more. It comes before
// the acknowledgement, which allows the gateway to give more.
func (s *Seat) End(ctx *Ctx, e *Event) (ours bool) {
	s.mu.Lock()
	s.handler = nil
	s.discount(e)
	ours = e.Term == s.term && !s.void
	s.mu.Unlock()
	ctx.cancel(context.Canceled)
	return ours
}

// Holds reports whether term is still this worker's, as far as it knows. It may
// be asked from any goroutine.
func (s *Seat) Holds(term uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.term == term && !s.void
}

// Idle reports whether nothing waits behind the event that is worked on.
func (s *Seat) Idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queue.first == nil
}

// Leave lets go of the conn once the work on its event has returned: it has ended.
func (s *Seat) Leave() {
	s.mu.Lock()
	if s.queue.first == nil {
		s.gone = true
	}
	s.mu.Unlock()
}

// Forget lets go of the conn in a while, unless something comes before. The gateway
// was told that its next event needs a Context; until it has heard that, events may
// be on their way that have none.
func (s *Seat) Forget() {
	now := time.Now()
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.mu.Lock()
	s.forgot = now
	s.mu.Unlock()
	s.box.forgotten = append(s.box.forgotten, forgotten{s, now})
	s.box.sweep(now)
}
