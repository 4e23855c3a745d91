package hub

import (
	"hash/maphash"
	"math/bits"
	"sync"
)

// UserOnline reports whether a user has a conn here.
func (h *Hub) UserOnline(user string) bool { return h.keyLen(User, user) > 0 }

// UserLen returns how many conns a user has here.
func (h *Hub) UserLen(user string) int { return h.keyLen(User, user) }

// GroupLen returns how many conns are in a group.
func (h *Hub) GroupLen(group string) int { return h.keyLen(Group, group) }

func (h *Hub) keyLen(kind Kind, name string) int {
	sh := h.keyShard(kind, h.sum(name))
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	if s := sh.sets[name]; s != nil {
		return int(s.n)
	}
	return 0
}

// UserCount returns how many users have a conn here.
func (h *Hub) UserCount() int { return int(h.present[User].Load()) }

// GroupCount returns how many groups have a conn here.
func (h *Hub) GroupCount() int { return int(h.present[Group].Load()) }

// UserConns returns the ids of the conns of a user; nil if there are none.
func (h *Hub) UserConns(user string) (ids []uint64) {
	h.Each(User, user, func(c *Conn) bool {
		ids = append(ids, c.id)
		return true
	})
	return ids
}

// AppendUserConns appends the ids of the conns of a user to dst: for a caller that has
// a slice to use again.
func (h *Hub) AppendUserConns(dst []uint64, user []byte) []uint64 {
	sh := h.keyShard(User, maphash.Bytes(h.seed, user))
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	s := sh.find(user)
	if s == nil {
		return dst
	}
	for i := range s.chunks {
		ch := &s.chunks[i]
		for w := ch.used; w != 0; w &= w - 1 {
			dst = append(dst, ch.slots[bits.TrailingZeros64(w)].id)
		}
	}
	return dst
}

// GroupUsers returns up to limit users who have conns in a group, each once: those whose
// conns come first in it. It looks at all conns of the group if they have fewer users
// than that.
func (h *Hub) GroupUsers(group string, limit int) (users []string) {
	if limit < 1 {
		return nil
	}
	seen := make(map[string]bool)
	h.Each(Group, group, func(c *Conn) bool {
		if user := c.User(); user != "" && !seen[user] {
			seen[user] = true
			users = append(users, user)
		}
		return len(users) < limit
	})
	return users
}

// after returns the names of a shard that are greater than the one given.
func (sh *keyShard) after(name string) (names []string) {
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	for n := range sh.sets {
		if n > name {
			names = append(names, n)
		}
	}
	return names
}

// EachConn calls f with every conn until it answers false. No lock is held: f
// may do anything, also remove the conn. One that comes or goes meanwhile may
// be left out, and f may meet a conn that has just been removed.
func (h *Hub) EachConn(f func(*Conn) bool) {
	for i := range h.conns {
		sh := &h.conns[i]
		if !each(&sh.mu, &sh.roster, f) {
			return
		}
	}
}

// ConnShards is how many parts EachConnOf takes.
const ConnShards = shards

// EachConnOf is EachConn for one part of all conns, from 0 to below ConnShards.
func (h *Hub) EachConnOf(part int, f func(*Conn) bool) {
	sh := &h.conns[part]
	each(&sh.mu, &sh.roster, f)
}

// Each calls f with every conn of a user or group, as EachConn does.
func (h *Hub) Each(kind Kind, name string, f func(*Conn) bool) {
	if s := h.set(kind, name); s != nil {
		each(&s.shard.mu, &s.roster, f)
	}
}

// set returns nil for a key that is not present.
func (h *Hub) set(kind Kind, name string) *set {
	sh := h.keyShard(kind, h.sum(name))
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	return sh.sets[name]
}

func each(mu *sync.RWMutex, r *roster, f func(*Conn) bool) bool {
	var buf [chunkLen]*Conn
	for at := uint32(0); ; {
		n, next := copyLocked(mu, r, at, buf[:])
		for _, c := range buf[:n] {
			if !f(c) {
				return false
			}
		}
		if at = next; at == 0 {
			return true
		}
	}
}

func copyLocked(mu *sync.RWMutex, r *roster, at uint32, buf []*Conn) (n int, next uint32) {
	mu.RLock()
	defer mu.RUnlock()
	return r.copyFrom(at, buf)
}
