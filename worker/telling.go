package worker

import (
	"context"
	"sync/atomic"

	"github.com/parley-im/parley/worker/internal/link"
)

// telling counts the sends that still have to tell what became of them, for Run, which
// waits for them.
type telling struct {
	open  atomic.Int64
	quiet chan struct{} // capacity 1: open has become 0
}

// begin counts a send. It comes before the look at whether the links have ended, so
// that wait, which is called after they have, misses none that sees them alive.
func (t *telling) begin() { t.open.Add(1) }

// wait returns when everybody was told, or ctx has ended.
func (t *telling) wait(ctx context.Context) error {
	for t.open.Load() > 0 {
		select {
		case <-t.quiet:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (t *telling) over() {
	if t.open.Add(-1) > 0 {
		return
	}
	select {
	case t.quiet <- struct{}{}:
	default:
	}
}

// tellLater leaves the collecting to a goroutine, which lasts until every gateway has
// answered or ctx has ended. The send goes with it: o is empty afterwards.
func (o *outgoing) tellLater(ctx context.Context, w *link.Waiter) {
	later := new(outgoing)
	*later = *o
	if len(o.names) == 1 {
		later.names = later.single[:] // they may lie in o
		later.names[0] = o.names[0]
	}
	*o = outgoing{}
	go func() {
		defer later.worker.telling.over()
		err := later.collect(ctx, w)
		w.Close()
		then, result := later.then, *later.result
		later.owes = false // not yet
		later.release()
		then(result, err)
	}()
}
