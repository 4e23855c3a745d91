package store

import (
	"cmp"
	"slices"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// ground is what a batch finds under the locks of its conversations: all that its
// plan depends on. A plan changes nothing of it.
type ground struct {
	now           int64 // of the database's clock
	conversations map[string]*conversation
	stored        map[string]*message // by request key: what earlier requests stored
	role          func(conversation, user string) chat.Role
}

// planned is what a batch writes, and what its sends are told once it is committed.
type planned struct {
	answers       []answer        // of the sends, in their order
	conversations []*conversation // those that move, with their new counters, in order of id
	messages      []message       // in the order of the sends
	from          []int           // index of the send that each message comes from
	marks         []member        // read marks of the senders: only keys and marks are set
}

// plan decides about a batch. A send that may not be stored fails alone, and takes no
// number; the second of two with one request is answered with the first.
func plan(sends []*send, g ground) planned {
	out := planned{answers: make([]answer, len(sends))}
	moved := make(map[string]*conversation)
	fresh := make(map[string]int) // index in out.messages by request key
	marks := make(map[[2]string]int)
	for i, p := range sends {
		id, sender := string(p.draft.Conversation), string(p.caller.User)
		conv := g.conversations[id]
		if conv == nil || conv.Realm != string(p.caller.Realm) {
			out.answers[i].err = chat.ErrNoConversation
			continue
		}
		// Before the rights: whoever has left since is told what became of the request.
		if first := g.stored[p.key]; first != nil {
			out.answers[i] = repeated(p, first)
			continue
		}
		if j, ok := fresh[p.key]; ok {
			out.answers[i] = repeated(p, &out.messages[j])
			continue
		}
		err := chat.Allow(chat.OpSend, g.role(id, sender), chat.Type(conv.Type))
		if err == nil && p.draft.Late {
			err = chat.ErrLate
		}
		if err != nil {
			out.answers[i].err = err
			continue
		}
		if moved[id] == nil {
			c := *conv
			moved[id] = &c
			out.conversations = append(out.conversations, &c)
		}
		m := number(moved[id], p, g.now)
		fresh[p.key] = len(out.messages)
		out.messages = append(out.messages, m)
		out.from = append(out.from, i)
		out.answers[i].stored.Message = m.message()
		mark := member{ConversationID: id, UserID: sender, ReadSeq: m.Seq, ReadCount: m.Counted, ChangedAt: moved[id].ChangedAt}
		if j, ok := marks[[2]string{id, sender}]; ok {
			out.marks[j] = mark
			continue
		}
		marks[[2]string{id, sender}] = len(out.marks)
		out.marks = append(out.marks, mark)
	}
	slices.SortFunc(out.conversations, func(a, b *conversation) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// number gives a send the next number of its conversation, and moves that on.
func number(c *conversation, p *send, now int64) message {
	c.Seq++
	kind := p.draft.Kind()
	if kind.Counts() {
		c.Counted++
	}
	c.SentAt = max(c.SentAt, now) // the clock may have been set back
	c.ChangedAt = max(c.ChangedAt, now)
	return message{
		ConversationID: c.ID,
		Seq:            c.Seq,
		SenderID:       string(p.caller.User),
		Kind:           int8(kind),
		Body:           p.body,
		RequestKey:     &p.key,
		RequestID:      string(p.draft.Request),
		BodyHash:       p.hash,
		Counted:        c.Counted,
		SentAt:         c.SentAt,
	}
}

// repeated answers a send whose request has been stored as first.
func repeated(p *send, first *message) answer {
	if first.BodyHash != p.hash {
		return answer{err: fault.New(fault.Conflict, "requestId: was used for another message")}
	}
	return answer{stored: chat.Stored{Message: first.message(), Duplicate: true}}
}
