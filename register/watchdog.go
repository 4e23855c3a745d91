package register

import (
	"context"
	"time"
)

// watchdog ends a session whose register says nothing for a lease: one that hangs,
// or one behind a connection that is dead without knowing it. TCP would need minutes.
type watchdog struct {
	timer *time.Timer
	after time.Duration
}

func newWatchdog(after time.Duration, cancel context.CancelCauseFunc) *watchdog {
	return &watchdog{timer: time.AfterFunc(after, func() { cancel(errSilent) }), after: after}
}

func (w *watchdog) heard() { w.timer.Reset(w.after) }
func (w *watchdog) stop()  { w.timer.Stop() }

// setLease makes the deadline that of the register.
func (w *watchdog) setLease(ms uint32) {
	if ms > 0 {
		w.after = time.Duration(ms) * time.Millisecond
	}
	w.heard()
}
