package route

import (
	"iter"
	"math/bits"
)

// Slots is a set of slots. The zero Slots is empty. The first 64 need no memory.
type Slots struct {
	first uint64
	more  []uint64 // pages 1, 2, …
}

// With returns the set with slot in it. It may change the set it is called on.
func (s Slots) With(slot int) Slots {
	return s.add(slot/pageSlots, 1<<(slot%pageSlots))
}

// Has reports whether slot is in the set.
func (s Slots) Has(slot int) bool {
	page := slot / pageSlots
	if page == 0 {
		return s.first>>slot&1 != 0
	}
	return page <= len(s.more) && s.more[page-1]>>(slot%pageSlots)&1 != 0
}

// Len returns how many slots are in the set.
func (s Slots) Len() int {
	n := bits.OnesCount64(s.first)
	for _, m := range s.more {
		n += bits.OnesCount64(m)
	}
	return n
}

// All goes over the slots, lowest first.
func (s Slots) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for page := 0; page <= len(s.more); page++ {
			m := s.first
			if page > 0 {
				m = s.more[page-1]
			}
			for ; m != 0; m &= m - 1 {
				if !yield(page*pageSlots + bits.TrailingZeros64(m)) {
					return
				}
			}
		}
	}
}

func (s Slots) add(page int, slots uint64) Slots {
	if page == 0 {
		s.first |= slots
		return s
	}
	for len(s.more) < page {
		s.more = append(s.more, 0)
	}
	s.more[page-1] |= slots
	return s
}

// Clone returns a set of its own.
func (s Slots) Clone() Slots {
	s.more = append([]uint64(nil), s.more...)
	return s
}
