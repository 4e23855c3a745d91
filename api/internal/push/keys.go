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
	left map[string]*budget // by id
}

// budget is what a key may still do.
type budget struct {
	calls *rate.Limiter
	lines *rate.Limiter // in the log, of calls that are over the rate
}

// How often calls over the rate of a key are logged: so often at once, and then once each
// interval. Metrics count all of them.
const (
	linesAtOnce = 20
	lineEvery   = 3 * time.Second
)

// key is one of them.
type key struct {
	pushkeys.Key
	left *budget
}

// set replaces the keys. A key that stays has no more left than before.
func (r *ring) set(s *pushkeys.Set) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.left
	r.keys, r.left = s, make(map[string]*budget, s.Len())
	for k := range s.All() {
		l := old[k.ID]
		if l == nil {
			l = &budget{rate.NewLimiter(rate.Limit(k.Rate), k.Rate), rate.NewLimiter(rate.Every(lineEvery), linesAtOnce)}
		} else if l.calls.Burst() != k.Rate {
			l.calls.SetLimit(rate.Limit(k.Rate))
			l.calls.SetBurst(k.Rate)
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

// take takes one call, or says when there is one again: not each time to the log.
func (k key) take(line *entry) error {
	r := k.left.calls.Reserve()
	if wait := r.Delay(); wait > 0 {
		r.Cancel()
		line.unsaid = !k.left.lines.Allow()
		return fault.New(fault.RateLimited, "").After(max(wait, time.Millisecond))
	}
	return nil
}
