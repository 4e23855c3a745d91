package ops

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/worker/chat"
)

// The domain in the words of the protocol. Types, roles and kinds have the same numbers
// on both sides; a test compares them.

func protoUser(u chat.User) *chatv1.User {
	return &chatv1.User{Id: string(u.ID), Name: u.Name, DisplayName: u.Display, Guest: u.Guest}
}

func protoTime(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func protoHead(v *chat.View) *chatv1.Head {
	h := &chatv1.Head{Conversation: string(v.ID), Type: chatv1.ConversationType(v.Type), Left: v.Left}
	if v.Left && v.Type != chat.Room {
		return h // what came after is no longer theirs; a room is everybody's
	}
	h.Seq, h.Rev = int64(v.Seq), int64(v.Rev)
	h.ReadSeq, h.Unread, h.FromSeq = int64(v.ReadSeq), v.Unread(), int64(v.FromSeq)
	return h
}

func protoHeads(views []chat.View) []*chatv1.Head {
	heads := make([]*chatv1.Head, len(views))
	for i := range views {
		heads[i] = protoHead(&views[i])
	}
	return heads
}

func protoConversation(v *chat.View) *chatv1.Conversation {
	return &chatv1.Conversation{
		Id: string(v.ID), Type: chatv1.ConversationType(v.Type), Name: v.Name, Peer: string(v.Peer),
		Members: int32(v.Members), Role: chatv1.Role(v.Role), Head: protoHead(v), CreatedAt: protoTime(v.Created),
	}
}

func protoMessage(m *chat.Message, to chat.UserID) *chatv1.Message {
	out := &chatv1.Message{
		Conversation: string(m.Conversation), Seq: int64(m.Seq), Sender: string(m.Sender), Kind: chatv1.MessageKind(m.Kind),
		Text: m.Text, SentAt: protoTime(m.Sent), Rev: int64(m.Rev), Recalled: m.Recalled,
	}
	for _, u := range m.Users {
		out.Users = append(out.Users, string(u))
	}
	if m.Image != nil {
		out.Image = protoImage(m.Image)
	}
	if m.Sender == to {
		out.RequestId = string(m.Request)
	}
	return out
}

func protoChange(c *chat.Change) *chatv1.Change {
	return &chatv1.Change{
		Conversation: string(c.Conversation), Rev: int64(c.Rev), Seq: int64(c.Seq), Kind: chatv1.ChangeKind(c.Kind),
		Actor: string(c.Actor), Text: c.Text, ChangedAt: protoTime(c.Changed),
	}
}
