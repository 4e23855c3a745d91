package ws

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// breathEvery is after how many turns of the many a flusher offers the processor
// to others, some 0.1 ms of writes: else a blast to thousands keeps a processor
// of the two of a small machine until the runtime takes it away, after 10 ms.
const breathEvery = 16

// lanes are the conns that wait for their turn at a flusher. One that has a frame
// for few (a reply, a message of two people) goes into the lane soon, one that has
// its copy of a blast into many, and soon passes while many is being served. It
// passes no more often than every other turn, so that many moves on, too.
type lanes struct {
	mu         sync.Mutex // guards what follows; taken after Conn.mu
	more       sync.Cond  // of mu: a lane is no longer empty
	many, soon []*Conn    // each conn at most once (Conn.listed, Conn.hurried)
	stopped    bool

	urgent atomic.Bool // soon is not empty; written under mu

	// The flusher goroutine's own.
	batch, ahead []*Conn
}

func (l *lanes) init() { l.more.L = &l.mu }

// add puts c into a lane. Conn.mu is held, and c is marked as being in it.
func (l *lanes) add(c *Conn, soon bool) {
	l.mu.Lock()
	idle := len(l.many) == 0 && len(l.soon) == 0
	if soon {
		l.soon = append(l.soon, c)
		l.urgent.Store(true)
	} else {
		l.many = append(l.many, c)
	}
	l.mu.Unlock()
	if idle {
		l.more.Signal()
	}
}

// wait returns when somebody has a turn; false: it is over.
func (l *lanes) wait() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.many) == 0 && len(l.soon) == 0 && !l.stopped {
		l.more.Wait()
	}
	return !l.stopped
}

// round gives everybody who waits a turn, and those who come into the lane soon
// meanwhile. It takes a lane at once, so that senders meet it at the lock once a
// round and frames gather while a round lasts.
func (l *lanes) round(turn func(c *Conn, soon bool)) {
	l.mu.Lock()
	l.batch, l.many = l.many, l.batch[:0]
	l.mu.Unlock()

	passed := 0
	for i, c := range l.batch {
		switch {
		case passed > 0:
			passed--
		case l.urgent.Load():
			passed = l.pass(turn)
		}
		turn(c, false)
		l.batch[i] = nil
		if i%breathEvery == breathEvery-1 {
			runtime.Gosched()
		}
	}
	if l.urgent.Load() {
		l.pass(turn)
	}
}

// pass serves the lane soon and says how many were in it.
func (l *lanes) pass(turn func(c *Conn, soon bool)) int {
	l.mu.Lock()
	l.ahead, l.soon = l.soon, l.ahead[:0]
	l.urgent.Store(false)
	l.mu.Unlock()
	for i, c := range l.ahead {
		turn(c, true)
		l.ahead[i] = nil
	}
	return len(l.ahead)
}

func (l *lanes) stop() {
	l.mu.Lock()
	l.stopped = true
	l.mu.Unlock()
	l.more.Signal()
}
