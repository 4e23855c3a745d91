// Package hub is a gateway's index of its conns: by id, by user and by group.
// It hands frames to those a send is meant for, and tells subscribers when a
// user or a group gets its first conn here and loses its last.
//
//	h := hub.New(hub.Config{})
//	c := hub.NewConn(id, socket)       // socket is an Outlet
//	h.Add(c)
//	mark, err := h.Bind(c, "liubei")   // answer it when every subscriber has acknowledged mark
//	mark, err = h.Join(c, "shu")
//	tally := h.SendGroup("shu", f, nil)
//	user, groups := h.Remove(c)
//
// It does no I/O, starts no goroutine, reads no clock, and looks into no frame.
// Who may do what, what a name may be, and what a subscriber tells to whom is
// the caller's affair.
//
// # What holds
//
//   - A conn has at most one user, and at most Config.MaxGroupsPerConn groups.
//   - A removed conn stays out: Add, Bind and Join answer ErrGone from then on.
//   - A send reaches each conn that is a member from its beginning to its end
//     exactly once, also one that is in several of the groups it names. One who
//     comes or goes meanwhile gets it once or not at all; only one who leaves a
//     key and enters it again during one send may get it twice.
//   - Once Leave, Unbind or Remove has returned, nothing more arrives by way of
//     that membership: they wait for the slice that is under way.
//   - A list that is read page by page meets each conn, user or group that is there
//     from its beginning to its end exactly once, and no conn twice. Only one of those
//     in several groups that changes them twice within one page may be left out.
//   - A send to many passes in slices of at most 64 conns. Between slices the
//     lock is free, and after every 1,024 conns the processor is offered to others.
//   - Deltas are numbered 1, 2, 3 … for the whole hub. Each subscriber gets them
//     one at a time and in that order; for one key that order is the truth.
//
// # Locks
//
// They are taken in this order, and never two of one line at once:
//
//  1. Conn.mu: the memberships of one conn; all that changes them holds it.
//  2. connShard.mu: the conns whose ids hash there. keyShard.mu: the users, or
//     the groups, whose names hash there, and who is in them. They are equals:
//     whoever holds one takes no other.
//  3. interest.mu: the count of deltas, and who is told of them.
//
// Outlet.Deliver is called with a lock of line 2 read-locked, Subscriber.Delta
// with locks of all three held. Neither may block, nor call this package but
// for Conn.ID, Conn.Out and Conn.User, which take no lock: a Remove from inside
// Deliver would wait for itself. A conn that fails in Deliver is therefore
// closed by its own goroutine, later; until that one has called Remove, Deliver
// is called again and answers false.
//
// The functions handed to Each, EachConn, ConnPage, NamePage, SendUsers,
// SendGroups and SendConns are called with no lock held and may do anything.
package hub
