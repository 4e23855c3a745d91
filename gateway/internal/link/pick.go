package link

import (
	"math/rand/v2"

	"github.com/parley-im/parley/proto/faultpoint"
)

// serving are the workers that may be given conns: attached, their snapshot
// written, serving events, not draining. The slice is replaced, never changed.
func (l *Link) serving() []*worker {
	if p := l.pool.Load(); p != nil {
		return *p
	}
	return nil
}

// pick chooses between two random workers the one with fewer conns: nearly as
// even as asking all of them, and a new worker is not flooded.
func (l *Link) pick() *worker {
	pool := l.serving()
	switch len(pool) {
	case 0:
		return nil
	case 1:
		return pool[0]
	}
	i := rand.IntN(len(pool))
	j := rand.IntN(len(pool) - 1)
	if j >= i {
		j++
	}
	if pool[j].owned.Load() < pool[i].owned.Load() {
		return pool[j]
	}
	return pool[i]
}

// publish recomputes the pool. l.mu is held.
func (l *Link) publish() {
	pool := make([]*worker, 0, len(l.workers))
	for w := range l.workers {
		if w.attach.GetServesEvents() && w.employed && !w.draining.Load() && !w.gone.Load() {
			pool = append(pool, w)
		}
	}
	l.pool.Store(&pool)
	l.alone = l.alone && len(pool) == 0
}

// assign gives an unowned conn to a worker under a new term. Without a worker
// the conn is parked until one attaches. c.mu is held.
func (l *Link) assign(c *conn) bool {
	for {
		w := l.pick()
		if w == nil {
			if !l.park(c) {
				continue // one attached in this moment
			}
			return false
		}
		w.owned.Add(1)
		if w.draining.Load() || w.gone.Load() {
			l.unown(w) // it leaves the pool in this moment
			continue
		}
		c.owner, c.knows = w, 0
		c.term++
		if c.term > 1 {
			l.stats.Moves.Add(1)
			faultpoint.Hit(faultpoint.GatewayMoving)
		}
		return true
	}
}

// unown lowers the worker's count; a draining one hears when it reaches zero.
func (l *Link) unown(w *worker) {
	if w.owned.Add(-1) == 0 && w.draining.Load() {
		w.tellDrained()
	}
}

// park remembers a conn that has events and no worker. It reports false, and
// does nothing, if there is a worker after all. c.mu is held.
func (l *Link) park(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.serving()) > 0 {
		return false
	}
	if !l.alone {
		l.alone = true // until there is one: once in all is enough
		l.log.Warn("no worker attached: events are held and conns are not read on")
	}
	l.parked[c] = struct{}{}
	return true
}

// unpark lets every parked conn find a worker.
func (l *Link) unpark() {
	l.mu.Lock()
	parked := l.parked
	l.parked = map[*conn]struct{}{}
	l.mu.Unlock()
	for c := range parked {
		c.mu.Lock()
		l.pump(c)
		c.mu.Unlock()
	}
}
