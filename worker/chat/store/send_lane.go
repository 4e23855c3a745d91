package store

import (
	"hash/maphash"
	"sync"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// laneCount is how many transactions of sends a process has under way. One: while it
// commits, the next batch fills.
const laneCount = 1

// lanes are the queues of the sends, each with the goroutine that stores what is in
// it. A conversation has one lane, so the order of its sends is that of the queue.
type lanes []*lane

// laneSeed spreads conversations over lanes; it may differ between processes.
var laneSeed = maphash.MakeSeed()

// startLanes starts n lanes that store with the function given; stop ends them.
func startLanes(n int, store func([]*send)) lanes {
	all := make(lanes, n)
	for i := range all {
		l := &lane{wake: make(chan struct{}, 1), ended: make(chan struct{})}
		all[i] = l
		go l.run(store)
	}
	return all
}

// of returns the lane of a conversation.
func (all lanes) of(id chat.ConversationID) *lane { return all[all.index(id)] }

func (all lanes) index(id chat.ConversationID) int {
	if len(all) == 1 {
		return 0
	}
	return int(maphash.String(laneSeed, string(id)) % uint64(len(all)))
}

// stop takes no more sends, waits until what is there is answered, and returns when
// the goroutines have ended. With the database away that takes as long as a
// transaction may: what waits longer than maxWait was given up by its caller.
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
	mu     sync.Mutex // guards queue and closed; never held while storing
	queue  []*send    // at most maxWaiting, those that were given up included
	closed bool
	wake   chan struct{} // has something in it when the queue has, or was closed
	ended  chan struct{} // closed when run has returned
}

// put appends a send to the queue; full is Overloaded.
func (l *lane) put(p *send) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return fault.New(fault.Unavailable, "the store is closed")
	case len(l.queue) >= maxWaiting:
		return fault.New(fault.Overloaded, "too much waits to be stored").After(maxWait)
	}
	l.queue = append(l.queue, p)
	if len(l.queue) == 1 {
		l.poke()
	}
	return nil
}

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
		case len(batch) > 0:
			store(batch)
			clear(batch)
		case !open:
			return
		default:
			<-l.wake
		}
	}
}

// take moves up to maxBatch sends from the queue to batch, without those that were
// given up. It reports false when the lane is closed and the queue empty.
func (l *lane) take(batch []*send) ([]*send, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, p := range l.queue {
		if len(batch) == maxBatch {
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
	return batch, !l.closed || len(batch) > 0 || rest > 0
}
