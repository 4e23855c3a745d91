package bots

import (
	"context"
	"time"

	"golang.org/x/time/rate"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
)

// consider decides whether a message is to be answered, and has that done.
func (b *bot) consider(ctx context.Context, h heard) {
	m := h.message
	s, known := b.client.Screen(h.conversation)
	if !known || m.Recalled || m.Kind != chatv1.MessageKind_MESSAGE_KIND_TEXT && m.Kind != chatv1.MessageKind_MESSAGE_KIND_IMAGE {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.talks[h.conversation]
	if t == nil {
		if len(b.talks) >= maxTalks {
			clear(b.talks) // read marks say what was answered
		}
		t = &talk{handled: s.ReadSeq, pace: rate.NewLimiter(rate.Every(answerEvery), answersOnce)}
		b.talks[h.conversation] = t
	}
	if b.users[m.Sender] || m.Seq <= t.handled || s.Type != chatv1.ConversationType_CONVERSATION_TYPE_DIRECT && !names(b.account, m.Text) {
		return
	}
	t.handled = m.Seq
	if l := languageOf(b.account, m.Text); l != "" {
		t.language = l
	}
	// What is said while an answer is typed is answered together, once.
	if t.waiting = &m; t.busy || !t.pace.Allow() || !b.pace.Allow() {
		return
	}
	t.busy = true
	b.answering.Go(func() { b.answer(ctx, h.conversation, t, s.Type) })
}

// answer types and answers until nothing waits, or the bot has said enough.
func (b *bot) answer(ctx context.Context, conversation string, t *talk, kind chatv1.ConversationType) {
	for first := true; ; first = false {
		b.mu.Lock()
		m := t.waiting
		if m == nil || ctx.Err() != nil || !first && !(t.pace.Allow() && b.pace.Allow()) {
			t.busy = false
			b.mu.Unlock()
			return
		}
		text := say(b.account.Name, t.language, m)
		b.mu.Unlock()
		if kind != chatv1.ConversationType_CONVERSATION_TYPE_ROOM {
			_ = b.typing(ctx, conversation) // who does not see it sees the answer
		}
		pause(ctx, b.thinking(text))
		b.mu.Lock()
		seen := t.waiting
		t.waiting = nil
		if seen != m {
			text = say(b.account.Name, t.language, seen)
		}
		b.mu.Unlock()
		if ctx.Err() != nil {
			continue
		}
		if err := b.send(ctx, conversation, text); err != nil && ctx.Err() == nil {
			b.log.Warn("not answered", "conversation", conversation, "err", err)
		}
	}
}

// typingWithin is how long news that one types is worth something.
const typingWithin = time.Second

func (b *bot) typing(ctx context.Context, conversation string) error {
	ctx, cancel := context.WithTimeout(ctx, typingWithin)
	defer cancel()
	return b.client.SetTyping(ctx, conversation, true)
}

// send answers. The message is sent until it is stored, whatever dies meanwhile; the read
// mark goes with it.
func (b *bot) send(ctx context.Context, conversation, text string) error {
	sending, err := b.client.Send(conversation, text)
	if err != nil {
		return err
	}
	_, err = sending.Wait(ctx)
	return err
}
