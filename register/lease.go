package register

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// announcement is what this process says of itself.
type announcement struct {
	member   Member
	revision uint64 // of member
	facts    uint64 // revision of the last change other than of the load
}

// farewell waits until the registers that may have our lease answered a leave.
type farewell struct {
	revision uint64
	pending  map[string]struct{}
	lost     []string // went away without an answer
	done     chan struct{}
}

// Join announces this process to every register, now and whenever one is reached
// (again), until Leave. Called again it changes what is announced; id, role and boot
// stay. ID, Role, Boot and Build may be left out: they are those of Config.Identity,
// and registers refuse others. Started may too: it is when the Client was made.
func (c *Client) Join(m Member) error {
	id := c.cfg.Identity
	m.ID, m.Role, m.Build = or(m.ID, id.Node), or(m.Role, id.Role), or(m.Build, id.Build)
	m.Boot = or(m.Boot, id.Boot)
	if m.Started.IsZero() {
		m.Started = time.UnixMilli(c.start.UnixMilli()) // as others read it
	}
	if m.ID != id.Node || m.Role != id.Role || m.Boot != id.Boot {
		return fmt.Errorf("join: %s %s, boot %016x, is not this process: %s, boot %016x", m.Role, m.ID, m.Boot, id, id.Boot)
	}
	if err := m.Validate(); err != nil {
		return fmt.Errorf("join: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.revision++
	c.self = &announcement{member: m, revision: c.revision, facts: c.revision}
	c.wakeSessions()
	return nil
}

// SetLoad changes the load that is announced; it rides on the next beat.
func (c *Client) SetLoad(load uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.self == nil || c.self.member.Load == load {
		return
	}
	c.revision++
	next := *c.self
	next.member.Load, next.revision = load, c.revision
	c.self = &next
}

// Leave takes Join back and returns when every register that may have our lease has
// answered, so that who asks one of them from now on does not find this process.
// When ctx ends first, or a register goes away meanwhile, the error names those that
// did not answer; the lease there ends by itself.
func (c *Client) Leave(ctx context.Context) error {
	c.mu.Lock()
	if c.self != nil {
		c.self = nil
		c.revision++
		if isClosed(c.joined) {
			c.joined = make(chan struct{})
		}
		if c.leaving == nil || isClosed(c.leaving.done) {
			c.leaving = &farewell{pending: map[string]struct{}{}, done: make(chan struct{})}
		}
		c.leaving.revision = c.revision
		for addr := range c.leases {
			c.leaving.pending[addr] = struct{}{}
		}
		c.leaving.finishIfAnswered()
		c.wakeSessions()
	}
	f := c.leaving
	c.mu.Unlock()
	if f == nil {
		return nil
	}
	select {
	case <-f.done:
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	missing := slices.Clone(f.lost)
	for addr := range f.pending {
		missing = append(missing, addr)
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return fmt.Errorf("leave: no answer from the registers %q", missing)
	}
	return nil
}

// Joined returns a channel that is closed once a register has confirmed our lease.
// After Leave there is a new one.
func (c *Client) Joined() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.joined
}

// announced returns what this process announces now (nil: nothing), the last Leave
// (nil: none yet), and a channel that is closed when either changes.
func (c *Client) announced() (*announcement, *farewell, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.self, c.leaving, c.wake
}

// ask notes that addr is about to be told what this process announces, and returns
// that; nil: it has left meanwhile, and Leave does not wait for addr.
func (c *Client) ask(addr string) *announcement {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.self != nil {
		c.leases[addr] = struct{}{}
	}
	return c.self
}

// granted notes that a register has confirmed our lease.
func (c *Client) granted() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.self != nil && !isClosed(c.joined) {
		close(c.joined)
	}
}

// unleased notes that addr answered a leave, or that its session ended.
func (c *Client) unleased(addr string, answered bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.leases, addr)
	if f := c.leaving; f != nil {
		if _, ok := f.pending[addr]; ok {
			delete(f.pending, addr)
			if !answered {
				f.lost = append(f.lost, addr)
			}
			f.finishIfAnswered()
		}
	}
}

func (f *farewell) finishIfAnswered() {
	if len(f.pending) == 0 && !isClosed(f.done) {
		close(f.done)
	}
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
