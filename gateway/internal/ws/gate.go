package ws

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// gate bounds handshakes: so many at once, so many per second. When all places are
// taken, those who have had one for patience and not said what they want make room:
// silent sockets must not keep out who speaks.
type gate struct {
	mu       sync.Mutex // guards all
	room     sync.Cond  // of mu: a place is free, or a door was shut
	inside   int
	places   int
	lingers  int       // were refused, have left their places and may read why; at most a quarter of places
	silent   list.List // of silence, longest first
	patience time.Duration
	rate     float64 // per second; not positive: no limit
	tokens   float64 // at most a second's worth; below 0: promised to those who wait
	at       time.Time
}

func newGate() *gate {
	g := new(gate)
	g.room.L = &g.mu
	return g
}

// silence is a conn that has a place and not yet said what it wants.
type silence struct {
	c     *Conn
	since time.Time
}

func (g *gate) set(places int, rate float64, patience time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.places, g.patience = places, patience
	if rate != g.rate {
		g.rate, g.tokens, g.at = rate, rate, time.Now()
	}
	g.room.Broadcast()
}

// enter waits for a place, or takes that of the one who has been silent longest. It
// says false when shut was set meanwhile.
func (g *gate) enter(shut *atomic.Bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.inside >= g.places && !shut.Load() {
		evicted, wait := g.evict(time.Now())
		if evicted != nil {
			g.mu.Unlock()
			evicted.kill(Close{})
			g.mu.Lock()
			continue
		}
		later := time.AfterFunc(wait, g.wakeAll)
		g.room.Wait()
		later.Stop()
	}
	if shut.Load() {
		return false
	}
	g.inside++
	return true
}

// evict frees the place of the one who has been silent longest, or says when to look
// again. g.mu is held.
func (g *gate) evict(now time.Time) (*Conn, time.Duration) {
	e := g.silent.Front()
	if e == nil {
		return nil, g.patience
	}
	longest := e.Value.(silence)
	if left := g.patience - now.Sub(longest.since); left > 0 {
		return nil, left
	}
	g.silent.Remove(e)
	longest.c.placed = false
	g.inside--
	return longest.c, 0
}

// listen notes that c is waited for. heard must follow. It returns nil for one that was
// evicted, whose place is no longer there to be taken.
func (g *gate) listen(c *Conn) *list.Element {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !c.placed {
		return nil
	}
	if g.silent.Len() == 0 && g.inside >= g.places {
		g.room.Broadcast() // whoever waits has somebody to look at now
	}
	return g.silent.PushBack(silence{c, time.Now()})
}

// heard says that what listen noted has spoken or gone.
func (g *gate) heard(e *list.Element) {
	if e == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.silent.Remove(e) // does nothing for one that was evicted
}

// leave gives back the place of c, if it still has it.
func (g *gate) leave(c *Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.placed {
		c.placed = false
		g.inside--
		g.room.Broadcast()
	}
}

// linger gives back the place of c, which was refused, and says whether it may stay to
// read why. Then lingered must follow.
func (g *gate) linger(c *Conn) bool {
	g.leave(c)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lingers >= max(g.places/4, 1) { // descriptors: see shares
		return false
	}
	g.lingers++
	return true
}

func (g *gate) lingered() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lingers--
}

func (g *gate) wakeAll() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.room.Broadcast()
}

// maxPace is how long a handshake waits for its turn rather than being refused.
const maxPace = 500 * time.Millisecond

// allow keeps the rate: it waits a little to smooth a burst, or says no.
func (g *gate) allow(ctx context.Context) bool {
	wait, ok := g.take(time.Now())
	if !ok || wait <= 0 {
		return ok
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (g *gate) take(now time.Time) (wait time.Duration, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.rate <= 0 {
		return 0, true
	}
	g.tokens = min(g.tokens+now.Sub(g.at).Seconds()*g.rate, max(g.rate, 1))
	g.at = now
	if g.tokens >= 1 {
		g.tokens--
		return 0, true
	}
	wait = time.Duration((1 - g.tokens) / g.rate * float64(time.Second))
	if wait > maxPace {
		return 0, false
	}
	g.tokens--
	return wait, true
}
