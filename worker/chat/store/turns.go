package store

import (
	"context"
	"sync/atomic"
	"time"
)

// turns lets processes that write to one file of SQLite take turns. SQLite itself does
// not: who waits for its lock sleeps up to a tenth of a second, in which a process with
// much to do takes it many times, and the other one starves. So whoever is refused asks
// again soon, and leaves gaps between its own transactions from then on that are longer
// than that. Whoever never is refused leaves one now and then, to find out.
type turns struct {
	contended atomic.Int64 // when this process was refused last, in ns
	ended     atomic.Int64 // when its last transaction did
	gap       atomic.Int64 // when it last left a gap, or had one by itself
}

// The times of taking turns.
const (
	askAgain = 500 * time.Microsecond
	leaveGap = 3 * askAgain
	probeGap = 100 * time.Millisecond // how often without having been refused
	forget   = time.Second            // a refusal
)

// before waits as long as others are to be let in.
func (t *turns) before(ctx context.Context) {
	now := time.Now().UnixNano()
	rest := t.ended.Load() + int64(leaveGap) - now
	switch {
	case rest <= 0:
		t.gap.Store(now)
	case now-t.contended.Load() < int64(forget), now-t.gap.Load() >= int64(probeGap):
		sleep(ctx, time.Duration(rest))
		t.gap.Store(time.Now().UnixNano())
	}
}

// after notes the end of a transaction.
func (t *turns) after() { t.ended.Store(time.Now().UnixNano()) }

// refused notes that another process writes, and waits; false: ctx has ended.
func (t *turns) refused(ctx context.Context) bool {
	t.contended.Store(time.Now().UnixNano())
	return sleep(ctx, askAgain)
}
