package store

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// serverLanes is how many transactions of sends a process has under way in a server: while
// one waits for the answer to a statement, the other prepares its own. A third gains
// nothing. SQLite has one writer, and so one lane.
const serverLanes = 2

// lanes are the queues of the sends, each with the goroutine that stores what is in
// it. A conversation has one lane, so the order of its sends is that of the queue.
type lanes []*lane

// laneSeed spreads conversations over lanes; it may differ between processes.
var laneSeed = maphash.MakeSeed()

// startLanes starts n lanes that store with the function given; stop ends them.
func startLanes(n int, store func([]*send)) lanes {
	all := make(lanes, n)
	for i := range all {
		l := &lane{bound: maxWaiting / n, wake: make(chan struct{}, 1), ended: make(chan struct{})}
		all[i] = l
		go l.run(store)
	}
	return all
}

// of returns the lane of a conversation.
func (all lanes) of(id chat.ConversationID) *lane {
	if len(all) == 1 {
		return all[0]
	}
	return all[maphash.String(laneSeed, string(id))%uint64(len(all))]
}

// stop takes no more sends, answers those that wait with Unavailable, and returns when
// the transactions under way and the goroutines have ended.
func (all lanes) stop() {
	for _, l := range all {
		l.close()
	}
	for _, l := range all {
		<-l.ended
	}
}

// lane is a queue of sends and the one goroutine that stores them.
type lane struct {
	bound int // of queue

	mu     sync.Mutex // guards what follows; never held while storing
	queue  []*send    // at most bound, those that were given up included
	closed bool
	began  time.Time // when the transaction under way did; zero: there is none

	wake  chan struct{} // has something in it when the queue has, or was closed
	ended chan struct{} // closed when run has returned
}

// put appends a send to the queue; full is Overloaded. Behind a transaction that hangs
// nobody waits: the sends of a conn come one after the other, and would each wait anew.
func (l *lane) put(p *send) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return errClosed
	case len(l.queue) >= l.bound || l.hangs():
		return l.late()
	}
	l.queue = append(l.queue, p)
	if len(l.queue) == 1 {
		l.poke()
	}
	return nil
}

// tooLate is what a send is told that has waited for maxWait.
func (l *lane) tooLate() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.late()
}

// late says why sends wait: the database does not answer, or they are too many.
func (l *lane) late() error {
	if l.hangs() {
		// It will not hang for long: the server ends who holds locks and stands still.
		return fault.New(fault.Unavailable, "the store is away for a moment").After(maxWait / 4)
	}
	return fault.New(fault.Overloaded, "too much waits to be stored").After(maxWait)
}

func (l *lane) hangs() bool { return !l.began.IsZero() && time.Since(l.began) >= maxWait }

var errClosed = fault.New(fault.Unavailable, "the store is closed")

func (l *lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.poke()
}

func (l *lane) poke() {
	select {
	case l.wake <- struct{}{}:
	default: // it is awake, and will look again
	}
}

// run stores what has come while the last batch was under way, and never waits for
// a batch to fill: under load batches grow by themselves.
func (l *lane) run(store func([]*send)) {
	defer close(l.ended)
	batch := make([]*send, 0, maxBatch)
	for {
		var open bool
		batch, open = l.take(batch[:0])
		switch {
		case !open:
			for _, p := range batch {
				p.reply(answer{err: errClosed})
			}
			return
		case len(batch) > 0:
			store(batch)
			clear(batch)
		default:
			<-l.wake
		}
	}
}

// take moves up to maxBatch sends from the queue to batch, without those that were
// given up. When the lane is closed it reports false, and takes all.
func (l *lane) take(batch []*send) ([]*send, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, p := range l.queue {
		if len(batch) == maxBatch && !l.closed {
			break
		}
		n++
		if p.state.CompareAndSwap(waiting, taken) {
			batch = append(batch, p)
		}
	}
	rest := copy(l.queue, l.queue[n:])
	clear(l.queue[rest:])
	l.queue = l.queue[:rest]
	l.began = time.Time{}
	if len(batch) > 0 {
		l.began = time.Now()
	}
	return batch, !l.closed
}
