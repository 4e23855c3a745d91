package hub

import "math/bits"

// chunkLen is how many conns a chunk holds at most, and so how many a slice of a
// fan-out delivers to under one hold of the lock: one word of bits.
const chunkLen = 64

// A roster is a bag of conns that can be walked in pieces while it changes: a
// conn keeps its place from add to remove, a hole is filled by a later one, and
// empty chunks at the end are freed. All of it wants the lock of its owner.
type roster struct {
	chunks []chunk
	n      int32 // conns in it
	open   int32 // first of the list of chunks with room, or none
}

// none ends the list of chunks with room.
const none = -1

type chunk struct {
	used       uint64  // bit i: slots[i] holds a conn
	slots      []*Conn // grows 1, 2, 4 … chunkLen, so that a lonely conn costs little
	prev, next int32   // neighbours in the list of chunks with room, if it is in it: used has a zero
}

// add puts c into a hole, or at the end, and returns its place.
func (r *roster) add(c *Conn) (at uint32) {
	if r.open == none {
		r.chunks = append(r.chunks, chunk{})
		r.link(int32(len(r.chunks) - 1))
	}
	i := r.open
	ch := &r.chunks[i]
	slot := bits.TrailingZeros64(^ch.used)
	if slot == len(ch.slots) {
		slots := make([]*Conn, max(1, 2*slot))
		copy(slots, ch.slots)
		ch.slots = slots
	}
	ch.slots[slot] = c
	ch.used |= 1 << slot
	if ch.used == ^uint64(0) {
		r.unlink(i)
	}
	r.n++
	return uint32(i)*chunkLen + uint32(slot)
}

// remove makes a hole at a place that add returned.
func (r *roster) remove(at uint32) {
	i, slot := int32(at/chunkLen), at%chunkLen
	ch := &r.chunks[i]
	if ch.used == ^uint64(0) {
		r.link(i)
	}
	ch.used &^= 1 << slot
	ch.slots[slot] = nil
	r.n--
	if ch.used == 0 && int(i) == len(r.chunks)-1 {
		r.trim()
	}
}

// trim frees the empty chunks at the end.
func (r *roster) trim() {
	last := len(r.chunks) - 1
	for ; last >= 0 && r.chunks[last].used == 0; last-- {
		r.unlink(int32(last))
		r.chunks[last] = chunk{}
	}
	r.chunks = r.chunks[:last+1]
	if cap(r.chunks) >= 16 && len(r.chunks) <= cap(r.chunks)/4 {
		r.chunks = append(make([]chunk, 0, 2*len(r.chunks)), r.chunks...)
	}
}

func (r *roster) link(i int32) {
	ch := &r.chunks[i]
	ch.prev, ch.next = none, r.open
	if r.open != none {
		r.chunks[r.open].prev = i
	}
	r.open = i
}

func (r *roster) unlink(i int32) {
	ch := &r.chunks[i]
	if ch.prev == none {
		r.open = ch.next
	} else {
		r.chunks[ch.prev].next = ch.next
	}
	if ch.next != none {
		r.chunks[ch.next].prev = ch.prev
	}
}

// copyFrom copies conns, from a place on, into buf and returns how many, and the
// place to go on from; 0 says that the end was reached. A conn that stays is met
// once by a walk, however long it takes.
func (r *roster) copyFrom(at uint32, buf []*Conn) (n int, next uint32) {
	for i := int(at / chunkLen); i < len(r.chunks); i++ {
		ch := &r.chunks[i]
		for w := ch.used >> (at % chunkLen) << (at % chunkLen); w != 0; w &= w - 1 {
			slot := bits.TrailingZeros64(w)
			if n == len(buf) {
				return n, uint32(i)*chunkLen + uint32(slot)
			}
			buf[n] = ch.slots[slot]
			n++
		}
		at = 0
	}
	return n, 0
}
