package ops

import (
	"context"
	"fmt"
	"time"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// maxUses is how many pictures api asks about at once.
const maxUses = 200

// FindUses tells api which of the pictures that were to be sent into a conversation were.
func (s *Service) FindUses(ctx context.Context, req *chatv1.FindUsesRequest) (*chatv1.FindUsesResponse, error) {
	if err := countUses(len(req.GetFiles())); err != nil {
		return nil, err
	}
	wanted := make(map[string]bool, len(req.GetFiles()))
	for _, f := range req.GetFiles() {
		wanted[f] = true
	}
	var until time.Time
	if req.GetUntil() != nil {
		until = req.GetUntil().AsTime()
	}
	found, next, err := s.cfg.Store.FindPictures(ctx, chat.ConversationID(req.GetConversation()), chat.Seq(req.GetAfter()), until)
	if err != nil {
		return nil, err
	}
	res := &chatv1.FindUsesResponse{Next: int64(next)}
	for _, m := range found {
		if m.Image != nil && wanted[m.Image.File] {
			res.Uses = append(res.Uses, &chatv1.ImageUse{File: m.Image.File, Seq: int64(m.Seq)})
		}
	}
	return res, nil
}

// FindRecalled tells api which messages have their pictures no more.
func (s *Service) FindRecalled(ctx context.Context, req *chatv1.FindRecalledRequest) (*chatv1.FindRecalledResponse, error) {
	if err := countUses(len(req.GetUses())); err != nil {
		return nil, err
	}
	uses := make([]chat.PictureUse, len(req.GetUses()))
	for i, u := range req.GetUses() {
		uses[i] = chat.PictureUse{File: u.GetFile(), Conversation: chat.ConversationID(u.GetConversation()), Seq: chat.Seq(u.GetSeq())}
	}
	lacking, err := s.cfg.Store.LackPictures(ctx, uses)
	if err != nil {
		return nil, err
	}
	return &chatv1.FindRecalledResponse{Files: lacking}, nil
}

func countUses(n int) error {
	if n > maxUses {
		return fault.New(fault.TooLarge, fmt.Sprintf("at most %d pictures at once", maxUses))
	}
	return nil
}
