package register

import (
	"context"
	"time"
)

// View is what this process knows of the members of one role. Everything it tells is
// united over all registers by the rule of type merge: registers that are down,
// hang or restart empty take nobody out of it.
type View struct {
	c       *Client
	role    *role
	changed chan struct{}
}

// role is what the views of one role share. The Client's lock guards it.
type role struct {
	name    string
	merge   *merge
	views   map[*View]struct{}
	ready   chan struct{} // see View.Ready
	told    uint64        // merge.version the views were told of
	members []Member      // of version cached
	cached  uint64
	ctx     context.Context // ends with the last view
	end     context.CancelFunc
}

// Watch begins to watch the members of a role; empty: all roles. Each call makes a
// View of its own with its own signal. Close it when it is no longer wanted.
func (c *Client) Watch(name string) *View {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.roles[name]
	if r == nil {
		r = &role{
			name: name, merge: newMerge(patience(c.lease), c.linked), views: map[*View]struct{}{},
			ready: make(chan struct{}),
		}
		r.ctx, r.end = context.WithCancel(context.Background())
		c.roles[name] = r
		c.wakeSessions()
	}
	v := &View{c: c, role: r, changed: make(chan struct{}, 1)}
	r.views[v] = struct{}{}
	if r.merge.version > 0 {
		v.signal()
	}
	return v
}

// patience is for how long no reachable register may list a member without a link.
func patience(lease time.Duration) time.Duration { return 3 * lease }

// Members returns who is there, ordered by ID and Boot. The slice is the caller's;
// the labels in it are shared and must not be changed.
func (v *View) Members() []Member {
	v.c.mu.Lock()
	defer v.c.mu.Unlock()
	if r := v.role; r.cached != r.merge.version {
		r.members, r.cached = r.merge.members(), r.merge.version
	}
	return append([]Member(nil), v.role.members...)
}

// Changed returns a channel that gets a value after Members, Settled or Ready began
// to answer otherwise. Several changes may be one signal: look at Members anew. It is
// made for one reader; a second one makes its own View.
func (v *View) Changed() <-chan struct{} { return v.changed }

// Ready returns a channel that is closed once a whole snapshot has come from a
// register, and, if this process has joined, after that register confirmed our
// lease. So of two processes that join and then watch, at least one sees the other.
func (v *View) Ready() <-chan struct{} {
	v.c.mu.Lock()
	defer v.c.mu.Unlock()
	return v.role.ready
}

// Settled says whether a register that is reached now has been awake for a whole
// lease, so that every member that can reach it had the time to come (back) to it.
func (v *View) Settled() bool {
	v.c.mu.Lock()
	defer v.c.mu.Unlock()
	return v.role.merge.settled()
}

// Close ends the view: it changes no more. The last one of a role ends its watch.
func (v *View) Close() {
	v.c.mu.Lock()
	defer v.c.mu.Unlock()
	r := v.role
	if _, open := r.views[v]; !open {
		return
	}
	delete(r.views, v)
	if len(r.views) == 0 {
		delete(v.c.roles, r.name)
		r.end()
		v.c.wakeSessions()
	}
}

func (v *View) signal() {
	select {
	case v.changed <- struct{}{}:
	default: // the reader has not yet looked at the last one
	}
}

// notify signals every view when the merge has something new. The caller holds the
// Client's lock and calls it after each change of the merge.
func (r *role) notify() {
	if r.told == r.merge.version {
		return
	}
	r.told = r.merge.version
	for v := range r.views {
		v.signal()
	}
}

// becomeReady closes ready, once.
func (r *role) becomeReady() {
	if isClosed(r.ready) {
		return
	}
	close(r.ready)
	for v := range r.views {
		v.signal()
	}
}
