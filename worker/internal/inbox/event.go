package inbox

import (
	"sync"

	"github.com/parley-im/parley/proto/record"
)

// Event is one thing that happened to a conn, or a Context: what is to be known
// before the event that follows.
type Event struct {
	Kind        record.Kind // KindOpen, KindMessage, KindClosed or KindContext
	Conn        uint64
	Term        uint32
	Seq         uint32
	Binary      bool
	Redelivered bool
	Alone       bool // no other handler may run beside its own
	Lost        bool // a KindClosed made here: the gateway has left the cluster
	Trace       record.Trace
	Body        []byte // payload or protobuf; valid until the work on the event returns

	round   uint32 // of the seat when it was queued
	counted bool   // among what the seat was given and has not done
}

// item is an event in a queue, with memory of its own.
type item struct {
	Event
	buf  []byte
	next *item
}

// maxKeptBytes is the largest buffer that goes back to the pool: the default
// largest frame. Larger ones are rare and left to the garbage collector.
const maxKeptBytes = 64 << 10

var items = sync.Pool{New: func() any { return new(item) }}

// keep copies e, whose body points into a batch that is about to be used again.
func keep(e *Event) *item {
	it := items.Get().(*item)
	it.Event = *e
	it.buf = append(it.buf[:0], e.Body...)
	it.Body = it.buf
	return it
}

// Scribble makes the package overwrite the body of an event once the work on it
// has returned, so that a handler that kept it is found out. Set it before the
// first event; package workertest does.
var Scribble bool

// drop lets go of an event.
func (it *item) drop() {
	if Scribble {
		for i := range it.buf {
			it.buf[i] = '#'
		}
	}
	if cap(it.buf) > maxKeptBytes {
		it.buf = nil
	}
	*it = item{buf: it.buf}
	items.Put(it)
}

// queue is a list of items, oldest first.
type queue struct {
	first, last *item
}

func (q *queue) push(it *item) {
	if q.last == nil {
		q.first = it
	} else {
		q.last.next = it
	}
	q.last = it
}

func (q *queue) pop() *item {
	it := q.first
	if it == nil {
		return nil
	}
	q.first, it.next = it.next, nil
	if q.first == nil {
		q.last = nil
	}
	return it
}
