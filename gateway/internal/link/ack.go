package link

import (
	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/gateway/internal/frame"
	"github.com/parley-im/parley/proto/faultpoint"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// done applies the acknowledgement of an event together with its replies, or
// neither: only the owner of the conn's present term may speak, and only about
// the oldest event.
func (l *Link) done(w *worker, d record.Done) {
	c := l.find(d.Conn)
	if c == nil {
		l.stats.StaleAcks.Add(1)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !l.mayAck(c, w, d.Term, d.Seq) {
		return
	}
	if c.isAsked() {
		l.acked(c, d.Seq, d.Forget)
		l.answerOpen(c, w, nil)
		return
	}
	for r := range d.Replies.All() {
		l.reply(c, op(r.Binary), r.Payload)
	}
	faultpoint.Hit(faultpoint.GatewayReplyQueued)
	l.acked(c, d.Seq, d.Forget)
}

// doneWith is done with richer effects: session, close, the answer to Open.
func (l *Link) doneWith(w *worker, d record.DoneWith) error {
	effects := &gatewayv1.Effects{}
	if err := proto.Unmarshal(d.Body, effects); err != nil {
		return err
	}
	c := l.find(d.Conn)
	if c == nil {
		l.stats.StaleAcks.Add(1)
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !l.mayAck(c, w, d.Term, d.Seq) {
		return nil
	}
	if c.isAsked() {
		l.acked(c, d.Seq, false)
		l.answerOpen(c, w, effects.GetAnswer())
		if d.Forget {
			c.knows = 0
		}
		return nil
	}
	// The session is written also when the socket has ended: frames behind this one are
	// handled with it. If it cannot be, the rest is not done either: a reply may say what
	// the session was to hold.
	if s := effects.GetSession(); s != nil && !l.ackSession(c, s) {
		l.acked(c, d.Seq, d.Forget)
		return nil
	}
	for _, r := range effects.GetReplies() {
		l.reply(c, opOf(r.GetOpcode()), r.GetPayload())
	}
	faultpoint.Hit(faultpoint.GatewayReplyQueued)
	l.acked(c, d.Seq, d.Forget)
	if e := effects.GetClose(); e != nil {
		l.closeConn(c, e)
	}
	return nil
}

// isAsked reports whether the oldest event is the question whether the conn may
// come in. mu is held.
func (c *conn) isAsked() bool {
	return len(c.events.list) > 0 && c.events.list[0].kind == record.KindOpen
}

// mayAck decides whether w may acknowledge event seq of c under term. c.mu is
// held.
func (l *Link) mayAck(c *conn, w *worker, term, seq uint32) bool {
	if faultpoint.Sabotaged(faultpoint.NoTerms) || faultpoint.Sabotaged(faultpoint.AckOnEnqueue) {
		return len(c.events.list) > 0 || c.phase == open
	}
	if c.owner != w || c.term != term {
		l.stats.RefusedTerms.Add(1)
		return false
	}
	if c.events.sent == 0 || c.events.list[0].seq != seq {
		l.stats.StaleAcks.Add(1)
		return false
	}
	return true
}

// acked takes the oldest event off, which gives room for one more. c.mu is held.
func (l *Link) acked(c *conn, seq uint32, forget bool) {
	if faultpoint.Enabled && (len(c.events.list) == 0 || c.events.list[0].seq != seq) {
		return // only in a build whose mayAck does not look
	}
	l.release(c)
	if forget {
		c.knows = 0
	}
	l.handOver(c)
	l.pump(c)
	if c.phase == closed && len(c.events.list) == 0 {
		l.forgetConn(c)
		return
	}
	if !c.full() {
		c.wake()
	}
	c.settled()
}

// release drops the oldest event. c.mu is held.
func (l *Link) release(c *conn) {
	if c.events.sent == 1 && c.owner != nil {
		c.owner.underWay.Add(-1)
	}
	e := c.events.pop()
	if e.tries > 0 {
		l.trials.end(c)
	}
	l.unacked.Add(-int64(e.held()))
	l.unackedEvents.Add(-1)
	if e.message != nil {
		e.message.Release()
	}
}

// forgetConn ends the last trace of a conn. c.mu is held.
func (l *Link) forgetConn(c *conn) {
	l.limbo.remove(c)
	l.mu.Lock()
	delete(l.parked, c)
	l.mu.Unlock()
	if c.owner != nil {
		w := c.owner
		c.owner = nil
		l.unown(w)
	}
}

// reply queues a frame for the conn. A frame that cannot be one (text that is
// not UTF-8) is dropped and counted: the SDK refuses it before it gets here.
func (l *Link) reply(c *conn, op frame.Op, payload []byte) {
	f, err := l.frames(op, payload, frame.Must, "")
	if err != nil {
		l.stats.BadFrames.Add(1)
		return
	}
	c.sock.SendSoon(f)
}

func op(binary bool) frame.Op {
	if binary {
		return frame.Binary
	}
	return frame.Text
}

func opOf(o gatewayv1.Opcode) frame.Op { return op(o == gatewayv1.Opcode_OPCODE_BINARY) }
