package link

import (
	"github.com/parley-im/parley/gateway/internal/hub"
	"github.com/parley-im/parley/proto/faultpoint"
	"github.com/parley-im/parley/proto/record"
)

// push adds an event to a conn and lets it go to the owner. c.mu is held.
func (l *Link) push(c *conn, e event) {
	if c.events.poisoned && e.kind == record.KindMessage {
		l.drop(e)
		return
	}
	c.events.add(e)
	l.unacked.Add(int64(e.held()))
	l.unackedEvents.Add(1)
	l.pump(c)
}

// pump hands every event that may go to the owner, finding one if there is none.
// c.mu is held.
func (l *Link) pump(c *conn) {
	for c.events.ready() && !c.holding && !c.behind() && !l.aside(c) {
		if c.owner == nil && !l.assign(c) {
			return
		}
		if !c.owner.deliver(c) {
			l.retire(c.owner) // so that assign does not find it again
			l.disown(c, Lost)
		}
	}
}

// behind reports whether the owner must be told the conn's context before the next
// event and still has events under way: what it writes with their acknowledgements
// would be newer than that context, so it waits for them. c.mu is held.
func (c *conn) behind() bool { return c.events.sent > 0 && c.wantsContext() }

// wantsContext reports whether the next event needs a context before it. Closed does too,
// although it says the same: a worker whose session was refused cannot tell by its number
// that what it counted is wrong. c.mu is held.
func (c *conn) wantsContext() bool {
	return c.knows != c.context && c.events.next().kind != record.KindOpen
}

// deliver writes the next unsent event of c to the worker, and before it what
// the worker does not know of the conn. It reports false when the worker is
// gone. c.mu is held.
func (w *worker) deliver(c *conn) bool {
	e := c.events.next()
	var context []byte
	if c.wantsContext() {
		context = c.contextBody(c.knows == 0 && e.kind == record.KindMessage) // Closed has the facts
	}
	alone := w.secludes && w.link.atLastTry(e)
	ok := w.out.add(func(dst []byte) []byte { return appendEvent(dst, c, e, alone, context) })
	if !ok {
		return false
	}
	if context != nil {
		c.knows = c.context
	}
	if c.events.given(); c.events.sent == 1 {
		w.underWay.Add(1)
	}
	if faultpoint.Sabotaged(faultpoint.AckOnEnqueue) && e.kind == record.KindMessage {
		c.link.release(c)
	}
	return true
}

// appendEvent appends an event, which may have to run alone, and, unless it is nil, its context. Neither can
// be refused: Config bounds frames, sessions, names and groups so that each body
// fits into a record. c.mu is held.
func appendEvent(dst []byte, c *conn, e *event, alone bool, context []byte) []byte {
	if context != nil {
		dst, _ = record.AppendContext(dst, record.Event{Conn: c.ID(), Term: c.term, Body: context})
	}
	if e.kind == record.KindMessage {
		dst, _ = record.AppendMessage(dst, record.Message{
			Conn: c.ID(), Term: c.term, Seq: e.seq,
			Binary: e.binary, Redelivered: e.redelivered, Alone: alone, Payload: e.message.Bytes(),
		})
		return dst
	}
	other := record.Event{Conn: c.ID(), Term: c.term, Seq: e.seq, Redelivered: e.redelivered, Alone: alone, Body: e.body}
	if e.kind == record.KindOpen {
		dst, _ = record.AppendOpen(dst, other)
		return dst
	}
	dst, _ = record.AppendClosed(dst, other)
	return dst
}

// disown takes a conn from its owner: what the owner had goes again, to whoever
// comes next, and what it still says under the old term is refused. c.mu is held.
func (l *Link) disown(c *conn, why MoveReason) {
	w := c.owner
	c.owner, c.holding, c.why = nil, false, why
	if c.events.sent > 0 {
		w.underWay.Add(-1)
		if why == Lost {
			l.blame(c, w)
		}
	}
	if faultpoint.Sabotaged(faultpoint.NoRedelivery) {
		for c.events.sent > 0 && c.events.list[0].kind == record.KindMessage {
			l.release(c)
		}
	}
	l.stats.Redelivered.Add(int64(c.events.recall()))
	l.unown(w)
	if c.phase == abandoned && len(c.events.list) > 0 {
		l.forsake(c) // whom it was asked about is lost, and nobody waits for an answer
	}
	l.judge(c)
}

// forsake forgets a conn that never was open, with its question. c.mu is held.
func (l *Link) forsake(c *conn) {
	c.phase = closed
	for len(c.events.list) > 0 {
		l.release(c)
	}
	l.forgetConn(c)
}

// drain moves every conn away from w as soon as nothing of it is under way
// there: new events wait meanwhile, so that order holds without redelivery.
func (l *Link) drain(w *worker) {
	l.mu.Lock()
	w.draining.Store(true)
	l.publish()
	l.mu.Unlock()
	l.log.Info("worker is draining", "peer", w.peer.Node)
	l.eachConn(func(c *conn) {
		c.mu.Lock()
		if c.owner == w {
			c.holding = true
			l.handOver(c)
			l.pump(c)
		}
		c.mu.Unlock()
	})
	if w.owned.Load() == 0 {
		w.tellDrained()
	}
}

// handOver lets go of a conn that is held, because its owner drains or it belongs to
// another, when the owner has nothing of it under way any more. c.mu is held.
func (l *Link) handOver(c *conn) {
	if !c.holding || c.events.sent > 0 {
		return
	}
	why := Drained
	if !c.owner.draining.Load() {
		var astray bool
		if why, astray = l.astray(c); !astray { // its user, or where he belongs, has changed once more
			c.holding = false
			return
		}
	}
	c.owner.revoke(c.ID(), c.term+1)
	l.disown(c, why)
}

// giveUp ends w: its conns move, at once those with events. clean says that it
// had drained and ended its stream itself.
func (l *Link) giveUp(w *worker, clean bool) {
	l.retire(w)
	l.mu.Lock()
	delete(l.workers, w)
	l.mu.Unlock()
	w.out.drop()
	l.hub.Unsubscribe(w)
	l.interest.detach(w, clean)
	w.session.leave(w)
	if !clean {
		l.grieve(w)
	}
	l.eachConn(func(c *conn) {
		c.mu.Lock()
		if c.owner == w {
			l.disown(c, Lost)
			l.pump(c)
		}
		c.mu.Unlock()
	})
	if !clean {
		l.resyncLater(w)
	}
}

// retire takes w out of those that may have conns, and ends its stream. It may
// be called with a conn's lock held.
func (l *Link) retire(w *worker) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !w.gone.Swap(true) {
		l.publish()
		w.end(errFull) // unless something else has ended it already
	}
}

// eachConn calls f for every conn there is, those on their way in and out too:
// one that goes from limbo to the hub or back meanwhile is met in at least one of
// the three walks, and may be met in two.
func (l *Link) eachConn(f func(*conn)) {
	for _, c := range l.limbo.all() {
		f(c)
	}
	l.hub.EachConn(func(h *hub.Conn) bool {
		f(h.Out().(*conn))
		return true
	})
	for _, c := range l.limbo.all() {
		f(c)
	}
}
