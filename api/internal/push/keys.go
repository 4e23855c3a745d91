package push

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/parley-im/parley/api/pushkeys"
	"github.com/parley-im/parley/proto/fault"
)

// ring is the keys of the file, with what each has left.
type ring struct {
	mu   sync.RWMutex // guards what follows
	keys *pushkeys.Set
	left map[string]*rate.Limiter // by id
}

// key is one of them.
type key struct {
	pushkeys.Key
	left *rate.Limiter
}

// set replaces the keys. A key that stays has no more left than before.
func (r *ring) set(s *pushkeys.Set) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.left
	r.keys, r.left = s, make(map[string]*rate.Limiter, s.Len())
	for k := range s.All() {
		l := old[k.ID]
		if l == nil {
			l = rate.NewLimiter(rate.Limit(k.Rate), k.Rate)
		} else if l.Burst() != k.Rate {
			l.SetLimit(rate.Limit(k.Rate))
			l.SetBurst(k.Rate)
		}
		r.left[k.ID] = l
	}
}

// find returns the key that text is; id is the one that it names, if there is one.
func (r *ring) find(text string) (k key, id string, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	k.Key, id, ok = r.keys.Find(text)
	k.left = r.left[k.ID]
	return k, id, ok
}

// take takes one call, or says when there is one again.
func (k key) take() error {
	r := k.left.Reserve()
	if wait := r.Delay(); wait > 0 {
		r.Cancel()
		return fault.New(fault.RateLimited, "").After(max(wait, time.Millisecond))
	}
	return nil
}
