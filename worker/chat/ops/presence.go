package ops

import (
	"context"
	"slices"
	"time"

	"github.com/maypok86/otter/v2"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/worker/chat"
)

// SetTyping tells the others that the caller types.
func (s *Service) SetTyping(ctx context.Context, req *chatv1.SetTypingRequest) (*chatv1.SetTypingResponse, error) {
	c, id, err := inConversation(ctx, req.GetConversation())
	if err != nil {
		return nil, err
	}
	to, err := s.audiences.of(ctx, c, id, chat.OpType)
	if err != nil {
		return nil, err
	}
	s.tell("typing", s.cfg.Courier.Typing(ctx, without(to, c.User), c.User, req.GetTyping(), origin(ctx)))
	return &chatv1.SetTypingResponse{}, nil
}

// GetPresence says who is online of those that the caller shares a direct conversation
// or a group chat with.
func (s *Service) GetPresence(ctx context.Context, req *chatv1.GetPresenceRequest) (*chatv1.GetPresenceResponse, error) {
	c, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	users, err := usersOf(req.GetUsers())
	if err != nil {
		return nil, err
	}
	shared, err := s.cfg.Store.Shared(ctx, c, users)
	if err != nil {
		return nil, err
	}
	res := &chatv1.GetPresenceResponse{}
	if s.cfg.Presence != nil {
		res.Presences = s.cfg.Presence.Look(shared)
	}
	return res, nil
}

// without is an audience without one of them. What it was made of is shared, and stays.
func without(to chat.Outgoing, u chat.UserID) chat.Outgoing {
	to.Recipients = slices.DeleteFunc(slices.Clone(to.Recipients), func(r chat.UserID) bool { return r == u })
	return to
}

// audiences remembers for a few seconds to whom passing things go: a conversation in
// which somebody types is asked for again and again. Who has left may be told for that
// long that others type, and who came may miss it.
type audiences struct {
	store chat.Store
	known *otter.Cache[audienceKey, chat.Outgoing]
}

type audienceKey struct {
	caller chat.Caller
	id     chat.ConversationID
	op     chat.Op
}

const (
	audienceLasts = 5 * time.Second
	audiencesHeld = 10_000
)

func newAudiences(s chat.Store) *audiences {
	return &audiences{s, otter.Must(&otter.Options[audienceKey, chat.Outgoing]{
		MaximumSize: audiencesHeld, ExpiryCalculator: otter.ExpiryWriting[audienceKey, chat.Outgoing](audienceLasts),
	})}
}

// of returns to whom op goes, and checks the caller's right to it.
func (a *audiences) of(ctx context.Context, c chat.Caller, id chat.ConversationID, op chat.Op) (chat.Outgoing, error) {
	key := audienceKey{c, id, op}
	if to, ok := a.known.GetIfPresent(key); ok {
		return to, nil
	}
	to, err := a.store.Audience(ctx, c, id, op)
	if err == nil {
		a.known.Set(key, to)
	}
	return to, err
}
