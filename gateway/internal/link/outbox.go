package link

import (
	"context"
	"runtime"
	"sync"

	"github.com/parley-im/parley/proto/record/linkcodec"
)

// batchBytes is where an outbox closes a batch, which is one message on the
// stream. 64 events of 100 bytes are 8 KiB, and more in one message brings
// little; what is larger keeps a stream message from growing without bound.
const batchBytes = 64 << 10

// maxOutboxBytes bounds what waits for one worker. Credits keep events far below
// it; only a snapshot of millions of routes for a worker that does not read gets
// there, and then the worker is given up.
const maxOutboxBytes = 512 << 20

// outbox collects records for one stream. Any goroutine appends; one goroutine
// takes all there is. Appending never blocks. An outbox that was full once takes
// nothing any more: what it refused is missing in the stream, and whoever reads
// on would believe what is no longer true.
type outbox struct {
	bound    int
	overflow func() // called once, by the add that found it full, with whatever locks that one holds

	mu      sync.Mutex
	batches []linkcodec.Batch // whole records; the last one still grows
	bytes   int               // not yet given to the stream
	closed  bool
	wake    chan struct{} // capacity 1: there is something to take, or closed
}

func newOutbox(bound int, overflow func()) *outbox {
	return &outbox{bound: bound, overflow: overflow, wake: make(chan struct{}, 1)}
}

// add appends what write appends to the slice it is given: one or more whole
// records. It reports false when the outbox is closed or full; nothing was
// taken then. write runs under the outbox's lock.
func (o *outbox) add(write func(dst []byte) []byte) bool {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return false
	}
	if o.bytes > o.bound {
		o.closed = true
		o.mu.Unlock()
		o.overflow()
		return false
	}
	b := o.open()
	before := len(b.Records)
	b.Records = write(b.Records)
	o.bytes += len(b.Records) - before
	first := before == 0 && len(o.batches) == 1
	o.mu.Unlock()
	if first {
		o.signal()
	}
	return true
}

// open returns the batch that still grows. mu is held.
func (o *outbox) open() *linkcodec.Batch {
	last := len(o.batches) - 1
	if last >= 0 && len(o.batches[last].Records) < batchBytes {
		return &o.batches[last]
	}
	if len(o.batches) < cap(o.batches) {
		o.batches = o.batches[:last+2] // a released batch: it knows how much room it needed
	} else {
		o.batches = append(o.batches, linkcodec.Batch{})
	}
	b := &o.batches[last+1]
	b.Reserve()
	return b
}

// take waits for records and returns all of them, and uses spare, which the
// caller has released, for what comes next. It returns nil once the outbox is
// closed and empty, or ctx has ended. The caller releases the batches and calls
// sent.
func (o *outbox) take(ctx context.Context, spare []linkcodec.Batch) []linkcodec.Batch {
	for {
		o.mu.Lock()
		empty, closed := len(o.batches) == 0, o.closed
		o.mu.Unlock()
		if !empty {
			// Whoever is about to append gets one turn before the batch is
			// closed: measured, it saves a quarter of the CPU of an echo under
			// load and costs no time when nobody is.
			runtime.Gosched()
			o.mu.Lock()
			batches := o.batches
			o.batches = spare[:0]
			o.mu.Unlock()
			return batches
		}
		if closed {
			return nil
		}
		select {
		case <-o.wake:
		case <-ctx.Done():
			return nil
		}
	}
}

// sent says that so many bytes of what was taken are with the stream.
func (o *outbox) sent(bytes int) {
	o.mu.Lock()
	o.bytes -= bytes
	o.mu.Unlock()
}

// finish closes the outbox; what is in it is still to be taken.
func (o *outbox) finish() {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	o.signal()
}

// drop closes the outbox and throws away what is in it.
func (o *outbox) drop() {
	o.mu.Lock()
	for i := range o.batches {
		o.batches[i].Release()
	}
	o.closed, o.batches = true, nil
	o.mu.Unlock()
	o.signal()
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}
