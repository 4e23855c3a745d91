package ops

import (
	"context"
	"net/netip"
	"time"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// attempts bounds how often somebody may try names and passwords, by name and by
// address, each worker for itself: several workers allow several times as much. Whoever
// is slowed down by name is the attacked one too, so that bound is a wide one.
type attempts struct {
	by limiters[string]
}

// The bounds: so many at once, and then one more each interval.
const (
	attemptsByName    = 20
	attemptEvery      = 3 * time.Second
	attemptsByAddress = 300 // an address may be a school's
	addressEvery      = 200 * time.Millisecond
	attemptsKnown     = 100_000 // names and addresses remembered; the least used go
)

func newAttempts(now func() time.Time) *attempts {
	return &attempts{newLimiters[string](now, attemptsKnown)}
}

// take counts an attempt, or says when the next one may be made.
func (a *attempts) take(ctx context.Context, r chat.Realm, name string) error {
	if addr := clientOf(ctx); addr != "" {
		if err := a.one("a:"+origins(addr), addressEvery, attemptsByAddress); err != nil {
			return err
		}
	}
	if name == "" {
		return nil
	}
	return a.one("n:"+string(r)+":"+chat.Fold(name), attemptEvery, attemptsByName)
}

// origins is the address of a client, without its port. Of IPv6 it is the /64: whoever has
// one address of it has all.
func origins(remote string) string {
	addr, err := netip.ParseAddr(remote)
	if err != nil {
		a, err := netip.ParseAddrPort(remote)
		if err != nil {
			return remote
		}
		addr = a.Addr()
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	return netip.PrefixFrom(addr, 64).Masked().String()
}

func (a *attempts) one(key string, every time.Duration, burst int) error {
	if a.by.take(key, every, burst) {
		return nil
	}
	return fault.New(fault.RateLimited, "too many tries: wait a little").After(every)
}
