package route

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// Kind says what a name names.
type Kind uint8

// The kinds of names.
const (
	User Kind = iota
	Group
)

// A page covers 64 slots, so that what a name maps to is one word. Clusters of
// up to 64 gateways have one page, and a lookup is one probe.
const (
	pageSlots = 64
	shards    = 64
)

// Table maps names to slots. The zero Table is empty and ready. All methods may
// be called from any goroutine and never block on anything but each other.
type Table struct {
	growing sync.Mutex // held while a page is added
	pages   atomic.Pointer[[]*page]
	users   atomic.Pointer[func(string)] // see WatchUsers
}

// WatchUsers has f called with each user after a gateway has claimed it, or no longer
// does; with all of a gateway's when its slot is cleared. Not only with the first and the
// last: a slot may still stand here whose gateway counts no more. f is called under the
// lock of a shard: it notes the name and returns. It must not call the Table. There is
// one f; a second one is refused.
func (t *Table) WatchUsers(f func(user string)) bool { return t.users.CompareAndSwap(nil, &f) }

// changed tells whoever watches.
func (t *Table) changed(kind Kind, name []byte) {
	if f := t.users.Load(); f != nil && kind == User {
		(*f)(string(name))
	}
}

type page struct {
	seed  maphash.Seed
	kinds [2][shards]shard
	names [pageSlots]atomic.Int64 // how many names each slot is in
}

type shard struct {
	mu    sync.RWMutex
	slots map[string]uint64 // bit i: slot i of the page; never zero
}

// Set notes that the gateway of a slot has, or no longer has, a conn of name.
// What is so already stays so. name is copied when it is kept.
func (t *Table) Set(slot int, kind Kind, name []byte, present bool) {
	p := t.page(slot / pageSlots)
	bit := uint64(1) << (slot % pageSlots)
	s := &p.kinds[kind][maphash.Bytes(p.seed, name)%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.slots[string(name)]
	switch {
	case present && before&bit == 0:
		if s.slots == nil {
			s.slots = make(map[string]uint64)
		}
		s.slots[string(name)] = before | bit
		p.names[slot%pageSlots].Add(1)
		t.changed(kind, name)
	case !present && before&bit != 0:
		if before == bit {
			delete(s.slots, string(name))
		} else {
			s.slots[string(name)] = before &^ bit
		}
		p.names[slot%pageSlots].Add(-1)
		t.changed(kind, name)
	}
}

// Clear takes a slot out of every name. It walks the whole page, shard by shard,
// unless the slot is in none.
func (t *Table) Clear(slot int) {
	p := t.page(slot / pageSlots)
	if p.names[slot%pageSlots].Load() == 0 {
		return
	}
	bit := uint64(1) << (slot % pageSlots)
	for kind := range p.kinds {
		gone := func(string) {}
		if f := t.users.Load(); f != nil && Kind(kind) == User {
			gone = *f
		}
		for i := range p.kinds[kind] {
			p.names[slot%pageSlots].Add(-p.kinds[kind][i].clear(bit, gone))
		}
	}
}

func (s *shard) clear(bit uint64, gone func(name string)) (cleared int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, slots := range s.slots {
		switch {
		case slots == bit:
			delete(s.slots, name)
		case slots&bit != 0:
			s.slots[name] = slots &^ bit
		default:
			continue
		}
		gone(name)
		cleared++
	}
	return cleared
}

// Find adds the slots that have name to found and returns it.
func (t *Table) Find(found Slots, kind Kind, name string) Slots {
	pages := t.pages.Load()
	if pages == nil {
		return found
	}
	for i, p := range *pages {
		s := &p.kinds[kind][maphash.String(p.seed, name)%shards]
		s.mu.RLock()
		slots := s.slots[name]
		s.mu.RUnlock()
		if slots != 0 {
			found = found.add(i, slots)
		}
	}
	return found
}

// Names returns how many names a slot is in.
func (t *Table) Names(slot int) int {
	return int(t.page(slot / pageSlots).names[slot%pageSlots].Load())
}

// page returns page i, and makes it if need be. Pages are never removed.
func (t *Table) page(i int) *page {
	if pages := t.pages.Load(); pages != nil && i < len(*pages) {
		return (*pages)[i]
	}
	t.growing.Lock()
	defer t.growing.Unlock()
	var all []*page
	if pages := t.pages.Load(); pages != nil {
		all = append(all, *pages...)
	}
	for len(all) <= i {
		all = append(all, &page{seed: maphash.MakeSeed()})
	}
	t.pages.Store(&all)
	return all[i]
}
