package handshake

import (
	"sync"
	"time"
)

// sayEvery is how often a refusal of one kind is logged at most: anybody can knock
// as often as he likes.
const sayEvery = time.Second

// Knocks keeps those who knock without end from filling a log, or from hiding others
// in it. Its zero value is ready; any goroutine may use it. It remembers each kind
// there ever was, so kinds are words of the program, not of the peer.
type Knocks struct {
	mu    sync.Mutex
	kinds map[string]*knock
}

// knock is what was refused for one reason.
type knock struct {
	said   time.Time // when it was last logged
	unsaid int       // since then
}

// Count notes a refusal. It reports whether this one is to be logged, and how many of
// its kind were not since the last that was.
func (k *Knocks) Count(kind string) (say bool, unsaid int) {
	now := time.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.kinds == nil {
		k.kinds = map[string]*knock{}
	}
	one := k.kinds[kind]
	if one == nil {
		one = &knock{}
		k.kinds[kind] = one
	}
	if now.Sub(one.said) < sayEvery {
		one.unsaid++
		return false, 0
	}
	unsaid, one.unsaid, one.said = one.unsaid, 0, now
	return true, unsaid
}
