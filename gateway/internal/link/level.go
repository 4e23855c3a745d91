package link

import (
	"context"
	"math"
	"time"

	"github.com/parley-im/parley/gateway/internal/hub"
)

// uneven is how far from its share of the conns a worker of a pool may be before idle
// conns move.
const uneven = 0.2

// looksPerRound bounds how many conns a round of levelling looks at, besides an eighth of
// all: where hardly any may move, the search must not cost more than the move is worth.
const looksPerRound = 4096

// levelling is what one pool still wants in a round.
type levelling struct {
	pool  *pool
	most  int             // conns that may still move
	spare map[*worker]int // conns above its share
	room  map[*worker]int // conns below its share
}

// place moves conns to where they belong, as workers come and go, until ctx ends. It has a
// goroutine of its own: a walk over a million conns takes a second, which is nobody's
// silence.
func (l *Link) place(ctx context.Context) {
	tick := time.NewTicker(l.cfg.LevelEvery)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			if percent := l.routing.Load().Rebalance; percent > 0 {
				l.level(now, percent/100*l.cfg.LevelEvery.Seconds())
			}
		case <-l.repooled:
			l.allHome()
		case <-ctx.Done():
			return
		}
	}
}

// level moves idle conns, a few at a time, from workers that have more than their share
// to those that have less, so that a worker that was added takes its share of those that
// are there. A conn with anything under way stays. pace is the part of a pool's conns that
// may move.
func (l *Link) level(now time.Time, pace float64) {
	all := map[string]*levelling{}
	for path, p := range l.pools.Load().of {
		if v := p.levelling(now, pace); v != nil {
			all[path] = v
		}
	}
	looks := max(looksPerRound, l.hub.Len()/8)
	for range hub.ConnShards {
		if len(all) == 0 || looks <= 0 {
			return
		}
		l.hub.EachConnOf(l.levelled, func(h *hub.Conn) bool {
			looks--
			l.shift(h.Out().(*conn), all)
			return len(all) > 0
		})
		l.levelled = (l.levelled + 1) % hub.ConnShards
	}
}

// levelling is what a pool wants, nil if its workers are within bounds. pace is the part
// of its conns that may move in this round, one of them in any case. A pool that goes by
// users is never levelled.
func (p *pool) levelling(now time.Time, pace float64) *levelling {
	if p.byUser || len(p.workers) < 2 {
		return nil
	}
	v := &levelling{pool: p, spare: map[*worker]int{}, room: map[*worker]int{}}
	least, most, conns := p.spread(now, func(w *worker, owned int64, share float64) {
		// Rounded up on both sides: who gives one up never wants it back.
		if n := int(owned) - int(math.Ceil(share)); n > 0 {
			v.spare[w] = n
		} else if n < 0 {
			v.room[w] = -n
		}
	})
	if most <= 1+uneven && least >= 1-uneven {
		return nil
	}
	v.most = max(1, int(float64(conns)*pace))
	for from := range v.spare {
		if v.lightest(from) != nil {
			return v
		}
	}
	return nil // those with room are busier than those without
}

// spread tells how far apart the workers of a pool are: the least and the most that one
// of them has of its share, where 1 is just that; and all their conns. each, if given, is
// called with every worker, its conns and its share of them.
func (p *pool) spread(now time.Time, each func(w *worker, owned int64, share float64)) (least, most float64, conns int64) {
	weights := 0.0
	owned := make([]int64, len(p.workers)) // they change while we look
	for i, w := range p.workers {
		owned[i] = w.owned.Load()
		conns += owned[i]
		weights += w.weight * w.warmth(now, p.slow)
	}
	least, most = 1, 1
	for i, w := range p.workers {
		share := float64(conns) * w.weight * w.warmth(now, p.slow) / weights
		if share > 0 {
			least, most = min(least, float64(owned[i])/share), max(most, float64(owned[i])/share)
		}
		if each != nil {
			each(w, owned[i], share)
		}
	}
	return least, most, conns
}

// lightest is the worker with room that has least to carry, nil if from has less than it.
func (v *levelling) lightest(from *worker) (to *worker) {
	for w, room := range v.room {
		if room > 0 && (to == nil || heavier(to, w)) {
			to = w
		}
	}
	if to == nil || !heavier(from, to) {
		return nil
	}
	return to
}

// shift moves a conn if it is idle and its pool wants it. Its owner hears Revoked, and
// whoever gets it nothing before the conn's next event.
func (l *Link) shift(c *conn, all map[string]*levelling) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, from := all[c.pool], c.owner
	if v == nil || from == nil || v.spare[from] < 1 || c.phase != open || c.holding || len(c.events.list) > 0 {
		return
	}
	to := v.lightest(from)
	if to == nil {
		v.spare[from] = 0
		return
	}
	if !l.take(to) {
		v.room[to] = 0
		return
	}
	from.revoke(c.ID(), c.term+1)
	l.disown(c, Levelled)
	l.entrust(c, to)
	v.spare[from]--
	v.room[to]--
	if v.most--; v.most == 0 {
		delete(all, c.pool)
	}
}

// Spread is the least and the most that a worker has of its share of the conns, over all
// pools; 1 is just its share, as it is when there are no conns or no workers.
func (l *Link) Spread() (least, most float64) {
	least, most = 1, 1
	for _, p := range l.pools.Load().of {
		if p.byUser {
			continue // who has what is not ours to choose
		}
		a, b, _ := p.spread(time.Now(), nil)
		least, most = min(least, a), max(most, b)
	}
	return least, most
}
