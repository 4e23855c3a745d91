package ops

import (
	"context"
	"time"

	"github.com/maypok86/otter/v2"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/delivery"
)

// maxLooking is how many of those who look at a room are named.
const maxLooking = 100

// ListLooking tells who looks at a room now: whose conns are in its hub group. Conns at a
// gateway that does not answer are left out.
func (s *Service) ListLooking(ctx context.Context, req *chatv1.ListLookingRequest) (*chatv1.ListLookingResponse, error) {
	c, id, err := inConversation(ctx, req.GetConversation())
	if err != nil {
		return nil, err
	}
	v, err := s.cfg.Store.View(ctx, c, id)
	if err == nil {
		err = chat.Allow(chat.OpSeeLooking, v.Role, v.Type)
	}
	if err != nil {
		return nil, err
	}
	crowd, err := s.crowds.of(ctx, id)
	s.tell("who looks", err)
	res := &chatv1.ListLookingResponse{Looking: int32(crowd.Conns)}
	if len(crowd.Users) == 0 {
		return res, nil
	}
	users, err := s.cfg.Store.Users(ctx, c.Realm, possible(crowd.Users), nil)
	if err != nil {
		return nil, err
	}
	for _, u := range users {
		res.Users = append(res.Users, protoUser(u))
	}
	return res, nil
}

// crowds remembers for a moment who looks where: everybody in a room asks for the same,
// and gateways should not have to walk through it for each.
type crowds struct {
	sender Sender
	now    func() time.Time
	known  *otter.Cache[chat.ConversationID, crowd]
}

type crowd struct {
	worker.Crowd
	until time.Time
}

const (
	crowdLasts  = time.Second
	crowdWait   = time.Second // for gateways
	crowdsKnown = 10_000
)

func newCrowds(s Sender, now func() time.Time) *crowds {
	return &crowds{s, now, otter.Must(&otter.Options[chat.ConversationID, crowd]{MaximumSize: crowdsKnown})}
}

// of returns who looks at a room. With an error it is those that are known of.
func (cs *crowds) of(ctx context.Context, id chat.ConversationID) (worker.Crowd, error) {
	now := cs.now()
	if have, ok := cs.known.GetIfPresent(id); ok && now.Before(have.until) {
		return have.Crowd, nil
	}
	within, cancel := context.WithTimeout(ctx, crowdWait)
	defer cancel()
	got, err := cs.sender.GroupUsers(within, delivery.Group(id), maxLooking)
	if ctx.Err() == nil { // also with an error: who stands still is not waited for by each
		cs.known.Set(id, crowd{got, now.Add(crowdLasts)})
	}
	return got, err
}
