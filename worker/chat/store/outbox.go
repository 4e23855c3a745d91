package store

import (
	"math/rand/v2"
	"time"

	"github.com/parley-im/parley/worker/chat"
)

// publishLease is how long a row whose fan-out is done is left alone when its event
// is not out yet. The bus is away then, for seconds or hours: asking for such rows as
// often as for those that somebody waits for would be work for nothing.
const publishLease = 15 * time.Second

// The bits of an id of the outbox below the time.
const (
	chanceBits = 22
	chanceMask = 1<<chanceBits - 1
)

// outboxIDs returns n ids in ascending order: the time in milliseconds, by the clock
// of this process, and below it chance. Time keeps the rows of an index together, and
// nothing else is read from it. Two processes that draw the same in one millisecond
// find out by the primary key, and the batch is stored again with other ids.
func outboxIDs(n int) []int64 {
	ids := make([]int64, n)
	at := time.Now().UnixMilli()
	for i, draw := 0, rand.Int64N(chanceMask+1-int64(n)); i < n; i++ {
		ids[i] = at<<chanceBits | (draw + int64(i))
	}
	return ids
}

// row makes the row of something that this store leaves to be done, and marks what
// need not be. now is the database's clock.
func (s *Store) row(o *chat.Outgoing, number, now int64) outboxRow {
	row := outboxRow{
		ID:             o.ID,
		ConversationID: string(o.Conversation),
		Kind:           int8(o.Kind),
		Number:         number,
		Owner:          s.cfg.Owner,
		LeaseUntil:     now + chat.Lease.Milliseconds(),
		CreatedAt:      now,
	}
	if !s.cfg.Bus { // nobody waits for it
		o.Published, row.Published = true, 1
	}
	return row
}

// outgoing is what all that is left to be done in a conversation has in common.
func outgoing(id int64, kind chat.OutgoingKind, c *conversation, stored int64) chat.Outgoing {
	return chat.Outgoing{
		ID:           id,
		Kind:         kind,
		Realm:        chat.Realm(c.Realm),
		Conversation: chat.ConversationID(c.ID),
		Type:         chat.Type(c.Type),
		Width:        c.width(),
		Stored:       moment(stored),
	}
}

// outgoingMessage is a message to be told; r is nil for a wide conversation.
func outgoingMessage(id int64, c *conversation, m *chat.Message, r *roster, stored int64) chat.Outgoing {
	o := outgoing(id, chat.OutMessage, c, stored)
	o.Message = m
	if r != nil {
		o.Recipients = r.who(int64(m.Seq))
	}
	if m.Kind == chat.Left {
		o.Removed = []chat.UserID{m.Sender}
	}
	return o
}

// outgoingChange is a change to be told. Who came after the message does not see it,
// nor what becomes of it: by ids they are left out, and a hub group with such a one in it
// has a veil.
func outgoingChange(id int64, c *conversation, ch *chat.Change, r *roster, v *veil, stored int64) chat.Outgoing {
	o := outgoing(id, chat.OutChange, c, stored)
	o.Change, o.Veiled = ch, v.over(c, ch)
	if r != nil {
		o.Recipients = r.who(int64(ch.Seq))
	}
	return o
}
