package fakegate

import (
	"time"

	"github.com/parley-im/parley/proto/record"
)

// name is a user or a group.
type name struct {
	group bool
	text  string
}

// interest is which names have conns, and the binds that wait until no worker can
// miss one. Gateway.mu guards it.
type interest struct {
	names   map[name]int // how many conns
	seq     uint64
	waiters []waiter
	held    bool // deltas are kept back: a test looks at what happens meanwhile
	kept    [][]byte
}

type waiter struct {
	mark uint64
	done func()
	over bool
}

// snapshot writes all names to a worker that attaches.
func (i *interest) snapshot(p *peer) {
	p.write(record.AppendSnapshotBegin(nil))
	for n := range i.names {
		b, err := record.AppendDelta(nil, 0, n.group, false, n.text)
		if err != nil {
			panic(err)
		}
		p.write(b)
	}
	p.write(record.AppendSnapshotEnd(nil, i.seq))
	p.acked = i.seq
}

// add counts a conn of a name, and tells the workers of the first.
func (g *Gateway) add(n name) {
	if g.interest.names[n]++; g.interest.names[n] == 1 {
		g.delta(n, false)
	}
}

// remove counts one less, and tells the workers of the last.
func (g *Gateway) remove(n name) {
	if g.interest.names[n]--; g.interest.names[n] == 0 {
		delete(g.interest.names, n)
		g.delta(n, true)
	}
}

func (g *Gateway) delta(n name, removed bool) {
	g.interest.seq++
	b, err := record.AppendDelta(nil, g.interest.seq, n.group, removed, n.text)
	if err != nil {
		panic(err)
	}
	if g.interest.held {
		g.interest.kept = append(g.interest.kept, b)
		return
	}
	for _, p := range g.peers {
		p.write(b)
	}
}

// HoldDeltas keeps deltas back, or lets go of those that were.
func (g *Gateway) HoldDeltas(hold bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.interest.held = hold
	if hold {
		return
	}
	for _, b := range g.interest.kept {
		for _, p := range g.peers {
			p.write(b)
		}
	}
	g.interest.kept = nil
}

// settle calls done once every attached worker has acknowledged all there is, or
// after settleWait. g.mu is held, and is when done is called.
func (g *Gateway) settle(done func()) {
	i := &g.interest
	i.waiters = append(i.waiters, waiter{mark: i.seq, done: done})
	mark := i.seq
	time.AfterFunc(settleWait, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		for n := range i.waiters {
			if i.waiters[n].mark <= mark {
				i.waiters[n].over = true
			}
		}
		i.release(g)
	})
	i.release(g)
}

// release answers whoever need not wait any longer.
func (i *interest) release(g *Gateway) {
	var ready []func()
	kept := i.waiters[:0]
	for _, w := range i.waiters {
		settled := true
		for _, p := range g.peers {
			settled = settled && p.acked >= w.mark
		}
		if w.over || settled {
			ready = append(ready, w.done)
		} else {
			kept = append(kept, w)
		}
	}
	i.waiters = kept
	for _, done := range ready {
		done()
	}
}
