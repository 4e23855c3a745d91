package link

import (
	"math/rand/v2"

	"github.com/parley-im/parley/proto/faultpoint"
)

// pick chooses between two random workers of a pool the one with fewer conns: nearly
// as even as asking all of them, and a new worker is not flooded.
func (l *Link) pick(pool string) *worker {
	list := l.serving(pool)
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	i := rand.IntN(len(list))
	j := rand.IntN(len(list) - 1)
	if j >= i {
		j++
	}
	if list[j].owned.Load() < list[i].owned.Load() {
		return list[j]
	}
	return list[i]
}

// assign gives an unowned conn to a worker under a new term. Without a worker
// the conn is parked until one attaches. c.mu is held.
func (l *Link) assign(c *conn) bool {
	for {
		w := l.pick(c.pool)
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
	if len(l.serving(c.pool)) > 0 {
		return false
	}
	if !l.alone {
		l.alone = true // until there is one: once in all is enough
		l.log.Warn("no worker attached: events are held and conns are not read on", "path", c.pool)
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
