package ops

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// SendMessage stores a message. Whoever is online hears of it after the commit, by
// package delivery.
func (s *Service) SendMessage(ctx context.Context, req *chatv1.SendMessageRequest) (*chatv1.SendMessageResponse, error) {
	c, id, err := inConversation(ctx, req.GetConversation())
	if err != nil {
		return nil, err
	}
	d, err := s.draft(c, id, req)
	if err != nil {
		return nil, err
	}
	d.Origin = originName(ctx)
	stored, err := s.cfg.Store.Send(ctx, c, d)
	if err != nil {
		return nil, err
	}
	return &chatv1.SendMessageResponse{Message: protoMessage(&stored.Message, c.User), Duplicate: proto.Bool(stored.Duplicate)}, nil
}

// GetMessages returns messages by their numbers.
func (s *Service) GetMessages(ctx context.Context, req *chatv1.GetMessagesRequest) (*chatv1.GetMessagesResponse, error) {
	c, id, err := inConversation(ctx, req.GetConversation())
	if req.GetAfter() < 0 || req.GetBefore() < 0 {
		err = first(err, fault.New(fault.Invalid, "after and before: from 0"))
	}
	if err != nil {
		return nil, err
	}
	page, err := s.cfg.Store.Messages(ctx, c, id, chat.Range{
		After: chat.Seq(req.GetAfter()), Before: chat.Seq(req.GetBefore()), Limit: limitOf(req.GetLimit(), 100, 500),
	})
	if err != nil {
		return nil, err
	}
	list := page.Messages
	up := req.GetAfter() > 0 // otherwise the newest matter most
	keep := fitting(len(list), func(i int) int {
		if !up {
			i = len(list) - 1 - i
		}
		return weighMessage(&list[i])
	})
	if keep < len(list) {
		page.More = true
		if up {
			list = list[:keep]
		} else {
			list = list[len(list)-keep:]
		}
	}
	res := &chatv1.GetMessagesResponse{
		More: proto.Bool(page.More), FirstSeq: int64(page.FirstSeq), HeadSeq: int64(page.Head), HeadRev: int64(page.HeadRev),
	}
	for i := range list {
		res.Messages = append(res.Messages, protoMessage(&list[i], c.User))
	}
	return res, nil
}

// EditMessage replaces a text.
func (s *Service) EditMessage(ctx context.Context, req *chatv1.EditMessageRequest) (*chatv1.EditMessageResponse, error) {
	c, id, err := inConversation(ctx, req.GetConversation())
	a := chat.Amendment{
		Conversation: id, Seq: chat.Seq(req.GetSeq()), Kind: chat.Edited, Base: chat.Rev(req.GetBaseRev()),
		Text: req.GetText(), Request: chat.RequestID(req.GetRequestId()), Origin: originName(ctx),
	}
	if err := first(err, checkSeq(req.GetSeq()), a.Request.Check(), chat.CheckText(a.Text)); err != nil {
		return nil, err
	}
	done, err := s.amend(ctx, c, a)
	if err != nil {
		return nil, err
	}
	return &chatv1.EditMessageResponse{Change: protoChange(&done.Change), Duplicate: proto.Bool(done.Duplicate)}, nil
}

// RecallMessage takes a text away.
func (s *Service) RecallMessage(ctx context.Context, req *chatv1.RecallMessageRequest) (*chatv1.RecallMessageResponse, error) {
	c, id, err := inConversation(ctx, req.GetConversation())
	a := chat.Amendment{
		Conversation: id, Seq: chat.Seq(req.GetSeq()), Kind: chat.Recalled, Request: chat.RequestID(req.GetRequestId()), Origin: originName(ctx),
	}
	if err := first(err, checkSeq(req.GetSeq()), a.Request.Check()); err != nil {
		return nil, err
	}
	done, err := s.amend(ctx, c, a)
	if err != nil {
		return nil, err
	}
	return &chatv1.RecallMessageResponse{Change: protoChange(&done.Change), Duplicate: proto.Bool(done.Duplicate)}, nil
}

// The bounds of edits and recalls, of each user at each worker: so many at once, and then
// one more each interval. In a group chat that is sent to by its hub group an edit may
// have everybody who is online ask what has changed.
const (
	amendsAtOnce  = 30
	amendEvery    = 500 * time.Millisecond
	amendersKnown = 100_000 // users remembered; the least used go
)

// amend stores a change, unless its user makes too many.
func (s *Service) amend(ctx context.Context, c chat.Caller, a chat.Amendment) (chat.Amended, error) {
	if !s.amends.take(c.User, amendEvery, amendsAtOnce) {
		return chat.Amended{}, fault.New(fault.RateLimited, "too many changes: wait a little").After(amendEvery)
	}
	return s.cfg.Store.Amend(ctx, c, a)
}

func checkSeq(seq int64) error {
	if seq < 1 {
		return fault.New(fault.Invalid, "seq: from 1")
	}
	return nil
}

// GetChanges returns what was edited or recalled after a rev.
func (s *Service) GetChanges(ctx context.Context, req *chatv1.GetChangesRequest) (*chatv1.GetChangesResponse, error) {
	c, id, err := inConversation(ctx, req.GetConversation())
	if req.GetAfter() < 0 {
		err = first(err, fault.New(fault.Invalid, "after: from 0"))
	}
	if err != nil {
		return nil, err
	}
	list, err := s.cfg.Store.Changes(ctx, c, id, chat.Rev(req.GetAfter()), limitOf(req.GetLimit(), 100, 500))
	if err != nil {
		return nil, err
	}
	keep := fitting(len(list.Changes), func(i int) int { return weigh(list.Changes[i].Text, 0) })
	res := &chatv1.GetChangesResponse{
		More: proto.Bool(list.More || keep < len(list.Changes)), RefetchFrom: int64(list.RefetchFrom), HeadRev: int64(list.HeadRev),
	}
	for i := range keep {
		res.Changes = append(res.Changes, protoChange(&list.Changes[i]))
	}
	return res, nil
}

// MarkRead raises the caller's read mark and tells the others, rooms aside, and the
// caller's other devices. Of a mark that has not moved nobody hears.
func (s *Service) MarkRead(ctx context.Context, req *chatv1.MarkReadRequest) (*chatv1.MarkReadResponse, error) {
	c, id, err := inConversation(ctx, req.GetConversation())
	if err := first(err, checkSeq(req.GetSeq())); err != nil {
		return nil, err
	}
	v, moved, err := s.cfg.Store.MarkRead(ctx, c, id, chat.Seq(req.GetSeq()))
	if err != nil {
		return nil, err
	}
	if moved {
		s.tell("receipt", s.cfg.Courier.OwnReceipt(ctx, v, c.User, origin(ctx)))
		if v.Type != chat.Room && s.passing.receipt(speakerOf(ctx, c)) {
			to, err := s.audiences.of(ctx, c, id, chat.OpMarkRead)
			if err == nil && to.Width == chat.Narrow { // of 5,000 each would hear of 5,000
				err = s.cfg.Courier.Receipt(ctx, without(to, c.User), c.User, v.ReadSeq)
			}
			s.tell("receipt", err)
		}
	}
	return &chatv1.MarkReadResponse{ReadSeq: int64(v.ReadSeq), Unread: v.Unread()}, nil
}
