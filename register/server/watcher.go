package server

import (
	"time"

	registerv1 "github.com/parley-im/parley/proto/register/v1"
)

// watcher is one watch stream and what waits for it. The Server's lock guards it.
//
// The queue holds one change per member, the latest, so it is as long as there are
// members that changed since the last send. A watcher whose queue is full, or that
// does not read for two leases, is cut: it dials anew and gets a snapshot.
type watcher struct {
	role    string // empty: every role
	queue   map[uint64]change
	order   []uint64      // of queue, by boot
	wake    chan struct{} // one signal: look at the queue now
	cut     chan struct{} // closed when the watcher is cut
	why     string        // it was cut
	sending bool          // since began
	began   time.Duration
}

func newWatcher(role string) *watcher {
	return &watcher{role: role, queue: map[uint64]change{}, wake: make(chan struct{}, 1), cut: make(chan struct{})}
}

func (w *watcher) wants(role string) bool { return w.role == "" || w.role == role }

func (w *watcher) push(c change, limit int) {
	if w.why != "" {
		return
	}
	if _, waits := w.queue[c.boot]; !waits {
		if len(w.queue) >= limit {
			w.cutOff("its queue is full")
			return
		}
		w.order = append(w.order, c.boot)
	}
	w.queue[c.boot] = c
}

// take takes changes out of the queue, the oldest first, until they have bytes or
// more, and says whether some are left.
func (w *watcher) take(bytes int) (some []*registerv1.Change, left bool) {
	n := 0
	for size := 0; n < len(w.order) && (n == 0 || size < bytes); n++ {
		c := w.queue[w.order[n]]
		delete(w.queue, c.boot)
		some = append(some, c.message)
		size += c.size
	}
	w.order = w.order[n:]
	if len(w.order) == 0 {
		w.order = nil // not a slice that walks through memory
	}
	return some, w.order != nil
}

// rouse has the queue sent now instead of with the next beat.
func (w *watcher) rouse() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// cutOff ends the watch; the queue is given up.
func (w *watcher) cutOff(why string) {
	if w.why != "" {
		return
	}
	w.why = why
	w.queue, w.order = nil, nil
	close(w.cut)
}

func (w *watcher) startSending(now time.Duration) { w.sending, w.began = true, now }
func (w *watcher) doneSending()                   { w.sending = false }

// stuck says whether a send has taken longer than most.
func (w *watcher) stuck(now, most time.Duration) bool { return w.sending && now-w.began > most }

// pardon counts a send from now on: the time before was not the watcher's.
func (w *watcher) pardon(now time.Duration) { w.began = now }
