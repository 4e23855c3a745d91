package hub

import (
	"sync"
	"sync/atomic"

	"github.com/parley-im/parley/gateway/internal/frame"
)

// An Outlet is where the frames of a conn leave: its queue.
type Outlet interface {
	// Deliver queues f, which is shared with other conns and must not be
	// changed, and reports whether it did; false counts as dropped. soon says that
	// f goes to few and should not wait behind what goes to many. It is called
	// under a lock of the hub, from several goroutines at once, and so must not
	// block and must not call the hub. It may be called after the socket has
	// closed, but not once Remove has returned.
	Deliver(f *frame.Frame, soon bool) bool
}

// The life of a Conn goes one way.
const (
	connNew = iota
	connIn
	connGone
)

// Conn is what the hub knows of a socket. The zero value wants Init; a larger
// struct may embed it. It must not be copied.
type Conn struct {
	out Outlet
	id  uint64
	at  uint32 // place in the roster of its conn shard; written by Add, then constant

	userAt uint32 // place in user
	mu     sync.Mutex
	user   atomic.Pointer[set] // written under mu; nil: bound to nobody
	groups []member            // guarded by mu; in no order
	state  uint8               // guarded by mu
}

// A member is the place of a conn in a set.
type member struct {
	set *set
	at  uint32
	sum uint32 // low half of the hash of the set's name, so that looking for one reads no other set
}

// NewConn returns a conn that is in no hub yet. The id must be unique for the
// life of the hub.
func NewConn(id uint64, out Outlet) *Conn {
	c := new(Conn)
	c.Init(id, out)
	return c
}

// Init is NewConn for a Conn embedded in another struct; call it once, before
// anything else.
func (c *Conn) Init(id uint64, out Outlet) {
	c.id, c.out = id, out
}

// ID returns the id the conn was made with.
func (c *Conn) ID() uint64 { return c.id }

// Out returns the outlet the conn was made with.
func (c *Conn) Out() Outlet { return c.out }

// User returns the user the conn is bound to, or "". It takes no lock.
func (c *Conn) User() string {
	if s := c.user.Load(); s != nil {
		return s.name
	}
	return ""
}

// Groups returns the groups the conn is in, in no order; nil if none.
func (c *Conn) Groups() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.groupNames()
}

// groupNames wants mu.
func (c *Conn) groupNames() []string {
	if len(c.groups) == 0 {
		return nil
	}
	names := make([]string, len(c.groups))
	for i, m := range c.groups {
		names[i] = m.set.name
	}
	return names
}

// group returns the index of a group in groups, or -1. It wants mu. A walk is
// cheap enough: 4,096 memberships are 64 KiB in a row.
func (c *Conn) group(name string, sum uint32) int {
	for i := range c.groups {
		if c.groups[i].sum == sum && c.groups[i].set.name == name {
			return i
		}
	}
	return -1
}

// dropGroup forgets groups[i]; it wants mu. A list that was once long gives its
// memory back.
func (c *Conn) dropGroup(i int) {
	last := len(c.groups) - 1
	c.groups[i] = c.groups[last]
	c.groups[last] = member{}
	c.groups = c.groups[:last]
	switch {
	case last == 0:
		c.groups = nil
	case cap(c.groups) >= 16 && last <= cap(c.groups)/4:
		c.groups = append(make([]member, 0, 2*last), c.groups...)
	}
}
