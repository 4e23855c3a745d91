package link

import (
	"math"
	"sync"
	"time"
)

// The lease on routes. A worker trusts what it knows of this gateway's users and
// groups for routeLease from the moment it sent the beat that was granted; the
// gateway counts settleWait from a later moment, and longer, so that its view of
// the lease always ends after the worker's.
const (
	routeLease = 800 * time.Millisecond
	settleWait = time.Second
)

// interest answers one question: from when on can no worker miss a route?
//
// A delta reaches every attached worker in stream order. A worker that has
// acknowledged it knows the route. One that has not may still trust its old
// table, but only until its lease ends, and each lease it can hold was granted
// before the delta or stands behind it in the stream; so settleWait after the
// delta nobody can miss it. Whoever left without saying goodbye held a lease
// too: the fence stands until that has ended. A worker in the middle of its
// snapshot trusts nothing yet and need not be waited for.
type interest struct {
	mu      sync.Mutex
	workers map[*worker]*known
	low     uint64   // every worker in step has acknowledged this much
	waiters []waiter // in the order of their deadlines
	fence   time.Time
	timer   *time.Timer // fires when somebody may be released by time alone
	stopped bool
}

// known is how far a worker's table is.
type known struct {
	acked  uint64
	inStep bool // the end of the snapshot is written: it may trust its table
}

// waiter is a bind or join whose answer is owed.
type waiter struct {
	mark     uint64 // of the delta that everybody must know
	deadline time.Time
	done     func() // called without locks of this package's interest held
}

func newInterest() *interest {
	return &interest{workers: map[*worker]*known{}, low: math.MaxUint64}
}

// settle calls done as soon as no worker can miss the delta of that number: at
// once, when an acknowledgement comes, or after settleWait. Number 0 is no delta
// and waits for nobody. It does not block.
func (i *interest) settle(mark uint64, done func()) {
	i.mu.Lock()
	now := time.Now()
	if mark == 0 || i.stopped || i.settled(mark, now) {
		i.mu.Unlock()
		done()
		return
	}
	i.waiters = append(i.waiters, waiter{mark, now.Add(settleWait), done})
	if len(i.waiters) == 1 {
		i.arm(now)
	}
	i.mu.Unlock()
}

// settled wants mu.
func (i *interest) settled(mark uint64, now time.Time) bool {
	return mark <= i.low && !now.Before(i.fence)
}

// attach begins to count a worker, which trusts nothing before inStep.
func (i *interest) attach(w *worker) {
	i.mu.Lock()
	i.workers[w] = &known{}
	i.mu.Unlock()
}

// inStep says that the end of the snapshot of w is about to be written, and that
// all deltas up to seq stand before it. From here on w is waited for: it comes
// first, since a lease may be granted right behind the end of the snapshot and
// before the next delta.
func (i *interest) inStep(w *worker, seq uint64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if k := i.workers[w]; k != nil {
		k.inStep = true
		k.acked = max(k.acked, seq)
		i.findLow()
	}
}

// acked notes that w knows all deltas up to seq.
func (i *interest) acked(w *worker, seq uint64) {
	i.mu.Lock()
	k := i.workers[w]
	if k == nil || seq <= k.acked {
		i.mu.Unlock()
		return
	}
	k.acked = seq
	before := i.low
	i.findLow()
	if i.low == before {
		i.mu.Unlock() // somebody else is further behind
		return
	}
	i.release(time.Now())
}

// detach forgets w. If it did not say goodbye, binds are answered only when the
// last lease it can hold has ended.
func (i *interest) detach(w *worker, clean bool) {
	i.mu.Lock()
	now := time.Now()
	if i.workers[w] != nil {
		delete(i.workers, w)
		i.findLow()
		if !clean {
			i.fence = now.Add(settleWait)
		}
	}
	i.release(now)
}

// findLow wants mu.
func (i *interest) findLow() {
	i.low = math.MaxUint64
	for _, k := range i.workers {
		if k.inStep {
			i.low = min(i.low, k.acked)
		}
	}
}

// stop releases everybody: the gateway ends.
func (i *interest) stop() {
	i.mu.Lock()
	i.stopped = true
	if i.timer != nil {
		i.timer.Stop()
	}
	i.release(time.Now())
}

// release answers whoever need not wait any longer, and unlocks mu.
func (i *interest) release(now time.Time) {
	var ready []func()
	kept := i.waiters[:0]
	for _, w := range i.waiters {
		if i.stopped || !now.Before(w.deadline) || i.settled(w.mark, now) {
			ready = append(ready, w.done)
		} else {
			kept = append(kept, w)
		}
	}
	clear(i.waiters[len(kept):])
	i.waiters = kept
	if len(kept) > 0 {
		i.arm(now)
	}
	i.mu.Unlock()
	for _, done := range ready {
		done()
	}
}

// arm sets the timer to the next moment at which somebody may be released by
// time alone. mu is held.
func (i *interest) arm(now time.Time) {
	next := i.waiters[0].deadline
	if i.fence.After(now) && i.fence.Before(next) {
		next = i.fence
	}
	if i.timer != nil {
		i.timer.Reset(next.Sub(now))
		return
	}
	i.timer = time.AfterFunc(next.Sub(now), func() {
		i.mu.Lock()
		i.release(time.Now())
	})
}
