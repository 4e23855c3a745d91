package link

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/parley-im/parley/proto/faultpoint"
)

// pick chooses a worker for a conn: the one of its user where the pool goes by that, else
// the lighter of two. nil: the pool has none. c.mu is held.
func (l *Link) pick(c *conn) *worker {
	p := l.pool(c.pool)
	if p == nil {
		return nil
	}
	if p.byUser {
		if user := c.boundTo(); user != "" {
			l.stats.Picks[PickedByUser].Add(1)
			return p.home(user)
		}
	}
	p = l.fresh(c, p)
	if len(p.workers) == 1 {
		l.stats.Picks[PickedAlone].Add(1)
		return p.workers[0]
	}
	l.stats.Picks[PickedByLoad].Add(1)
	return p.choose(time.Now(), rand.Float64)
}

// fresh is the part of a pool that may have a conn whose oldest event is at its last try:
// workers that can run it alone, and on another node than those it has cost so far. If
// there are none, it is all of the pool. c.mu is held.
func (l *Link) fresh(c *conn, p *pool) *pool {
	if len(c.events.list) == 0 || !l.atLastTry(&c.events.list[0]) {
		return p
	}
	t := l.trials.begin(c)
	for _, good := range []func(w *worker) bool{
		func(w *worker) bool {
			return w.secludes && !slices.ContainsFunc(t.deaths, func(d death) bool { return d.node == w.peer.Node })
		},
		func(w *worker) bool { return w.secludes },
	} {
		some := &pool{slow: p.slow}
		for _, w := range p.workers {
			if good(w) {
				some.workers = append(some.workers, w)
			}
		}
		if len(some.workers) > 0 {
			return some
		}
	}
	return p
}

// assign gives an unowned conn to a worker under a new term. Without a worker
// the conn is parked until one attaches. c.mu is held.
func (l *Link) assign(c *conn) bool {
	for {
		w := l.pick(c)
		if w == nil {
			if !l.park(c) {
				continue // one attached in this moment
			}
			return false
		}
		if !l.take(w) {
			continue // it leaves the pool in this moment
		}
		l.entrust(c, w)
		return true
	}
}

// take counts a conn as the worker's, unless the worker is on its way out.
func (l *Link) take(w *worker) bool {
	w.owned.Add(1)
	if w.draining.Load() || w.gone.Load() {
		l.unown(w)
		return false
	}
	return true
}

// entrust makes w, which was taken, the owner of an unowned conn under a new term.
// c.mu is held.
func (l *Link) entrust(c *conn, w *worker) {
	c.owner, c.knows = w, 0
	c.term++
	if c.term > 1 {
		l.stats.Moves[c.why].Add(1)
		faultpoint.Hit(faultpoint.GatewayMoving)
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
	if l.pool(c.pool) != nil {
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
