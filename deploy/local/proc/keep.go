package proc

import (
	"context"
	"time"
)

// The pause before a process that died is started again doubles from firstPause
// to lastPause; a life of calmLife puts it back.
const (
	firstPause = 200 * time.Millisecond
	lastPause  = 5 * time.Second
	calmLife   = 10 * time.Second
)

// Keep starts the process again whenever it dies, until ctx ends. died is told of
// each death and of the pause that follows; it may end the keeping by an error,
// which Keep returns. born is told when the next life has begun; it may be nil. Keep
// does not stop the process.
func (p *Process) Keep(ctx context.Context, died func(Exit, time.Duration) error, born func()) error {
	pause := firstPause
	for {
		select {
		case <-p.Done():
		case <-ctx.Done():
			return nil
		}
		if ctx.Err() != nil {
			return nil // it was stopped, it did not die
		}
		e, _ := p.Exit()
		if e.After >= calmLife {
			pause = firstPause
		}
		if err := died(e, pause); err != nil {
			return err
		}
		wait := time.NewTimer(pause)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return nil
		}
		pause = min(2*pause, lastPause)
		if err := p.Start(); err != nil {
			return err
		}
		if born != nil {
			born()
		}
	}
}
