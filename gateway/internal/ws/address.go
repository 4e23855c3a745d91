package ws

import (
	"container/list"
	"math"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// addresses bounds what one address may have: conns at once, and handshakes per second.
// An IPv6 /64 counts as one address, because that is what one subscriber is given.
type addresses struct {
	mu      sync.Mutex // guards what follows
	conns   map[netip.Addr]int
	buckets map[netip.Addr]*list.Element // of recent
	recent  list.List                    // of *bucket, used longest ago first
	rate    float64                      // tokens per second
}

// bucket is what an address has left of its handshakes: a second's worth, one at least.
type bucket struct {
	address netip.Addr
	tokens  float64
	at      time.Time
}

const (
	// maxBuckets is how many addresses are remembered, at some 200 bytes each. When more
	// come at the same time, who came longest ago is forgotten, and has a full bucket
	// again: whoever has that many addresses is no one address, and HandshakeRate holds.
	maxBuckets = 1 << 16
	// tidyBuckets is how many idle buckets go for one that comes.
	tidyBuckets = 4
)

// enter counts a conn unless its address has max already.
func (a *addresses) enter(address netip.Addr, max int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.conns[address] >= max {
		return false
	}
	if a.conns == nil {
		a.conns = make(map[netip.Addr]int)
	}
	a.conns[address]++
	return true
}

func (a *addresses) leave(address netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.conns[address]--; a.conns[address] <= 0 {
		delete(a.conns, address)
	}
}

// knock takes a handshake of address, or says how long it should wait.
func (a *addresses) knock(address netip.Addr, rate float64, now time.Time) (wait time.Duration, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rate = rate
	depth := a.depth()
	e := a.buckets[address]
	if e == nil {
		a.forget(now)
		if a.buckets == nil {
			a.buckets = make(map[netip.Addr]*list.Element)
		}
		e = a.recent.PushBack(&bucket{address, depth, now})
		a.buckets[address] = e
	}
	b := e.Value.(*bucket)
	b.tokens = min(b.tokens+max(now.Sub(b.at).Seconds(), 0)*rate, depth)
	b.at = now
	a.recent.MoveToBack(e)
	if b.tokens < 1 {
		return time.Duration((1 - b.tokens) / rate * float64(time.Second)), false
	}
	b.tokens--
	return 0, true
}

func (a *addresses) depth() float64 { return max(a.rate, 1) }

// forget makes room. A bucket that is full again says no more than none.
func (a *addresses) forget(now time.Time) {
	for range tidyBuckets {
		e := a.recent.Front()
		if e == nil {
			return
		}
		b := e.Value.(*bucket)
		idle := b.tokens+now.Sub(b.at).Seconds()*a.rate >= a.depth()
		if !idle && len(a.buckets) < maxBuckets {
			return
		}
		a.recent.Remove(e)
		delete(a.buckets, b.address)
	}
}

// forgetAll is for when handshakes are not counted any more.
func (a *addresses) forgetAll() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.buckets = nil
	a.recent.Init()
}

// crowded applies the limits of one address, that of the client. When it returns nil and
// there is a limit of conns, the conn counts.
func (c *Conn) crowded(l *Limits) *refusal {
	a, address := &c.door.s.addresses, network(c.origin().Addr())
	if l.MaxHandshakesPerIP > 0 {
		if wait, ok := a.knock(address, l.MaxHandshakesPerIP, time.Now()); !ok {
			retry := strconv.Itoa(int(math.Ceil(wait.Seconds())))
			return limited(byHandshakesPerIP, http.StatusTooManyRequests, "too many handshakes from this address", retry)
		}
	}
	if l.MaxConnsPerIP > 0 {
		if !a.enter(address, l.MaxConnsPerIP) {
			return limited(byConnsPerIP, http.StatusTooManyRequests, "too many conns from this address", "60")
		}
		c.counted = true
	}
	return nil
}

// origin is where the client is, as far as is known: the peer of the socket, or who a
// proxy says it is. It is not valid for a conn of another kind than TCP.
func (c *Conn) origin() netip.AddrPort {
	t, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	return t.AddrPort()
}

// network is what counts as one address.
func network(ip netip.Addr) netip.Addr {
	ip = ip.Unmap()
	if ip.Is6() {
		if net, err := ip.WithZone("").Prefix(64); err == nil {
			return net.Addr()
		}
	}
	return ip
}
