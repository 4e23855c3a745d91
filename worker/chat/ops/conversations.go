package ops

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/delivery"
	"github.com/parley-im/parley/worker/rpc"
)

var errManyUsers = fault.New(fault.TooLarge, fmt.Sprintf("at most %d users at once", chat.MaxUsersPerRequest))

// usersOf checks the ids of a request.
func usersOf(list []string) ([]chat.UserID, error) {
	if len(list) > chat.MaxUsersPerRequest {
		return nil, errManyUsers
	}
	users := make([]chat.UserID, len(list))
	for i, id := range list {
		users[i] = chat.UserID(id)
		if err := chat.CheckID("user", users[i]); err != nil {
			return nil, err
		}
	}
	return users, nil
}

// possible are those of ids that somebody could have; of the others nothing is known.
func possible(list []string) []chat.UserID {
	ids := make([]chat.UserID, 0, len(list))
	for _, id := range list {
		if chat.CheckID("user", chat.UserID(id)) == nil {
			ids = append(ids, chat.UserID(id))
		}
	}
	return ids
}

// limitOf is how many rows a page has.
func limitOf(asked int32, usual, most int) int {
	switch {
	case asked <= 0:
		return usual
	case int(asked) > most:
		return most
	}
	return int(asked)
}

// inConversation checks who calls and which conversation is meant.
func inConversation(ctx context.Context, conversation string) (chat.Caller, chat.ConversationID, error) {
	c, err := callerOf(ctx)
	id := chat.ConversationID(conversation)
	return c, id, first(err, chat.CheckID("conversation", id))
}

// CreateDirect returns the conversation with another user.
func (s *Service) CreateDirect(ctx context.Context, req *chatv1.CreateDirectRequest) (*chatv1.CreateDirectResponse, error) {
	c, err := callerOf(ctx)
	peer := chat.UserID(req.GetUser())
	if err := first(err, chat.CheckID("user", peer)); err != nil {
		return nil, err
	}
	made, err := s.cfg.Store.OpenDirect(ctx, c, peer)
	if err != nil {
		return nil, err
	}
	if !made.Duplicate {
		s.changed(ctx, &made.View, []chat.UserID{c.User})
		if peer != c.User {
			theirs := made.View
			theirs.Peer = c.User
			s.changed(ctx, &theirs, []chat.UserID{peer})
		}
	}
	return &chatv1.CreateDirectResponse{Conversation: s.done(ctx, &made.View), Duplicate: proto.Bool(made.Duplicate)}, nil
}

// changed tells users that a conversation was made or changed. Marks are each one's own.
func (s *Service) changed(ctx context.Context, v *chat.View, to []chat.UserID) {
	push := protoConversation(v)
	push.Head.ReadSeq, push.Head.Unread, push.Head.FromSeq, push.Role = 0, 0, 0, chatv1.Role_ROLE_UNSPECIFIED
	s.tell("conversationChanged", s.cfg.Courier.ConversationChanged(ctx, to, &chatv1.ConversationChangedPush{Conversation: push}, origin(ctx)))
}

// CreateGroup makes a group chat.
func (s *Service) CreateGroup(ctx context.Context, req *chatv1.CreateGroupRequest) (*chatv1.CreateGroupResponse, error) {
	c, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	users, err := usersOf(req.GetUsers())
	request := chat.RequestID(req.GetRequestId())
	if err := first(err, chat.CheckTitle(req.GetName()), request.Check()); err != nil {
		return nil, err
	}
	made, err := s.cfg.Store.AddConversation(ctx, c, chat.NewConversation{Type: chat.Group, Name: req.GetName(), Users: users, Request: request})
	if err != nil {
		return nil, err
	}
	if !made.Duplicate {
		s.changed(ctx, &made.View, append(users, c.User))
	}
	return &chatv1.CreateGroupResponse{Conversation: s.done(ctx, &made.View), Duplicate: proto.Bool(made.Duplicate)}, nil
}

// CreateRoom makes a room.
func (s *Service) CreateRoom(ctx context.Context, req *chatv1.CreateRoomRequest) (*chatv1.CreateRoomResponse, error) {
	c, err := callerOf(ctx)
	request := chat.RequestID(req.GetRequestId())
	if err := first(err, chat.CheckTitle(req.GetName()), request.Check()); err != nil {
		return nil, err
	}
	made, err := s.cfg.Store.AddConversation(ctx, c, chat.NewConversation{Type: chat.Room, Name: req.GetName(), Request: request})
	if err != nil {
		return nil, err
	}
	return &chatv1.CreateRoomResponse{Conversation: s.done(ctx, &made.View), Duplicate: proto.Bool(made.Duplicate)}, nil
}

// JoinRoom makes the caller a member of a room.
func (s *Service) JoinRoom(ctx context.Context, req *chatv1.JoinRoomRequest) (*chatv1.JoinRoomResponse, error) {
	c, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	id := chat.ConversationID(req.GetConversation())
	if id != "" {
		err = chat.CheckID("conversation", id)
	} else {
		err = chat.CheckTitle(req.GetName())
	}
	if err != nil {
		return nil, err
	}
	made, err := s.cfg.Store.JoinRoom(ctx, c, id, req.GetName())
	if err != nil {
		return nil, err
	}
	return &chatv1.JoinRoomResponse{Conversation: s.done(ctx, &made.View), Duplicate: proto.Bool(made.Duplicate)}, nil
}

// AddMembers adds users to a group chat. Those added, and the others, hear of it by the
// line that says so.
func (s *Service) AddMembers(ctx context.Context, req *chatv1.AddMembersRequest) (*chatv1.AddMembersResponse, error) {
	c, id, err := inConversation(ctx, req.GetConversation())
	if err != nil {
		return nil, err
	}
	users, err := usersOf(req.GetUsers())
	request := chat.RequestID(req.GetRequestId())
	if err := first(err, request.Check()); err != nil {
		return nil, err
	}
	if len(users) == 0 {
		return nil, fault.New(fault.Invalid, "users: nobody is named")
	}
	made, err := s.cfg.Store.AddMembers(ctx, c, id, users, request)
	if err != nil {
		return nil, err
	}
	s.rosterChanged(id)
	if made.Changed {
		s.changed(ctx, &made.View, users)
	}
	return &chatv1.AddMembersResponse{Conversation: s.done(ctx, &made.View), Duplicate: proto.Bool(made.Duplicate)}, nil
}

// LeaveConversation takes the caller out. It answers when every gateway has taken the
// caller's conns out of the hub group, so that whatever is sent after the answer does
// not reach them.
func (s *Service) LeaveConversation(ctx context.Context, req *chatv1.LeaveConversationRequest) (*chatv1.LeaveConversationResponse, error) {
	c, id, err := inConversation(ctx, req.GetConversation())
	request := chat.RequestID(req.GetRequestId())
	if err := first(err, request.Check()); err != nil {
		return nil, err
	}
	made, err := s.cfg.Store.LeaveConversation(ctx, c, id, request)
	if err != nil {
		return nil, err
	}
	s.rosterChanged(id)
	if made.Width != chat.Narrow {
		if err := s.takeOut(ctx, c, id); err != nil {
			return nil, patient(err) // the same request again does the rest
		}
	}
	if !made.Duplicate {
		push := &chatv1.ConversationChangedPush{Conversation: &chatv1.Conversation{Id: string(id), Type: chatv1.ConversationType(made.Type), Name: made.Name}, Left: true}
		s.tell("conversationChanged", s.cfg.Courier.ConversationChanged(ctx, []chat.UserID{c.User}, push, origin(ctx)))
	}
	return &chatv1.LeaveConversationResponse{Duplicate: proto.Bool(made.Duplicate)}, nil
}

// takeOut takes all conns of somebody who left out of a hub group. Somebody else may have
// added the caller again before that, or long before a repeat: their conns had joined,
// and have to be in it. So it looks, and does the opposite if it has to, until what was
// done last is right; whoever changes it after the last look sees to it.
func (s *Service) takeOut(ctx context.Context, c chat.Caller, id chat.ConversationID) error {
	do, in := s.cfg.Sender.LeaveUser, false
	for {
		switch _, err := do(ctx, string(c.User), delivery.Group(id)); {
		case in && delivery.Crowded(err):
			s.cfg.Unjoined.Note(string(c.User)+" "+string(id), c.User, id)
		case err != nil:
			return fmt.Errorf("the hub group: %w", err)
		}
		v, err := s.cfg.Store.View(ctx, c, id)
		if err != nil && fault.CodeOf(err) != fault.NotFound {
			return err
		}
		switch belongs := err == nil && v.Type == chat.Group && v.Role != chat.Stranger; {
		case belongs == in:
			return nil
		case belongs:
			do, in = s.cfg.Sender.JoinUser, true
		default:
			do, in = s.cfg.Sender.LeaveUser, false
		}
	}
}

// GetConversation returns one conversation.
func (s *Service) GetConversation(ctx context.Context, req *chatv1.GetConversationRequest) (*chatv1.GetConversationResponse, error) {
	c, id, err := inConversation(ctx, req.GetConversation())
	if err != nil {
		return nil, err
	}
	v, err := s.cfg.Store.View(ctx, c, id)
	if err != nil {
		return nil, err
	}
	shown, err := s.one(ctx, &v)
	if err != nil {
		return nil, err
	}
	return &chatv1.GetConversationResponse{Conversation: shown}, nil
}

// ListConversations returns a page of the caller's conversations.
func (s *Service) ListConversations(ctx context.Context, req *chatv1.ListConversationsRequest) (*chatv1.ListConversationsResponse, error) {
	c, err := callerOf(ctx)
	after := chat.ConversationID(req.GetAfter())
	if after != "" {
		err = first(err, chat.CheckID("conversation", after))
	}
	if err != nil {
		return nil, err
	}
	views, more, err := s.cfg.Store.Views(ctx, c, after, limitOf(req.GetLimit(), 100, 200))
	if err != nil {
		return nil, err
	}
	list, err := s.shown(ctx, views)
	if err != nil {
		return nil, err
	}
	return &chatv1.ListConversationsResponse{Conversations: list, More: proto.Bool(more)}, nil
}

// ListMembers returns a page of those who are in a conversation.
func (s *Service) ListMembers(ctx context.Context, req *chatv1.ListMembersRequest) (*chatv1.ListMembersResponse, error) {
	c, id, err := inConversation(ctx, req.GetConversation())
	after := chat.UserID(req.GetAfter())
	if after != "" {
		err = first(err, chat.CheckID("user", after))
	}
	if err != nil {
		return nil, err
	}
	list, more, err := s.cfg.Store.Attendances(ctx, c, id, after, limitOf(req.GetLimit(), 200, 500))
	if err != nil {
		return nil, err
	}
	v, err := s.cfg.Store.View(ctx, c, id)
	if err != nil {
		return nil, err
	}
	res := &chatv1.ListMembersResponse{More: proto.Bool(more)}
	for i := range list {
		m := &chatv1.Member{User: string(list[i].User), Role: chatv1.Role(list[i].Role), JoinedAt: protoTime(list[i].Joined)}
		if v.Type != chat.Room {
			m.ReadSeq = int64(list[i].ReadSeq)
		}
		res.Members = append(res.Members, m)
	}
	return res, nil
}

var errManyOpen = fault.New(fault.TooLarge, "too many rooms are open over this conn: close one")

// OpenConversation makes a conn look at a conversation. Of a room it gets everything
// that is not in the answer from then on: it joins, and then the head is read.
func (s *Service) OpenConversation(ctx context.Context, req *chatv1.OpenConversationRequest) (*chatv1.OpenConversationResponse, error) {
	conn := rpc.Conn(ctx)
	if conn == nil {
		return nil, errSocketOnly
	}
	c, id, err := inConversation(ctx, req.GetConversation())
	if err != nil {
		return nil, err
	}
	v, err := s.cfg.Store.View(ctx, c, id)
	if err != nil {
		return nil, err
	}
	res := &chatv1.OpenConversationResponse{}
	if v.Type == chat.Room {
		switch err := conn.Join(ctx, delivery.Group(id)); {
		case delivery.Crowded(err):
			return nil, errManyOpen.Because(err)
		case err != nil:
			return nil, patient(err)
		}
		if v, err = s.cfg.Store.View(ctx, c, id); err != nil {
			return nil, err
		}
		size, _, err := s.cfg.Sender.GroupSize(ctx, delivery.Group(id))
		s.tell("count", err)
		res.Looking = int32(size.Conns)
	}
	if res.Conversation, err = s.one(ctx, &v); err != nil {
		return nil, err
	}
	return res, nil
}

// CloseConversation makes a conn look away.
func (s *Service) CloseConversation(ctx context.Context, req *chatv1.CloseConversationRequest) (*chatv1.CloseConversationResponse, error) {
	conn := rpc.Conn(ctx)
	if conn == nil {
		return nil, errSocketOnly
	}
	c, id, err := inConversation(ctx, req.GetConversation())
	if err != nil {
		return nil, err
	}
	v, err := s.cfg.Store.View(ctx, c, id)
	if err != nil {
		return nil, err
	}
	if v.Type == chat.Room {
		if err := conn.Leave(ctx, delivery.Group(id)); err != nil {
			return nil, patient(err)
		}
	}
	return &chatv1.CloseConversationResponse{}, nil
}
