package hub

import (
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// DefaultMaxGroupsPerConn is what Config.MaxGroupsPerConn means when it is 0.
const DefaultMaxGroupsPerConn = 4096

// Config is what a Hub is made from; its zero value runs.
type Config struct {
	// MaxGroupsPerConn is how many groups a conn may be in at once; 0 is
	// DefaultMaxGroupsPerConn. One membership costs about 40 bytes,
	// and 24 more when the conn is a user's.
	MaxGroupsPerConn int
}

// Validate reports what is wrong, naming the flag.
func (cfg Config) Validate() error {
	if cfg.MaxGroupsPerConn < 0 {
		return fmt.Errorf("max-groups-per-conn is %d: want 1 or more, or 0 for %d", cfg.MaxGroupsPerConn, DefaultMaxGroupsPerConn)
	}
	return nil
}

var (
	// ErrTaken answers an Add of an id, or of a conn, that is in the hub already.
	ErrTaken = errors.New("hub: conn id is taken")
	// ErrGone answers for a conn that is not in the hub: never added, or removed.
	ErrGone = errors.New("hub: conn is gone")
	// ErrTooManyGroups answers a Join beyond Config.MaxGroupsPerConn.
	ErrTooManyGroups = errors.New("hub: conn is in too many groups")
	// ErrNoName answers for an empty user or group.
	ErrNoName = errors.New("hub: empty name")
)

// Hub is the index of a gateway's conns. All its methods may be called from any
// goroutine, but not from inside Deliver or Delta.
type Hub struct {
	seed      maphash.Seed
	maxGroups atomic.Int64
	len       atomic.Int64        // conns
	present   [kinds]atomic.Int64 // keys
	conns     [shards]connShard
	keys      [kinds][shards]keyShard
	interest  interest
	marks     sync.Pool // of *marks
}

// A connShard holds the conns whose ids hash to it.
type connShard struct {
	mu     sync.RWMutex
	conns  map[uint64]*Conn
	roster roster // the same conns, for walking
}

// New returns an empty hub. A negative limit counts as 0; see Config.Validate.
func New(cfg Config) *Hub {
	h := &Hub{seed: maphash.MakeSeed()}
	h.SetMaxGroupsPerConn(cfg.MaxGroupsPerConn)
	h.marks.New = func() any { return new(marks) }
	for i := range h.conns {
		h.conns[i].conns = make(map[uint64]*Conn)
		h.conns[i].roster.open = none
	}
	for kind := range h.keys {
		for i := range h.keys[kind] {
			h.keys[kind][i].kind = Kind(kind)
			h.keys[kind][i].sets = make(map[string]*set)
		}
	}
	return h
}

// SetMaxGroupsPerConn changes the limit for joins from now on; n ≤ 0 is the
// default. Nobody is put out of a group.
func (h *Hub) SetMaxGroupsPerConn(n int) {
	if n <= 0 {
		n = DefaultMaxGroupsPerConn
	}
	h.maxGroups.Store(int64(n))
}

// connShardOf spreads ids that differ in any bits.
func connShardOf(id uint64) int { return int(id * 0x9E3779B97F4A7C15 >> (64 - shardBits)) }

// Add puts c into the hub: from now on sends find it. It fails with ErrTaken,
// or with ErrGone if c was in a hub before.
func (h *Hub) Add(c *Conn) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.state {
	case connIn:
		return ErrTaken
	case connGone:
		return ErrGone
	}
	sh := &h.conns[connShardOf(c.id)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.conns[c.id] != nil {
		return ErrTaken
	}
	sh.conns[c.id] = c
	c.at = sh.roster.add(c)
	c.state = connIn
	h.len.Add(1)
	return nil
}

// Remove takes c out of the hub, of its user and of its groups, and returns
// which they were. When it returns, Deliver is not running and will not be
// called again. All but the first call return nothing, after the first is done.
func (h *Hub) Remove(c *Conn) (user string, groups []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != connIn {
		return "", nil
	}
	c.state = connGone
	h.forget(c)
	user, groups = c.User(), c.groupNames()
	h.unbind(c) // and it counts for nobody in its groups
	for _, m := range c.groups {
		h.exit(m, nil)
	}
	c.groups = nil
	return user, groups
}

// forget ends what Add began; the caller holds c.mu.
func (h *Hub) forget(c *Conn) {
	sh := &h.conns[connShardOf(c.id)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	delete(sh.conns, c.id)
	sh.roster.remove(c.at)
	h.len.Add(-1)
}

// Find returns the conn with that id, or nil.
func (h *Hub) Find(id uint64) *Conn {
	sh := &h.conns[connShardOf(id)]
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	return sh.conns[id]
}

// Len returns the number of conns.
func (h *Hub) Len() int { return int(h.len.Load()) }
