package hub

import (
	"hash/maphash"
	"sync"
)

// Kind says what a name names.
type Kind uint8

// The kinds of key a conn can be found by.
const (
	User Kind = iota
	Group
	kinds = 2
)

func (k Kind) String() string {
	switch k {
	case User:
		return "user"
	case Group:
		return "group"
	}
	return "unknown"
}

// A set is a key that is present: a user or a group with at least one conn. It
// is in the map of its shard from its first member to its last and is not used
// again afterwards; a fan-out that still holds it then finds it empty.
type set struct {
	roster // guarded by shard.mu
	name   string
	mark   uint64 // number of the delta that announced it
	shard  *keyShard

	// The first chunk and its first slot are part of the set, so that a user with
	// one conn is one allocation.
	chunk [1]chunk
	slot  [1]*Conn
}

func newSet(sh *keyShard, name string) *set {
	s := &set{name: name, shard: sh}
	s.chunk[0] = chunk{slots: s.slot[:], prev: none, next: none}
	s.chunks = s.chunk[:]
	s.open = 0
	return s
}

// A keyShard holds the present keys of one kind whose names hash to it.
type keyShard struct {
	mu     sync.RWMutex
	sets   map[string]*set
	people map[*set]people // of groups that have conns of users; nil before the first
	kind   Kind
	_      [16]byte // a cache line to itself
}

// shards is the number of conn shards, and of key shards for each kind.
const (
	shardBits = 6
	shards    = 1 << shardBits
)

func (h *Hub) sum(name string) uint64 { return maphash.String(h.seed, name) }

func (h *Hub) keyShard(kind Kind, sum uint64) *keyShard {
	return &h.keys[kind][sum>>(64-shardBits)]
}

// find wants sh.mu and returns nil for a key that is not present.
func (sh *keyShard) find(name []byte) *set { return sh.sets[string(name)] }

// enter makes c a member of a key and announces the key if c is the first. The
// caller holds c.mu and has seen that c is not in it.
func (h *Hub) enter(kind Kind, name string, sum uint64, c *Conn) member {
	sh := h.keyShard(kind, sum)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s := sh.sets[name]
	if s == nil {
		s = newSet(sh, name)
		sh.sets[name] = s
		h.present[kind].Add(1)
		s.mark = h.interest.announce(kind, name, true)
	}
	if user := c.user.Load(); kind == Group && user != nil {
		sh.meet(s, user)
	}
	return member{set: s, at: s.add(c), sum: uint32(sum)}
}

// exit ends a membership and takes the key back if it was the last. The caller
// holds the mu of the conn. user is who the conn counts for in a group, nil for
// nobody, and when the key is a user.
func (h *Hub) exit(m member, user *set) {
	s, sh := m.set, m.set.shard
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if user != nil {
		sh.part(s, user)
	}
	s.remove(m.at)
	if s.n > 0 {
		return
	}
	delete(sh.sets, s.name)
	h.present[sh.kind].Add(-1)
	h.interest.announce(sh.kind, s.name, false)
}
