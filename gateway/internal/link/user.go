package link

import "math"

// home is the worker that a user belongs to: the same on every gateway that has the same
// workers, by rendezvous hashing of the workers' nodes with their weights. When a worker
// comes, only those users change that belong to it then; when it goes, only those that
// belonged to it. Two workers of one node, which should not be, are told apart by boot.
func (p *pool) home(user string) *worker {
	var best *worker
	least := math.Inf(1)
	for _, w := range p.workers {
		// -ln(x)/weight of a random x is least for each with a chance like its weight.
		cost := -math.Log(unit(w.nodeSum, user)) / w.weight
		if best == nil || cost < least || cost == least && w.peer.Boot < best.peer.Boot {
			best, least = w, cost
		}
	}
	return best
}

// unit is a number above 0 and below 1 made of a user and the sum of a node. It must be
// the same in every gateway, of any build: FNV-1a, then mixed, since names differ in few
// bits.
func unit(node uint64, user string) float64 {
	return (float64(mix(fnv1a(node, user))>>11) + 0.5) / (1 << 53)
}

const fnvStart, fnvPrime = 14695981039346656037, 1099511628211

func fnv1a(sum uint64, s string) uint64 {
	for i := range len(s) {
		sum = (sum ^ uint64(s[i])) * fnvPrime
	}
	return sum
}

// mix spreads a sum over all bits, as MurmurHash3 ends.
func mix(x uint64) uint64 {
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// boundTo is the conn's user, or the one that it had when its socket ended. mu is held.
func (c *conn) boundTo() string {
	if user := c.User(); user != "" || c.phase != closed {
		return user
	}
	return c.lastMoment().GetUser()
}

// astray reports whether the conn belongs to another worker than its owner, and why: this
// gateway does not want the owner, or the conn's user belongs to another. c.mu is held.
func (l *Link) astray(c *conn) (why MoveReason, astray bool) {
	p := l.pool(c.pool)
	if p == nil || c.owner == nil || c.phase != open {
		return 0, false
	}
	if c.owner.unwanted.Load() {
		return Unwanted, true
	}
	user := c.User()
	return Homed, p.byUser && user != "" && p.home(user) != c.owner
}

// goHome begins the move of a conn to a worker that it belongs to, in order: as with a
// drain, what comes next waits until nothing is under way. c.mu is held.
func (l *Link) goHome(c *conn) {
	if c.holding {
		return
	}
	if _, astray := l.astray(c); astray {
		c.holding = true
		l.handOver(c)
		l.pump(c)
	}
}

// allHome lets the conns go home after pools have changed. It walks all of them, if
// there is a pool that goes by users, or a worker that is not wanted.
func (l *Link) allHome() {
	pools := l.pools.Load()
	walk := pools.spare && pools.all > 0
	for _, p := range pools.of {
		walk = walk || p.byUser && len(p.workers) > 1
	}
	if !walk {
		return
	}
	l.eachConn(func(c *conn) {
		c.mu.Lock()
		l.goHome(c)
		c.mu.Unlock()
	})
}
