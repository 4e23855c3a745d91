package hub

import (
	"slices"
	"sync"
)

// A Subscriber is told which users and groups have a conn here. It must be
// comparable: a pointer.
type Subscriber interface {
	// Delta says that a key has got its first conn, or lost its last. Numbered
	// deltas come one at a time, each one higher than the one before; a snapshot's
	// have number 0 and may come beside them, from the goroutine that called
	// Snapshot. Whoever keeps, for each key, the order of the calls has the truth.
	//
	// It is called under locks of the hub: it must not block and must not call the
	// hub, not even to unsubscribe. When its queue is full it notes so, and has
	// another goroutine unsubscribe it and start over with a snapshot.
	Delta(seq uint64, kind Kind, name string, present bool)
}

// interest numbers the changes and passes them on.
type interest struct {
	mu   sync.Mutex // held while the subscribers are told, so that they all see one order
	seq  uint64
	subs []Subscriber
}

// announce wants the lock of the key's shard.
func (in *interest) announce(kind Kind, name string, present bool) uint64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.seq++
	for _, s := range in.subs {
		s.Delta(in.seq, kind, name, present)
	}
	return in.seq
}

// Subscribe begins to pass deltas to s and returns the number of the last one
// that s was not told: every later one it will be. What was present before, s
// learns from Snapshot, to be called for every shard after this. Subscribing
// twice changes nothing.
func (h *Hub) Subscribe(s Subscriber) (seq uint64) {
	in := &h.interest
	in.mu.Lock()
	defer in.mu.Unlock()
	if !slices.Contains(in.subs, s) {
		in.subs = append(in.subs, s)
	}
	return in.seq
}

// Unsubscribe ends it. When it returns no numbered delta is on its way to s.
func (h *Hub) Unsubscribe(s Subscriber) {
	in := &h.interest
	in.mu.Lock()
	defer in.mu.Unlock()
	if i := slices.Index(in.subs, s); i >= 0 {
		in.subs = slices.Delete(in.subs, i, i+1)
	}
}

// Seq returns the number of the last delta; every subscriber has been told it.
func (h *Hub) Seq() uint64 {
	h.interest.mu.Lock()
	defer h.interest.mu.Unlock()
	return h.interest.seq
}

// SnapshotShards is how many parts a snapshot has.
func (h *Hub) SnapshotShards() int { return kinds * shards }

// Snapshot tells s each key that is present in one shard, 0 ≤ shard <
// SnapshotShards, as s.Delta(0, kind, name, true). The keys of that shard cannot
// come or go meanwhile, those of others can, so a snapshot shard by shard,
// with the deltas that arrive between, ends in the truth, and the caller may
// wait as long as it likes between two shards.
func (h *Hub) Snapshot(s Subscriber, shard int) {
	sh := &h.keys[shard/shards][shard%shards]
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	for name := range sh.sets {
		s.Delta(0, sh.kind, name, true)
	}
}
