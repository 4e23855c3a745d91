package link

import (
	"net/http"
	"slices"
	"time"

	"github.com/parley-im/parley/proto/fault"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// A worker that is lost may have died of an event that it handled. Only the oldest event of
// a conn can have been under way there, so only that one is counted, and only if nobody
// knows better: the worker had not said that it drains, has not dialled again, and was not
// busy with one event alone. At its last try an event is handled alone, and a worker that
// is lost then was lost with this event and no other.
const (
	// aloneDeaths is how many workers an event must have cost that handled it alone before
	// it is poison: one may be killed by somebody else in just that moment.
	aloneDeaths = 2
	// For each other worker that was lost within lossMemory, nobody knows why, it is one
	// more, up to moreDeaths: somebody is killing workers, and a death says little.
	lossMemory = time.Minute
	moreDeaths = 100
)

// atLastTry reports whether an event has cost so many workers that it is to run alone.
func (l *Link) atLastTry(e *event) bool { return e.tries > 0 && int(e.tries) >= l.cfg.EventTries-1 }

// aside reports whether the next event must wait because of the oldest: it is at its last
// try and under way, and what is behind it stays here; or it is about to be judged. There
// is an event. c.mu is held.
func (l *Link) aside(c *conn) bool {
	if !l.atLastTry(&c.events.list[0]) {
		return false
	}
	return c.events.sent > 0 || l.trials.begin(c).judging
}

// excused reports whether the end of w says nothing about what it was handling.
func (w *worker) excused() bool { return w.draining.Load() || w.session.redialled(w) }

// grieve notes that w was lost.
func (l *Link) grieve(w *worker) {
	if w.attach.GetServesEvents() && w.secluded.Load() == 0 && !w.excused() {
		l.trials.unexplained(time.Now())
	}
}

// blame counts the loss of w against the oldest event of c, which w had. c.mu is held.
func (l *Link) blame(c *conn, w *worker) {
	if w.excused() || l.life.Err() != nil {
		return
	}
	e := &c.events.list[0]
	if !l.atLastTry(e) {
		if w.secluded.Load() == 0 { // else it has not been begun
			e.tries++
			t := l.trials.begin(c)
			t.lost = append(t.lost, w.peer.Node)
		}
		return
	}
	t := l.trials.begin(c)
	if t.running != w {
		return // it waited there, or w runs nothing alone
	}
	t.deaths = append(t.deaths, death{w.peer.Node, w.peer.Boot})
	t.judging = len(t.deaths) >= l.proof(e)
}

// proof is how many workers must have been lost while they handled e alone.
func (l *Link) proof(e *event) int {
	others := l.trials.since(time.Now().Add(-lossMemory)) - int(e.tries)
	return aloneDeaths + max(0, min(others, moreDeaths))
}

// seclude takes the word of w that it handles one event alone, or has.
func (l *Link) seclude(w *worker, a record.Alone) {
	if a.Over {
		w.secluded.CompareAndSwap(a.N, 0)
		return
	}
	w.secluded.Store(a.N)
	if c := l.find(a.Conn); a.Conn != 0 && c != nil {
		c.mu.Lock()
		if c.owner == w && c.term == a.Term && c.events.sent > 0 && c.events.list[0].seq == a.Seq && l.atLastTry(&c.events.list[0]) {
			l.trials.begin(c).running = w
			l.stats.AloneTries.Add(1)
		}
		c.mu.Unlock()
	}
	w.out.add(func(dst []byte) []byte { return record.AppendAloneNoted(dst, a.N) })
}

// judge decides about the oldest event of c, which has cost too many workers, unless it is
// not yet time for that. c.mu is held.
func (l *Link) judge(c *conn) {
	if len(c.events.list) == 0 || !l.atLastTry(&c.events.list[0]) || !l.trials.begin(c).judging {
		return
	}
	if c.isAsked() {
		l.convict(c) // whoever asks to come in waits, and may ask again
		return
	}
	// One that is back by then has not died: the link was cut, or the process stood still.
	time.AfterFunc(l.cfg.WorkerPatience, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		t := l.trials.get(c)
		if t == nil || l.life.Err() != nil {
			return
		}
		t.judging = false
		back := l.Attached()
		t.deaths = slices.DeleteFunc(t.deaths, func(d death) bool { return back[d.boot] })
		if len(t.deaths) >= l.proof(&c.events.list[0]) {
			l.convict(c)
			return
		}
		l.pump(c)
	})
}

// convict ends the conn whose oldest event is poison: nothing that it has said besides is
// handled, only its end is. c.mu is held.
func (l *Link) convict(c *conn) {
	e, t := &c.events.list[0], l.trials.get(c)
	l.stats.Poison[poisonKind(e.kind)].Add(1)
	l.trials.explained(len(t.lost))
	var alone []string
	for _, d := range t.deaths {
		alone = append(alone, d.node)
	}
	l.log.Warn("poison event: workers die of it", "conn", l.name(c.ID()), "event", e.kind.String(), "bytes", e.size(),
		"lost", t.lost, "lost_alone", alone)
	if c.isAsked() {
		l.release(c)
		l.refuseOpen(c, &gatewayv1.OpenAnswer{Status: http.StatusInternalServerError, Reason: "internal error"})
		return
	}
	if e.kind == record.KindMessage {
		c.events.poisoned = true
		l.release(c)
		for len(c.events.list) > 0 && c.events.list[0].kind == record.KindMessage {
			l.stats.PoisonDropped.Add(1)
			l.release(c)
		}
		if c.phase == open {
			c.sock.Close(uint16(fault.ClosePoison), "what this conn has sent cannot be handled", nil)
		}
	} else {
		l.release(c)
	}
	c.wake()
	if c.phase == closed && len(c.events.list) == 0 {
		l.forgetConn(c)
		return
	}
	l.pump(c)
}

// drop takes a frame that came behind a poisoned one.
func (l *Link) drop(e event) {
	l.stats.PoisonDropped.Add(1)
	e.message.Release()
}
