package link

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/parley-im/parley/worker/internal/inbox"
)

// What a log answers when it takes nothing. Callers branch on them.
var (
	// ErrFull: more is retained than the bound allows.
	ErrFull = errors.New("too much is waiting for this gateway")
	// ErrGone: the gateway has left the cluster.
	ErrGone = errors.New("the gateway has left the cluster")
	// ErrAway: there has been no stream for awayAfter. What was queued stays so.
	ErrAway = errors.New("the link to the gateway is down")
	// ErrStopped: this process ends.
	ErrStopped = inbox.ErrStopped
	// ErrDetached: there is no stream, and what was to be sent means nothing on
	// another.
	ErrDetached = errors.New("the link is down")
	// ErrUnable: the gateway is of a version that cannot do it, and was not asked.
	ErrUnable = errors.New("the gateway is too old to do that")
)

// chunkBytes is how much a chunk holds: about 500 commands of 100 bytes. It is
// also the most that one message on the stream carries, where more than 64
// records bring little.
const chunkBytes = 64 << 10

// chunk is a piece of the log. Its memory is only ever appended to, so what has
// been given to gRPC, or to someone who awaits a result, stays as it is.
type chunk struct {
	buf  []byte
	sent int    // bytes of it that the stream has been given
	last uint64 // highest number in it, 0: none
}

// outlog is the ordered log of what goes to one gateway. Any goroutine appends.
type outlog struct {
	owner *Gateway

	mu       sync.Mutex
	bound    int // bytes
	chunks   []*chunk
	unsent   int // index of the first chunk that has something to send
	held     int // bytes in chunks
	next     uint64
	applied  uint64
	live     bool               // a stream is attached
	ended    error              // why nothing is taken any more, nil while it is: ErrGone or ErrStopped
	away     bool               // there has been no stream for so long that nobody should wait for an answer
	waiting  map[uint64]waiting // results owed, by number
	fickle   []uint64           // numbers that are not to be sent on another stream, rising
	met      bool               // there has been a stream, so features says what the gateway can do
	features []string           // of its boot: they never change
	needs    map[uint64]string  // until met: the feature that a number in the log needs
	wake     chan struct{}      // capacity 1: there is something to send
	settling int                // who waits in settle
	freed    chan struct{}      // closed and replaced when there may be room, or the state changed
}

func newOutlog(owner *Gateway, bound int) *outlog {
	return &outlog{
		owner:   owner,
		bound:   bound,
		next:    1,
		waiting: make(map[uint64]waiting),
		needs:   make(map[uint64]string),
		wake:    make(chan struct{}, 1),
		freed:   make(chan struct{}),
	}
}

// appended notes n new bytes at the end of the log. mu is held.
func (l *outlog) appended(n int) {
	l.held += n
	if l.live {
		l.signal()
	}
}

func (l *outlog) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// waitFreed lets go of mu until something has changed. mu is held before and
// after.
func (l *outlog) waitFreed(ctx context.Context) error {
	freed := l.freed
	l.mu.Unlock()
	defer l.mu.Lock()
	select {
	case <-freed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// changed wakes whoever waits for room or a state. mu is held.
func (l *outlog) changed() {
	close(l.freed)
	l.freed = make(chan struct{})
}

// take returns the next bytes to send, nil when there are none. They are whole
// records and stay as they are.
func (l *outlog) take() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.unsent < len(l.chunks) {
		c := l.chunks[l.unsent]
		if c.sent < len(c.buf) {
			b := c.buf[c.sent:len(c.buf):len(c.buf)]
			c.sent = len(c.buf)
			return b
		}
		if l.unsent == len(l.chunks)-1 {
			break
		}
		l.unsent++
		l.trim() // not only when all is sent: under load that never is so
	}
	l.trim()
	if l.settling > 0 {
		l.changed() // the last record has left: settle may wait for exactly this
	}
	return nil
}

// trim drops the chunks that are sent and applied. One that has room is kept to
// be filled, unless the log is full. mu is held.
func (l *outlog) trim() {
	n := 0
	for ; n < len(l.chunks); n++ {
		c := l.chunks[n]
		if c.sent < len(c.buf) || c.last > l.applied {
			break
		}
		if n == len(l.chunks)-1 && len(c.buf) < chunkBytes/2 && l.held < l.bound {
			break
		}
		l.held -= len(c.buf)
	}
	if n == 0 {
		return
	}
	l.chunks = slices.Delete(l.chunks, 0, n)
	l.unsent = max(0, l.unsent-n)
	l.changed()
}

// flushed reports whether everything is sent and every command applied. mu is held.
func (l *outlog) flushed() bool {
	if l.applied < l.next-1 {
		return false
	}
	for _, c := range l.chunks[min(l.unsent, len(l.chunks)):] {
		if l.live && c.sent < len(c.buf) {
			return false
		}
	}
	return true
}

// apply notes that the gateway has applied all numbers up to n.
func (l *outlog) apply(n uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n <= l.applied {
		return
	}
	l.applied = min(n, l.next-1)
	for len(l.fickle) > 0 && l.fickle[0] <= l.applied {
		l.fickle = l.fickle[1:]
	}
	l.trim()
	if l.applied == l.next-1 {
		l.changed() // settle may wait for exactly this
	}
}
