package ws

import "github.com/parley-im/parley/gateway/internal/frame"

// queue is a ring of frames that begins with two places inside the Conn and
// doubles. It has no lock (Conn.mu guards it) and no bound (Conn.push keeps it).
type queue struct {
	ring   []*frame.Frame // length is a power of two, or 0 before first use
	head   uint32
	n      uint32
	fixed  uint32 // of the first frames: being written, must stay as they are
	offset uint32 // bytes of the first frame that have left
	merge  uint32 // waiting frames of class Merge
	drop   uint32 // waiting frames of class Droppable
	bytes  int    // wire bytes and overhead of all frames
	first  [2]*frame.Frame
}

func (q *queue) at(i uint32) **frame.Frame {
	return &q.ring[(q.head+i)&uint32(len(q.ring)-1)]
}

// untouchable is how many of the first frames may not be replaced or removed.
func (q *queue) untouchable() uint32 {
	if q.fixed == 0 && q.offset > 0 {
		return 1
	}
	return q.fixed
}

func (q *queue) push(f *frame.Frame, cost int) {
	if int(q.n) == len(q.ring) {
		q.grow()
	}
	*q.at(q.n) = f
	q.n++
	q.bytes += cost
	q.count(f, 1)
}

// pushFront puts f before all others. Nothing may be under way.
func (q *queue) pushFront(f *frame.Frame, cost int) {
	if int(q.n) == len(q.ring) {
		q.grow()
	}
	q.head--
	q.n++
	*q.at(0) = f
	q.bytes += cost
	q.count(f, 1)
}

func (q *queue) pop(cost int) {
	p := q.at(0)
	q.count(*p, ^uint32(0))
	*p = nil
	q.head++
	q.n--
	q.offset = 0
	q.bytes -= cost
}

func (q *queue) count(f *frame.Frame, delta uint32) {
	switch f.Class() {
	case frame.Merge:
		q.merge += delta
	case frame.Droppable:
		q.drop += delta
	}
}

// like finds the waiting frame that f, of class Merge, is to replace.
func (q *queue) like(f *frame.Frame) **frame.Frame {
	if q.merge == 0 || f.Class() != frame.Merge {
		return nil
	}
	for i := q.untouchable(); i < q.n; i++ {
		if p := q.at(i); (*p).Class() == frame.Merge && (*p).Key() == f.Key() {
			return p
		}
	}
	return nil
}

// keep removes the waiting frames that fit does not want.
func (q *queue) keep(fit func(*frame.Frame) bool, cost func(*frame.Frame) int) (removed int) {
	to := q.untouchable()
	for i := to; i < q.n; i++ {
		f := *q.at(i)
		if fit(f) {
			*q.at(to) = f
			to++
			continue
		}
		q.bytes -= cost(f)
		q.count(f, ^uint32(0))
		removed++
	}
	for i := to; i < q.n; i++ {
		*q.at(i) = nil
	}
	q.n = to
	return removed
}

// recount sets the cost of what waits anew and answers by how much it grew.
func (q *queue) recount(cost func(*frame.Frame) int) (delta int) {
	delta = -q.bytes
	q.bytes = 0
	for i := range q.n {
		q.bytes += cost(*q.at(i))
	}
	return delta + q.bytes
}

// clear drops everything. Nothing may be under way.
func (q *queue) clear() { *q = queue{} }

// shrink gives back a ring that has grown. Only an empty queue shrinks.
func (q *queue) shrink() {
	if q.n == 0 && len(q.ring) > len(q.first) {
		q.ring, q.head = nil, 0
	}
}

func (q *queue) grow() {
	if q.ring == nil {
		q.ring, q.head = q.first[:], 0
		return
	}
	bigger := make([]*frame.Frame, 2*len(q.ring))
	for i := range q.n {
		bigger[i] = *q.at(i)
	}
	clear(q.ring) // may be first, which lives on
	q.ring, q.head = bigger, 0
}
