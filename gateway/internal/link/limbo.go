package link

import "sync"

// limbo finds the conns that are not in the hub: asked about and not yet
// accepted, or closed with events that no worker has acknowledged. The first
// are bounded by the handshakes under way, the second by the conns that close
// while handlers are at their frames; without a worker nobody new comes in.
type limbo struct {
	mu    sync.Mutex
	conns map[uint64]*conn
}

func (b *limbo) add(c *conn) {
	b.mu.Lock()
	b.conns[c.ID()] = c
	b.mu.Unlock()
}

func (b *limbo) remove(c *conn) {
	b.mu.Lock()
	delete(b.conns, c.ID())
	b.mu.Unlock()
}

func (b *limbo) find(id uint64) *conn {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.conns[id]
}

func (b *limbo) all() []*conn {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]*conn, 0, len(b.conns))
	for _, c := range b.conns {
		list = append(list, c)
	}
	return list
}

// find returns the conn with that number, or nil.
func (l *Link) find(id uint64) *conn {
	if h := l.hub.Find(id); h != nil {
		return h.Out().(*conn)
	}
	return l.limbo.find(id)
}
