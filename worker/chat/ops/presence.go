package ops

import (
	"context"
	"slices"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// SetTyping tells the others that the caller types, unless it was told just now, or too
// much was.
func (s *Service) SetTyping(ctx context.Context, req *chatv1.SetTypingRequest) (*chatv1.SetTypingResponse, error) {
	c, id, err := inConversation(ctx, req.GetConversation())
	if err != nil {
		return nil, err
	}
	to, err := s.audiences.of(ctx, c, id, chat.OpType)
	if err != nil {
		return nil, err
	}
	if !s.passing.typing(speakerOf(ctx, c), id, req.GetTyping()) {
		return &chatv1.SetTypingResponse{}, nil
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
	if len(req.GetUsers()) > chat.MaxUsersPerRequest {
		return nil, errManyUsers
	}
	users := possible(req.GetUsers())
	shared, err := s.cfg.Store.Shared(ctx, c, users)
	if err != nil {
		return nil, err
	}
	res := &chatv1.GetPresenceResponse{}
	if s.cfg.Presence != nil {
		if !s.cfg.Presence.Whole() {
			return nil, patient(fault.New(fault.Unavailable, "who is there is not known yet"))
		}
		res.Presences = s.cfg.Presence.Look(c.User, shared)
	}
	return res, nil
}

// without is an audience without one of them. What it was made of is shared, and stays.
func without(to chat.Outgoing, u chat.UserID) chat.Outgoing {
	to.Recipients = slices.DeleteFunc(slices.Clone(to.Recipients), func(r chat.UserID) bool { return r == u })
	return to
}
