package ops

import (
	"context"
	"errors"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/auth"
)

var _ chatv1.ImageServiceServer = (*Service)(nil)

var (
	errTextAndImage  = fault.New(fault.Invalid, "text, image: one of the two")
	errForeignTicket = fault.New(fault.Invalid, "image: the ticket is for another user or conversation")
	errNoImage       = fault.New(fault.NotFound, "no such picture")
)

// IssueTicket says that a picture lies ready, or, if none is named, only whether the
// caller may send one.
func (s *Service) IssueTicket(ctx context.Context, req *chatv1.IssueTicketRequest) (*chatv1.IssueTicketResponse, error) {
	c, id, err := inConversation(ctx, req.GetConversation())
	image := imageOf(req.GetImage())
	if image.File != "" {
		err = first(err, image.Check())
	}
	if err != nil {
		return nil, err
	}
	v, err := s.cfg.Store.View(ctx, c, id)
	if err == nil {
		err = chat.Allow(chat.OpSend, v.Role, v.Type)
	}
	if err != nil || image.File == "" {
		return &chatv1.IssueTicketResponse{Seq: int64(v.Seq)}, err
	}
	ticket, err := s.cfg.Tokens.Ticket(auth.Ticket{Realm: c.Realm, User: c.User, Conversation: id, Image: image})
	if err != nil {
		return nil, err
	}
	return &chatv1.IssueTicketResponse{Ticket: ticket, Seq: int64(v.Seq)}, nil
}

// FindImage returns the picture of a message that the caller may read now.
func (s *Service) FindImage(ctx context.Context, req *chatv1.FindImageRequest) (*chatv1.FindImageResponse, error) {
	c, id, err := inConversation(ctx, req.GetConversation())
	if err := first(err, checkSeq(req.GetSeq())); err != nil {
		return nil, err
	}
	seq := chat.Seq(req.GetSeq())
	page, err := s.cfg.Store.Messages(ctx, c, id, chat.Range{After: seq - 1, Before: seq + 1, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(page.Messages) == 0 || page.Messages[0].Image == nil {
		return nil, errNoImage
	}
	image := protoImage(page.Messages[0].Image)
	image.File = page.Messages[0].Image.File
	return &chatv1.FindImageResponse{Image: image}, nil
}

// draft is what a request asks to be stored: a text, or the picture of a ticket. A ticket
// that has ended still answers for what it was used for before.
func (s *Service) draft(c chat.Caller, id chat.ConversationID, req *chatv1.SendMessageRequest) (chat.Draft, error) {
	d := chat.Draft{Conversation: id, Request: chat.RequestID(req.GetRequestId()), Text: req.GetText()}
	if err := d.Request.Check(); err != nil {
		return d, err
	}
	switch {
	case req.GetImage() == "":
		return d, chat.CheckText(d.Text)
	case d.Text != "":
		return d, errTextAndImage
	}
	ticket, err := s.cfg.Tokens.VerifyTicket(req.GetImage())
	if d.Late = errors.Is(err, auth.ErrTicketEnded); err != nil && !d.Late {
		return d, err
	}
	if ticket.Realm != c.Realm || ticket.User != c.User || ticket.Conversation != id {
		return d, errForeignTicket
	}
	d.Image = &ticket.Image
	return d, nil
}

func imageOf(i *chatv1.Image) chat.Image {
	return chat.Image{Type: i.GetType(), Width: i.GetWidth(), Height: i.GetHeight(), Bytes: i.GetBytes(), Name: i.GetName(), File: i.GetFile()}
}

// protoImage is a picture as clients see it: without where its bytes are.
func protoImage(i *chat.Image) *chatv1.Image {
	return &chatv1.Image{Type: i.Type, Width: i.Width, Height: i.Height, Bytes: i.Bytes, Name: i.Name}
}
