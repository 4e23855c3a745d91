package chatclient

import (
	"fmt"
	"time"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
)

// messageOf is a message without what it was wrapped in.
func (c *Client) messageOf(m *chatv1.Message) Message {
	out := Message{
		Seq: m.GetSeq(), Rev: m.GetRev(), Sender: c.intern(m.GetSender()), Kind: m.GetKind(), Text: m.GetText(), Picture: m.GetImage().GetName(),
		RequestID: m.GetRequestId(), Recalled: m.GetRecalled(), Users: m.GetUsers(),
	}
	if m.GetSentAt() != nil {
		out.SentAt = m.GetSentAt().AsTime()
	}
	return out
}

// maxNames bounds the strings that are kept once for all messages that have them.
const maxNames = 1 << 16

func (c *Client) intern(s string) string {
	if known, ok := c.names[s]; ok {
		return known
	}
	if len(c.names) < maxNames {
		c.names[s] = s
	}
	return s
}

// take takes a message, however it came, and reports whether the client had it.
func (c *Client) take(v *conversation, m Message, via Via, conn int, now time.Time) (repeat bool) {
	v.raise(m.Seq, 0)
	switch {
	case m.Seq < 1:
		c.breach(now, v.id, m.Seq, NotProtocol, "a message without a number")
		return false
	case v.known && m.Seq < v.begin:
		return false // above the screen
	case v.known && m.Seq < v.next:
		c.repeated(v, &m, via, conn, now)
		return true
	case v.known && !v.wanted():
		// Opening a room fetches what there is. Elsewhere the user may be in it again.
		if !v.room() && !(m.Kind == chatv1.MessageKind_MESSAGE_KIND_LEFT && m.Sender == c.user) {
			v.doubt = c.frames
			c.attend(v)
		}
		return false
	case v.known && m.Seq == v.next && (via == Fetched || m.Seq > v.floor):
		c.show(v, m, via, conn, now)
		c.drain(v, now)
	case via != Fetched && v.known && m.Seq <= v.floor:
		// It may lack a change that counts as seen: it is fetched.
	default:
		if have := v.held[m.Seq]; have != nil {
			if m.Rev > have.Rev {
				have.Message = m
			}
			return true
		}
		c.n.Held++
		if len(v.held) < maxHeld {
			v.held[m.Seq] = &ahead{m, via, conn}
		}
	}
	c.attend(v)
	return false
}

// drain shows what was held and is next now.
func (c *Client) drain(v *conversation, now time.Time) {
	if !v.known {
		return
	}
	for {
		h := v.held[v.next]
		if h == nil {
			break
		}
		delete(v.held, v.next)
		c.show(v, h.Message, h.via, h.conn, now)
	}
	for seq := range v.held {
		if seq < v.next {
			delete(v.held, seq)
		}
	}
}

// show puts the next message on the screen.
func (c *Client) show(v *conversation, m Message, via Via, conn int, now time.Time) {
	if ch := v.lateChanges[m.Seq]; ch != nil {
		change(&m, ch)
		delete(v.lateChanges, m.Seq)
	}
	if !m.SentAt.IsZero() {
		if m.SentAt.Before(v.lastSent) {
			c.breach(now, v.id, m.Seq, TimeFell, "sent before the message above it")
		}
		v.lastSent = m.SentAt
	}
	c.appear(v, m, via, conn, now)
	if c.cfg.Keep.Messages != None {
		v.now[m.Seq] = &m
	} else {
		v.keptFrom = m.Seq + 1
	}
	v.next, v.heard, v.stuck = m.Seq+1, c.frames, 0
	if m.Kind == chatv1.MessageKind_MESSAGE_KIND_LEFT && m.Sender == c.user && !v.left {
		v.doubt = c.frames // the user's other device said so
	}
	if m.Sender == c.user && m.counts() {
		c.ownMark(v, m.Seq)
	}
}

// appear writes down that a message is on the screen, as it is then.
func (c *Client) appear(v *conversation, m Message, via Via, conn int, now time.Time) {
	c.n.Shown++
	s := Shown{Message: m, At: c.at(now), Via: via, Conn: conn}
	before := len(v.shown)
	v.shown = kept(v.shown, c.cfg.Keep.Messages, s)
	if len(v.shown) <= before && len(v.shown) > 0 { // it was cut
		v.keptFrom = v.shown[0].Seq
		for seq := range v.now {
			if seq < v.keptFrom {
				delete(v.now, seq)
			}
		}
	}
	if c.cfg.Hooks.Shown != nil {
		c.cfg.Hooks.Shown(v.id, s)
	}
}

// repeated compares a message with what is on the screen, and takes it if it is newer.
func (c *Client) repeated(v *conversation, m *Message, via Via, conn int, now time.Time) {
	if c.cfg.NoDedupe && via == Pushed {
		c.appear(v, *m, via, conn, now)
	}
	there := v.now[m.Seq]
	if there == nil {
		return
	}
	if m.RequestID == "" {
		m.RequestID = there.RequestID
	}
	switch {
	case there.RequestID == "":
		there.RequestID = m.RequestID
	case there.RequestID != m.RequestID:
		c.breach(now, v.id, m.Seq, SeqReused, "the request was "+there.RequestID+" and is "+m.RequestID)
	}
	switch {
	case m.Sender != there.Sender || m.Kind != there.Kind:
		c.breach(now, v.id, m.Seq, SeqReused, fmt.Sprintf("it was of %s and is of %s", there.Sender, m.Sender))
	case m.Rev > there.Rev:
		*there = *m
	case m.Rev == there.Rev && (m.Text != there.Text || m.Picture != there.Picture):
		c.breach(now, v.id, m.Seq, SeqReused, "its text or picture changed without a change")
	}
}

// takeChange takes a change of an older message and reports whether the client had it.
func (c *Client) takeChange(v *conversation, ch *chatv1.Change, now time.Time) (repeat bool) {
	rev := ch.GetRev()
	v.raise(0, rev)
	switch {
	case rev < 1:
		c.breach(now, v.id, ch.GetSeq(), NotProtocol, "a change without a number")
		return false
	case v.known && rev <= v.rev:
		return true
	case v.known && !v.wanted():
		return false // opening it fetches what there is
	case v.known && rev == v.rev+1:
		c.apply(v, ch)
		c.drainChanges(v)
	default:
		if v.heldChanges[rev] != nil {
			return true
		}
		c.n.Held++
		if len(v.heldChanges) < maxHeld {
			v.heldChanges[rev] = ch
		}
	}
	c.attend(v)
	return false
}

// drainChanges applies changes that were held and are next now.
func (c *Client) drainChanges(v *conversation) {
	for next := v.heldChanges[v.rev+1]; v.known && next != nil; next = v.heldChanges[v.rev+1] {
		delete(v.heldChanges, v.rev+1)
		c.apply(v, next)
	}
	for rev := range v.heldChanges {
		if v.known && rev <= v.rev {
			delete(v.heldChanges, rev)
		}
	}
}

// apply carries out the next change.
func (c *Client) apply(v *conversation, ch *chatv1.Change) {
	seq := ch.GetSeq()
	switch {
	case seq >= v.next:
		// Its message is not on the screen yet. One more than can be remembered stops the
		// count: it is asked for again when the messages are there.
		if v.lateChanges[seq] == nil && len(v.lateChanges) >= maxHeld {
			return
		}
		v.lateChanges[seq] = ch
	case v.now[seq] != nil:
		change(v.now[seq], ch)
	}
	v.rev = ch.GetRev()
}

// change changes a message, unless it shows that and more already. A text that is empty
// was replaced since, by a change that is still to come.
func change(m *Message, ch *chatv1.Change) {
	if ch.GetRev() <= m.Rev {
		return
	}
	switch {
	case ch.GetKind() == chatv1.ChangeKind_CHANGE_KIND_RECALLED:
		m.Text, m.Picture, m.Recalled = "", "", true
	case ch.GetText() == "":
		return
	default:
		m.Text = ch.GetText()
	}
	m.Rev = ch.GetRev()
}
