package push

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/parley-im/parley/proto/fault"
)

// How often an address may try keys that are none: so often at once, and then once more each
// interval. A key that is good is never held up by that.
const (
	triesAtOnce = 20
	tryEvery    = 3 * time.Second
	maxTriers   = 10_000 // addresses that are remembered
)

// errKey is about every key that does not let in: one that is not there, that is cut, that
// has been taken out of the file.
var errKey = fault.New(fault.Unauthenticated, "no such key")

// tries bounds them. Its zero value is ready.
type tries struct {
	mu sync.Mutex // guards by
	by map[string]*rate.Limiter
}

// count counts a try, and returns what it is answered.
func (t *tries) count(client string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	from := networkOf(client)
	l := t.by[from]
	if l == nil {
		if len(t.by) >= maxTriers {
			t.forget()
		}
		if t.by == nil {
			t.by = map[string]*rate.Limiter{}
		}
		l = rate.NewLimiter(rate.Every(tryEvery), triesAtOnce)
		t.by[from] = l
	}
	if l.Allow() {
		return errKey
	}
	return fault.New(fault.RateLimited, "too many tries: wait a little").After(tryEvery)
}

// forget drops whoever has not tried lately; when all have, everybody.
func (t *tries) forget() {
	for from, l := range t.by {
		if l.Tokens() >= triesAtOnce {
			delete(t.by, from)
		}
	}
	if len(t.by) >= maxTriers {
		clear(t.by)
	}
}

// networkOf is who counts as one: an address, and of IPv6 the /64, because whoever has
// one address of it has all.
func networkOf(client string) string {
	addr, err := netip.ParseAddr(client)
	if err != nil {
		return client
	}
	if addr = addr.Unmap().WithZone(""); addr.Is4() {
		return addr.String()
	}
	return netip.PrefixFrom(addr, 64).Masked().String()
}
