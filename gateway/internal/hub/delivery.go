package hub

import (
	"math/bits"
	"runtime"
	"sync"

	"github.com/parley-im/parley/gateway/internal/frame"
)

const (
	// yieldEvery is after how many conns met, and names looked for, a fan-out
	// offers the processor to others: about 0.1 ms. Flushers then empty queues
	// while a blast to tens of thousands still fills others.
	yieldEvery = 1024
	// fewConns is how many conns a send may go to soon: one frame of a blast to more
	// waits for those of the others.
	fewConns = chunkLen
	// manyExcludes is from how many on excluded ids are marked beforehand instead
	// of compared with each member.
	manyExcludes = 8
)

// A Tally is what became of a send.
type Tally struct {
	Hit     int // conns that took the frame
	Dropped int // conns that did not: Deliver answered false
	Missed  int // ids, users and groups that nobody here has
}

// Add adds u to t.
func (t *Tally) Add(u Tally) {
	t.Hit += u.Hit
	t.Dropped += u.Dropped
	t.Missed += u.Missed
}

// A delivery is one send under way. It lives on the stack of its caller.
type delivery struct {
	f       *frame.Frame
	exclude []uint64
	marks   *marks // conns that have it already or shall not; nil: a conn can only be met once
	tally   Tally
	soon    bool
	met     int // since the processor was last offered: conns, and names and ids looked for
}

// begin starts a send; several says that one conn may be met several times.
func (h *Hub) begin(f *frame.Frame, exclude []uint64, several bool) delivery {
	d := delivery{f: f, exclude: exclude}
	if several || len(exclude) >= manyExcludes {
		d.marks = h.marks.Get().(*marks)
	}
	if len(exclude) >= manyExcludes {
		d.exclude = nil
		for _, id := range exclude {
			if c := h.Find(id); c != nil {
				d.marks.set(c)
			}
		}
	}
	return d
}

func (h *Hub) end(d *delivery) Tally {
	if d.marks != nil {
		d.marks.clear()
		h.marks.Put(d.marks)
	}
	return d.tally
}

// offer lets others run when it is time. No lock may be held.
func (d *delivery) offer() {
	if d.met >= yieldEvery {
		d.met = 0
		runtime.Gosched()
	}
}

// to hands the frame to c; it wants the lock under which c was found.
func (d *delivery) to(c *Conn) {
	d.met++
	for _, id := range d.exclude {
		if id == c.id {
			return
		}
	}
	if d.marks != nil && d.marks.set(c) {
		return
	}
	if c.out.Deliver(d.f, d.soon) {
		d.tally.Hit++
	} else {
		d.tally.Dropped++
	}
}

// toID reports whether there is such a conn.
func (d *delivery) toID(sh *connShard, id uint64) bool {
	d.met++
	d.offer()
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	c := sh.conns[id]
	if c != nil {
		d.to(c)
	}
	return c != nil
}

// toKey reports whether there is such a key.
func (d *delivery) toKey(sh *keyShard, name []byte) bool {
	d.met++
	d.offer()
	s, i := d.first(sh, name)
	if s == nil {
		return false
	}
	d.rest(&sh.mu, &s.roster, i)
	return true
}

// first looks for the key and passes its first slice under one hold of the lock:
// most keys have no second.
func (d *delivery) first(sh *keyShard, name []byte) (s *set, next int) {
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	s = sh.find(name)
	if s == nil {
		return nil, 0
	}
	d.soon = d.tally.Hit+int(s.roster.n) <= fewConns
	return s, d.slice(&s.roster, 0)
}

// rest passes what is left of a roster, from chunk i on, slice by slice.
func (d *delivery) rest(mu *sync.RWMutex, r *roster, i int) {
	for i >= 0 {
		d.offer()
		i = d.lockedSlice(mu, r, i)
	}
}

func (d *delivery) lockedSlice(mu *sync.RWMutex, r *roster, i int) (next int) {
	mu.RLock()
	defer mu.RUnlock()
	return d.slice(r, i)
}

// slice delivers to the members in chunk i and in those after it, as long as
// they are chunkLen together, and returns the chunk to go on with; -1 at the
// end. It wants the lock of the roster.
func (d *delivery) slice(r *roster, i int) (next int) {
	for room := chunkLen; i < len(r.chunks); i++ {
		ch := &r.chunks[i]
		if room -= bits.OnesCount64(ch.used); room < 0 {
			return i
		}
		for w := ch.used; w != 0; w &= w - 1 {
			d.to(ch.slots[bits.TrailingZeros64(w)])
		}
	}
	return -1
}
