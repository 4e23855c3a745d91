package hub

// Bind makes user the one user of c, in place of the one it had, and returns the
// number of the delta that announced user: this one's, or the earlier one of
// another conn. Whoever waits until a subscriber has acknowledged that number
// knows that the subscriber has the route. It fails with ErrGone or ErrNoName.
//
// The hub keeps the string for as long as the key is present.
func (h *Hub) Bind(c *Conn, user string) (mark uint64, err error) {
	if user == "" {
		return 0, ErrNoName
	}
	sum := h.sum(user)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != connIn {
		return 0, ErrGone
	}
	old := c.user.Load()
	if old != nil {
		if old.name == user {
			return old.mark, nil
		}
		c.regroup(old, false)
		h.exit(member{set: old, at: c.userAt}, nil)
	}
	m := h.enter(User, user, sum, c) // User answers the old name until the new one is stored, never ""
	c.userAt = m.at
	c.user.Store(m.set)
	c.regroup(m.set, true)
	return m.set.mark, nil
}

// Unbind takes c from its user and reports whether it was bound to that one.
func (h *Hub) Unbind(c *Conn, user string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.user.Load(); s == nil || s.name != user {
		return false
	}
	h.unbind(c)
	return true
}

// unbind wants c.mu.
func (h *Hub) unbind(c *Conn) {
	if s := c.user.Load(); s != nil {
		c.user.Store(nil)
		c.regroup(s, false)
		h.exit(member{set: s, at: c.userAt}, nil)
	}
}

// Join puts c into group and returns the number of the delta that announced it,
// as Bind does; to join again changes nothing. It fails with ErrGone,
// ErrTooManyGroups or ErrNoName.
func (h *Hub) Join(c *Conn, group string) (mark uint64, err error) {
	if group == "" {
		return 0, ErrNoName
	}
	sum := h.sum(group)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != connIn {
		return 0, ErrGone
	}
	if i := c.group(group, uint32(sum)); i >= 0 {
		return c.groups[i].set.mark, nil
	}
	if int64(len(c.groups)) >= h.maxGroups.Load() {
		return 0, ErrTooManyGroups
	}
	m := h.enter(Group, group, sum, c)
	c.groups = append(c.groups, m)
	return m.set.mark, nil
}

// Leave takes c out of group and reports whether it was in it.
func (h *Hub) Leave(c *Conn, group string) bool {
	sum := h.sum(group)
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.group(group, uint32(sum))
	if i < 0 {
		return false
	}
	h.exit(c.groups[i], c.user.Load())
	c.dropGroup(i)
	return true
}

// Ungroup has every conn leave group and returns how many did. It goes slice by
// slice: one that joins meanwhile may stay.
func (h *Hub) Ungroup(group string) (left int) {
	h.Each(Group, group, func(c *Conn) bool {
		if h.Leave(c, group) {
			left++
		}
		return true
	})
	return left
}
