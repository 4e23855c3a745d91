package chatclient

import (
	"time"

	"google.golang.org/protobuf/proto"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
)

// pushed takes a notification. It is written down as it came, whatever becomes of it.
func (c *Client) pushed(l *line, method string, params []byte, now time.Time) {
	c.n.Received++
	r := Received{Conn: l.n, At: c.at(now), Method: method}
	switch method {
	case "message":
		if p, ok := reads(c, &chatv1.MessagePush{}, &r, params, now); ok {
			c.pushedMessage(p.GetMessage(), &r, now)
		}
	case "messageChanged":
		if p, ok := reads(c, &chatv1.MessageChangedPush{}, &r, params, now); ok {
			c.pushedChange(p.GetChange(), &r, now)
		}
	case "receipt":
		if p, ok := reads(c, &chatv1.ReceiptPush{}, &r, params, now); ok {
			c.receipt(p, &r, now)
		}
	case "conversationChanged":
		if p, ok := reads(c, &chatv1.ConversationChangedPush{}, &r, params, now); ok {
			c.conversationChanged(p, &r, now)
		}
	case "typing":
		if p, ok := reads(c, &chatv1.TypingPush{}, &r, params, now); ok {
			c.typing(p, &r, now)
		}
	case "presence":
		if p, ok := reads(c, &chatv1.PresencePush{}, &r, params, now); ok {
			r.User = c.intern(p.GetPresence().GetUser())
			c.present(p.GetPresence())
		}
	case "renew":
		c.renewAt = now
		c.wakeUp()
	case "sessionRevoked":
		// The close behind it says that there is no coming back.
	case "resync":
		c.n.Resyncs++
		c.compareHeads()
		c.lookAround()
	default:
		c.n.Unknown++
	}
	if r.Duplicate {
		c.n.Duplicates++
	}
	c.received = kept(c.received, c.cfg.Keep.Received, r)
	if c.cfg.Hooks.Push != nil {
		c.cfg.Hooks.Push(method, params)
	}
}

// reads reads the params of a push into p.
func reads[P proto.Message](c *Client, p P, r *Received, params []byte, now time.Time) (P, bool) {
	if err := decoding.Unmarshal(params, p); err != nil {
		c.breach(now, "", 0, NotProtocol, "the params of "+r.Method+" are not what they should be")
		return p, false
	}
	return p, true
}

// about finds the conversation that a push is about; nil when it does not say.
func (c *Client) about(id string, r *Received, now time.Time) *conversation {
	if id == "" {
		c.breach(now, "", 0, NotProtocol, r.Method+" of no conversation")
		return nil
	}
	v := c.conversation(id)
	v.touched = c.frames
	r.Conversation = v.id
	return v
}

func (c *Client) pushedMessage(m *chatv1.Message, r *Received, now time.Time) {
	if v := c.about(m.GetConversation(), r, now); v != nil {
		taken := c.messageOf(m)
		r.User, r.Seq, r.Rev = taken.Sender, taken.Seq, taken.Rev
		r.Duplicate = c.take(v, taken, Pushed, r.Conn, now)
	}
}

func (c *Client) pushedChange(ch *chatv1.Change, r *Received, now time.Time) {
	if v := c.about(ch.GetConversation(), r, now); v != nil {
		r.User, r.Seq, r.Rev = c.intern(ch.GetActor()), ch.GetSeq(), ch.GetRev()
		r.Duplicate = c.takeChange(v, ch, now)
	}
}

// maxReads bounds the marks of others, and those who type, per conversation; of further
// ones nothing is known.
const maxReads = 1024

// receipt takes a read mark, the user's or another's.
func (c *Client) receipt(p *chatv1.ReceiptPush, r *Received, now time.Time) {
	v := c.about(p.GetConversation(), r, now)
	if v == nil {
		return
	}
	r.User, r.Seq = c.intern(p.GetUser()), p.GetReadSeq()
	if r.User == c.user {
		c.markedRead(v, p.GetReadSeq(), p.GetUnread(), 0, now)
		return
	}
	if have, known := v.reads[r.User]; known || len(v.reads) < maxReads {
		v.reads[r.User] = max(have, p.GetReadSeq())
	}
}

// conversationChanged takes news about who is in a conversation. The head in it is
// nobody's, so of one that is new, or left, the user's own is asked for.
func (c *Client) conversationChanged(p *chatv1.ConversationChangedPush, r *Received, now time.Time) {
	cv := p.GetConversation()
	v := c.about(cv.GetId(), r, now)
	if v == nil {
		return
	}
	r.Seq, r.Rev = cv.GetHead().GetSeq(), cv.GetHead().GetRev()
	if cv.GetType() != 0 {
		v.kind = cv.GetType()
	}
	if cv.GetName() != "" {
		v.name = cv.GetName()
	}
	switch {
	case p.GetLeft() && !v.left, !p.GetLeft() && (v.left || !v.known), v.doubt > 0:
		v.doubt = c.frames // pushes may overtake each other, and answers
	case v.wanted():
		v.raise(r.Seq, r.Rev)
	}
	c.attend(v)
}

// typingLasts is how long somebody types without saying so again.
const typingLasts = 6 * time.Second

func (c *Client) typing(p *chatv1.TypingPush, r *Received, now time.Time) {
	v := c.about(p.GetConversation(), r, now)
	if v == nil {
		return
	}
	r.User = c.intern(p.GetUser())
	if !p.GetTyping() {
		delete(v.typing, r.User)
		return
	}
	if _, known := v.typing[r.User]; known || len(v.typing) < maxReads {
		v.typing[r.User] = now.Add(typingLasts)
	}
}
