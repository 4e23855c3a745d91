package traffic

import (
	"context"
	"fmt"
	"time"

	"github.com/parley-im/parley/deploy/verify/screens"
	chatv1 "github.com/parley-im/parley/proto/chat/v1"
)

// result is what came of it.
type result struct {
	screens.Findings
	talked   time.Duration
	sockets  sockets
	kills    map[string]int
	waiting  int // sends that have no answer
	toBeSeen int // messages, times those who have to see them
	seen     int
}

func (r *result) lost() int    { return r.Unstored + r.Findings.Lost + r.waiting }
func (r *result) doubled() int { return r.Twice + r.Findings.Doubled }

// wrong is what else is broken: holes and swapped lines, texts and counts that differ.
func (r *result) wrong() int {
	return r.Broken() - r.Unstored - r.Findings.Lost - r.Twice - r.Findings.Doubled
}

func (r *result) ok() bool { return r.lost()+r.doubled()+r.wrong()+r.sockets.dropped == 0 }

// judge waits until everything has come to rest and compares what the bots have on their
// screens with what the store has.
func (w *crowd) judge(ctx context.Context, k *kills) (*result, error) {
	r := &result{talked: time.Since(w.start), kills: k.n}
	settling, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	for w.unsettled() > 0 && pause(settling, 100*time.Millisecond) {
	}
	rec := &screens.Record{Conversations: map[string]*screens.Conversation{}}
	for id, members := range w.groups {
		v, err := stored(ctx, id, members)
		if err != nil {
			return nil, err
		}
		rec.Conversations[id] = v
		r.toBeSeen += int(v.Counted) * len(members)
	}
	// Who is told last what the store has: a screen that is behind it gets a moment.
	for w.behind(rec) > 0 && pause(settling, 100*time.Millisecond) {
	}
	r.sockets = k.sockets()
	for _, b := range w.bots {
		log := b.client.Log()
		for id := range log.Conversations {
			if rec.Conversations[id] == nil {
				delete(log.Conversations, id) // of an earlier run
			}
		}
		d := screens.NewDevice(b.name, log)
		for _, id := range b.talksIn {
			d.Sees[id] = true
		}
		for _, s := range d.Sent {
			if s.Acked == 0 {
				r.waiting++
			}
		}
		rec.Devices = append(rec.Devices, d)
	}
	r.seen = w.live(k).seen
	r.Findings = screens.Compare(rec)
	return r, nil
}

// unsettled counts bots that still have something to do.
func (w *crowd) unsettled() (n int) {
	for _, b := range w.bots {
		if done, _ := b.client.Settled(); !done {
			n++
		}
	}
	return n
}

// behind counts screens that are shorter than their conversations.
func (w *crowd) behind(rec *screens.Record) (n int) {
	for id, members := range w.groups {
		for _, b := range members {
			if s, ok := b.client.Screen(id); !ok || s.Next <= rec.Conversations[id].Seq {
				n++
			}
		}
	}
	return n
}

// perPage is how many messages a call asks for.
const perPage = 200

// stored is what the store has of a conversation, by ordinary calls of those in it: each
// is told the request ids of its own messages only.
func stored(ctx context.Context, id string, members []*bot) (*screens.Conversation, error) {
	v := &screens.Conversation{ID: id, Members: map[string]screens.Member{}}
	for i, b := range members {
		own, err := b.history(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("the history of %s: %w", b.name, err)
		}
		if i == 0 {
			v.Messages = own
		}
		if len(own) != len(v.Messages) {
			return nil, fmt.Errorf("%s is told of %d messages, %s of %d", members[0].name, len(v.Messages), b.name, len(own))
		}
		for n, m := range own {
			if m.Request != "" {
				v.Messages[n].Request = m.Request
			}
		}
		head, err := b.client.GetConversation(ctx, id)
		if err != nil {
			return nil, err
		}
		h := head.GetConversation().GetHead()
		v.Seq, v.Rev = h.GetSeq(), h.GetRev()
		m := screens.Member{FromSeq: h.GetFromSeq(), ReadSeq: h.GetReadSeq()}
		for _, one := range own {
			if one.Counts && one.Seq <= m.ReadSeq {
				m.ReadCount++
			}
		}
		v.Members[b.client.User()] = m
	}
	for _, m := range v.Messages {
		if m.Counts {
			v.Counted++
		}
	}
	return v, nil
}

// history is everything in a conversation, as the bot is told.
func (b *bot) history(ctx context.Context, id string) (list []screens.Message, err error) {
	for after := int64(0); ; {
		// After 0 the newest come: the first page is asked for from its other end.
		req := &chatv1.GetMessagesRequest{Conversation: id, After: after, Limit: perPage}
		if after == 0 {
			req.Before = perPage + 1
		}
		page, err := b.client.GetMessages(ctx, req)
		if err != nil {
			return nil, err
		}
		for _, m := range page.GetMessages() {
			one := screens.Message{
				Seq: m.GetSeq(), Sender: m.GetSender(), Request: m.GetRequestId(), Text: m.GetText(), Rev: m.GetRev(),
				Counts: m.GetKind() == chatv1.MessageKind_MESSAGE_KIND_TEXT,
			}
			if !one.Counts {
				one.Request = "" // a line of the system is nobody's send
			}
			list = append(list, one)
			after = m.GetSeq()
		}
		if len(page.GetMessages()) == 0 || after >= page.GetHeadSeq() {
			return list, nil
		}
	}
}
