package api

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/parley-im/parley/register"
)

// spread orders the gateways for each client that asks, so that those who take the first
// are spread as they should be.
//
// A gateway tells its conns once a second. If all who come within that second went to the
// one that had the fewest, it would have too many; so the first is drawn by chance, and who
// is sent to a gateway counts there until it has told of him. The chance of each is what it
// has less than the mean and a tenth: an empty gateway among full ones gets all who come
// until it has its share, and equal ones get equally many.
type spread struct {
	rand func() float64       // exponential, mean 1
	now  func() time.Duration // monotonic, since some moment two seconds ago or earlier

	mu   sync.Mutex        // guards what follows
	sent map[uint64]*tally // by place.boot
}

func newSpread() *spread {
	begun := time.Now().Add(-tallyTicks * tallyTick)
	return &spread{rand: rand.ExpFloat64, now: func() time.Duration { return time.Since(begun) }, sent: map[uint64]*tally{}}
}

// tally is who was sent to a place within the last two seconds, by when. When what its
// gateways have changes they have told of those who were sent until a moment before.
type tally struct {
	conns int
	at    int64 // tick of the newest
	n     [tallyTicks]int
}

const (
	tallyTick  = 100 * time.Millisecond
	tallyTicks = 20
	onTheWay   = 2 // ticks that a client takes to be a conn, and a load to be told
)

// count returns how many were sent of whom a place that has so many conns has not told.
func (t *tally) count(conns int, tick int64) (sent int) {
	for at := max(t.at, tick-tallyTicks) + 1; at <= tick; at++ {
		t.n[at%tallyTicks] = 0
	}
	t.at = max(t.at, tick)
	if conns != t.conns {
		t.conns = conns
		for at := t.at - tallyTicks + 1; at <= t.at-onTheWay; at++ {
			t.n[at%tallyTicks] = 0
		}
	}
	for _, n := range t.n {
		sent += n
	}
	return sent
}

// place is a URL that clients may dial, and the gateways behind it.
type place struct {
	gatewayEntry
	boot     uint64 // the lowest of those gateways: its URL is not the same for everybody
	gateways int
	conns    int     // of all of them, as they last said
	order    float64 // least first
}

// order returns the gateways in the order in which one client is to try them. Those that
// did not say where clients reach them are left out. Those behind one balancer are one,
// whose load is that of the least loaded.
func (s *spread) order(members []register.Member, host string) []gatewayEntry {
	places := placesOf(members, host)
	s.mu.Lock()
	defer s.mu.Unlock()
	tick := int64(s.now() / tallyTick)
	if len(s.sent) > 2*len(places)+tallyTicks {
		clear(s.sent) // most of them are gone
	}
	conns, gateways := 0, 0
	for i := range places {
		p := &places[i]
		if s.sent[p.boot] == nil {
			s.sent[p.boot] = &tally{conns: p.conns, at: tick}
		}
		p.conns += s.sent[p.boot].count(p.conns, tick)
		conns += p.conns
		gateways += p.gateways
	}
	most := mostConns(conns, gateways)
	for i := range places {
		p := &places[i]
		if missing := most*float64(p.gateways) - float64(p.conns); missing > 0 {
			p.order = s.rand() / missing // the least of such is p's by its part of all that is missing
		} else {
			p.order = full - missing/float64(p.gateways)
		}
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.order, b.order) })
	list := make([]gatewayEntry, len(places))
	for i, p := range places {
		list[i] = p.gatewayEntry
	}
	if len(places) > 0 {
		s.sent[places[0].boot].n[tick%tallyTicks]++
	}
	return list
}

// full is behind whatever may be drawn.
const full = 1e9

// mostConns is what a gateway may have before nobody is sent there who could go to another:
// the mean and a tenth of it, and one conn at least.
func mostConns(conns, gateways int) float64 {
	mean := float64(conns) / float64(max(gateways, 1))
	return mean + max(mean/10, 1)
}

func placesOf(members []register.Member, host string) []place {
	list := make([]place, 0, len(members))
	for _, m := range members {
		u, ok := publicURL(m.PublicURL, host)
		if !ok {
			continue
		}
		i := slices.IndexFunc(list, func(p place) bool { return p.URL == u })
		if i < 0 {
			i = len(list)
			list = append(list, place{gatewayEntry: gatewayEntry{u, m.Load}, boot: m.Boot})
		}
		p := &list[i]
		p.Load, p.boot = min(p.Load, m.Load), min(p.boot, m.Boot)
		p.gateways++
		p.conns += int(m.Load)
	}
	return list
}
