package link

import (
	"sync"
	"time"

	"github.com/parley-im/parley/proto/record"
)

// How long a once-key is remembered: between one and two onceGenerations, less
// when more than maxOnceKeys come in one of them.
const (
	onceGeneration = 60 * time.Second
	maxOnceKeys    = 256 << 10 // of one generation; 40 bytes each, so 20 MiB in all
)

// once remembers the keys of sends that were applied, in two generations.
type once struct {
	mu       sync.Mutex
	young    map[record.Once]struct{}
	old      map[record.Once]struct{}
	rotation time.Time
}

func newOnce() *once {
	return &once{young: map[record.Once]struct{}{}, rotation: time.Now()}
}

// first remembers key and reports whether it was new.
func (o *once) first(key record.Once) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if now := time.Now(); now.Sub(o.rotation) > onceGeneration || len(o.young) >= maxOnceKeys {
		o.old, o.young, o.rotation = o.young, map[record.Once]struct{}{}, now
	}
	if _, seen := o.young[key]; seen {
		return false
	}
	if _, seen := o.old[key]; seen {
		return false
	}
	o.young[key] = struct{}{}
	return true
}

// forget takes back a key whose send reached nobody, so that a repeat can.
func (o *once) forget(key record.Once) {
	o.mu.Lock()
	delete(o.young, key)
	delete(o.old, key) // a new generation may have begun meanwhile
	o.mu.Unlock()
}
