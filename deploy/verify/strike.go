package verify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/parley-im/parley/deploy/local/netlab"
)

// play carries out a schedule, each fault at its time, and returns when the last
// one is mended. note hears of every fault as it begins. A fault waits for the one
// before it on the same worker, should that have taken longer than was planned.
func (r *rig) play(ctx context.Context, schedule []Fault, note func(Fault)) error {
	began := time.Now()
	errs := make([]error, len(schedule))
	one := make([]sync.Mutex, len(r.Workers))
	var all sync.WaitGroup
	for i, f := range schedule {
		if !pause(ctx, f.At-time.Since(began)) {
			break
		}
		one[f.Worker].Lock()
		note(f)
		all.Go(func() {
			defer one[f.Worker].Unlock()
			if err := r.strike(ctx, f); err != nil {
				errs[i] = fmt.Errorf("%v: %w", f, err)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// strike does one fault and mends it.
func (r *rig) strike(ctx context.Context, f Fault) error {
	w := r.Workers[f.Worker]
	switch f.Kind {
	case KillFast, KillSlow:
		if err := w.Kill(); err != nil {
			return err
		}
		pause(ctx, f.For)
		return w.Start()
	case Terminate:
		began := time.Now()
		e, err := w.Stop(ctx)
		if err == nil && e.Code != 0 {
			err = fmt.Errorf("ended with %v", e)
		}
		if err != nil {
			return err
		}
		r.drained(time.Since(began))
		return w.Start()
	case FreezeShort, FreezeLong:
		if err := w.Signal(syscall.SIGSTOP); err != nil {
			return err
		}
		pause(ctx, f.For)
		return w.Thaw()
	}
	way := map[Kind]netlab.Way{DeafLong: netlab.In, MuteLong: netlab.Out}[f.Kind]
	if err := r.nodes[f.Worker].Cut(ctx, way, r.LinkPorts()...); err != nil {
		return err
	}
	pause(ctx, f.For)
	return r.nodes[f.Worker].Heal(context.WithoutCancel(ctx))
}

// pause waits, and reports false when ctx ended before.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// drained notes how long a worker took to end after SIGTERM.
func (r *rig) drained(took time.Duration) {
	for {
		longest := r.drain.Load()
		if int64(took) <= longest || r.drain.CompareAndSwap(longest, int64(took)) {
			return
		}
	}
}
