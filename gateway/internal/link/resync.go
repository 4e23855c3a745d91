package link

import (
	"time"

	"github.com/parley-im/parley/gateway/internal/frame"
	"github.com/parley-im/parley/gateway/internal/hub"
)

// How a resync goes out: a worker that is back within resyncPatience resends
// what it had not seen acknowledged, so nothing was lost, unless it says that it
// passed us over. The frame is spread over resyncSpread, so that the clients do not
// all ask at once.
const (
	resyncPatience = 2 * time.Second
	resyncSpread   = 10 * time.Second
	resyncSlices   = 100
)

// resync is guarded by Link.mu.
type resync struct {
	running bool
	next    *frame.Frame // to go out when the round that runs is over: a worker was lost after it began
}

// resyncLater tells this gateway's conns that something may be missing, if the
// worker that was lost asked for that and does not come back.
func (l *Link) resyncLater(w *worker) {
	if len(w.attach.GetResync()) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.life.Err() != nil {
		return
	}
	l.goes.Go(func() {
		if l.pause(resyncPatience) && !w.session.attached() {
			l.resyncFor(w)
		}
	})
}

// resyncMissed tells this gateway's conns the same at once if w, which has attached
// now, passed them over meanwhile. A gateway that has no conns yet is just new to it.
func (l *Link) resyncMissed(w *worker) {
	if !w.attach.GetMissed() || len(w.attach.GetResync()) == 0 || l.hub.Len() == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.life.Err() == nil {
		l.goes.Go(func() { l.resyncFor(w) })
	}
}

// resyncFor sends the resync frame of w, now or in the next round.
func (l *Link) resyncFor(w *worker) {
	f, err := l.frames(frame.Text, w.attach.GetResync(), frame.Must, "")
	if err != nil {
		l.log.Warn("resync frame of a worker is no text frame", "peer", w.peer.Node, "err", err)
		return
	}
	if l.mayResync(f) {
		l.resyncAll(f)
	}
}

// mayResync reports whether the caller is to send f. Otherwise whoever is at it
// sends it in a round behind its own.
func (l *Link) mayResync(f *frame.Frame) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.resync.running {
		l.resync.next = f
		return false
	}
	l.resync.running = true
	return true
}

// resyncAll sends f to every conn, and what was asked for meanwhile. One round
// covers all workers that were lost before it began.
func (l *Link) resyncAll(f *frame.Frame) {
	for f != nil && l.resyncRound(f) {
		l.mu.Lock()
		f, l.resync.next = l.resync.next, nil
		l.resync.running = f != nil
		l.mu.Unlock()
	}
}

// resyncRound reports false when the gateway ended meanwhile.
func (l *Link) resyncRound(f *frame.Frame) bool {
	l.stats.Resyncs.Add(1)
	for slice := range uint64(resyncSlices) {
		l.hub.EachConn(func(c *hub.Conn) bool {
			if c.ID()%resyncSlices == slice {
				c.Out().Deliver(f, false)
			}
			return true
		})
		if !l.pause(resyncSpread / resyncSlices) {
			return false
		}
	}
	return true
}

// pause waits for d, and reports false if the gateway ended meanwhile.
func (l *Link) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.life.Done():
		return false
	}
}
