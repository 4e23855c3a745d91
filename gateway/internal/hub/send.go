package hub

import (
	"hash/maphash"

	"github.com/parley-im/parley/gateway/internal/frame"
)

// Names yields the targets of a send. What it returns is only read, and must
// stay as it is until the send has returned, so that it can lie in the buffer
// a command came in.
type Names interface {
	Next() (name []byte, ok bool)
}

// SendConn sends f to one conn.
func (h *Hub) SendConn(id uint64, f *frame.Frame) Tally {
	d := delivery{f: f, soon: true}
	if !d.toID(&h.conns[connShardOf(id)], id) {
		d.tally.Missed++
	}
	return d.tally
}

// SendConns sends f to the conns with these ids, once to each, and calls missed,
// if it is not nil, with those that are not here.
func (h *Hub) SendConns(ids []uint64, f *frame.Frame, missed func(id uint64)) Tally {
	d := h.begin(f, nil, len(ids) > 1)
	d.soon = len(ids) <= fewConns
	for _, id := range ids {
		if d.toID(&h.conns[connShardOf(id)], id) {
			continue
		}
		d.tally.Missed++
		if missed != nil {
			missed(id)
		}
	}
	return h.end(&d)
}

// SendUser sends f to the conns of a user but for those in exclude.
func (h *Hub) SendUser(user string, f *frame.Frame, exclude []uint64) Tally {
	return h.sendName(User, user, f, exclude)
}

// SendGroup sends f to the conns in a group but for those in exclude.
func (h *Hub) SendGroup(group string, f *frame.Frame, exclude []uint64) Tally {
	return h.sendName(Group, group, f, exclude)
}

func (h *Hub) sendName(kind Kind, name string, f *frame.Frame, exclude []uint64) Tally {
	d := h.begin(f, exclude, false)
	if !d.toKey(h.keyShard(kind, h.sum(name)), []byte(name)) {
		d.tally.Missed++
	}
	return h.end(&d)
}

// SendUsers sends f to the conns of several users, once to each conn, but for
// those in exclude. It calls missed, if it is not nil, with each user who has
// no conn here, while it goes on; the name is the one Names returned.
func (h *Hub) SendUsers(users Names, f *frame.Frame, exclude []uint64, missed func(user []byte)) Tally {
	return h.sendNames(User, users, f, exclude, missed)
}

// SendGroups sends f to the conns in several groups, once to each conn, also to
// one that is in two of them; the rest is as in SendUsers.
func (h *Hub) SendGroups(groups Names, f *frame.Frame, exclude []uint64, missed func(group []byte)) Tally {
	return h.sendNames(Group, groups, f, exclude, missed)
}

func (h *Hub) sendNames(kind Kind, names Names, f *frame.Frame, exclude []uint64, missed func([]byte)) Tally {
	// Looking one ahead spares a send to a single name the marks.
	name, ok := names.Next()
	if !ok {
		return Tally{}
	}
	next, more := names.Next()
	d := h.begin(f, exclude, more)
	for ok {
		if !d.toKey(h.keyShard(kind, maphash.Bytes(h.seed, name)), name) {
			d.tally.Missed++
			if missed != nil {
				missed(name)
			}
		}
		name, ok = next, more
		if more {
			next, more = names.Next()
		}
	}
	return h.end(&d)
}

// SendAll sends f to every conn but for those in exclude.
func (h *Hub) SendAll(f *frame.Frame, exclude []uint64) Tally {
	d := h.begin(f, exclude, false)
	for i := range h.conns {
		sh := &h.conns[i]
		d.rest(&sh.mu, &sh.roster, 0)
	}
	return h.end(&d)
}
