package link

import (
	"github.com/parley-im/parley/gateway/internal/ws"
	"github.com/parley-im/parley/proto/record"
)

// event is something that happened to a conn and has to reach a handler.
type event struct {
	seq         uint32
	kind        record.Kind
	binary      bool
	redelivered bool        // an earlier owner may have seen it
	tries       uint8       // workers that were lost while they may have been handling it; see blame
	message     *ws.Message // of a Message: the frame in the buffer it was read into
	body        []byte      // of Open and Closed
}

// size is what an event counts in the credit of its conn: what is on the wire.
func (e *event) size() int {
	if e.message != nil {
		return len(e.message.Bytes())
	}
	return len(e.body)
}

// eventOverhead is what an event holds beside its bytes: its place in the list, with
// the slack of one that grows, and the structs around the buffer.
const eventOverhead = 160

// held is what an event counts in the sum of the gateway: the memory it holds. The
// buffer a frame was read into has 128 bytes at least, and up to twice what is in it,
// so without it a flood of tiny frames would hold a hundred times what is counted.
func (e *event) held() int {
	if e.message != nil {
		return cap(e.message.Bytes()) + eventOverhead
	}
	return len(e.body) + eventOverhead
}

// events are those of one conn that no worker has acknowledged, oldest first.
// The first sent of them are with the owner.
type events struct {
	list      []event
	slot      [1]event // what list begins in, so that a conn with one frame under way allocates nothing
	sent      int
	bytes     int
	sentBytes int
	last      uint32 // seq of the newest
	poisoned  bool   // the conn ends because of one: frames are not taken any more
}

// add numbers e and appends it.
func (q *events) add(e event) {
	q.last++
	e.seq = q.last
	if q.list == nil {
		q.list = q.slot[:0]
	}
	q.list = append(q.list, e)
	q.bytes += e.size()
}

// ready reports whether the next event may go to the owner. A conn that ends may
// have more events than its credit; the owner never gets more at a time.
func (q *events) ready() bool {
	return q.sent < len(q.list) && q.sent < maxUnackedEvents && q.sentBytes < maxUnackedBytes
}

// next is the oldest event that the owner does not have.
func (q *events) next() *event { return &q.list[q.sent] }

// given notes that the owner has got next.
func (q *events) given() {
	q.sentBytes += q.list[q.sent].size()
	q.sent++
}

// pop takes the oldest off. When the list is empty its memory goes, so that an
// idle conn holds none for it.
func (q *events) pop() event {
	e := q.list[0]
	q.bytes -= e.size()
	if q.sent > 0 {
		q.sent--
		q.sentBytes -= e.size()
	}
	if len(q.list) == 1 {
		q.list[0], q.list = event{}, nil
		return e
	}
	copy(q.list, q.list[1:]) // hardly ever more than 32
	q.list[len(q.list)-1] = event{}
	q.list = q.list[:len(q.list)-1]
	return e
}

// amend replaces the body of the newest event and returns by how much it grew.
func (q *events) amend(body []byte) (grown int) {
	n := len(q.list)
	grown = len(body) - q.list[n-1].size()
	q.list[n-1].body = body
	q.bytes += grown
	if q.sent == n {
		q.sentBytes += grown
	}
	return grown
}

// recall marks what the owner had as not sent.
func (q *events) recall() (redelivered int) {
	for i := range q.list[:q.sent] {
		q.list[i].redelivered = true
	}
	redelivered = q.sent
	q.sent, q.sentBytes = 0, 0
	return redelivered
}
