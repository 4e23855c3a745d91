package delivery

import (
	"context"

	"google.golang.org/protobuf/proto"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/rpc"
)

// Courier sends what nobody keeps: a client that misses it asks when it comes back. Its
// methods do not wait for gateways.
type Courier struct {
	sender Sender
}

// NewCourier makes one.
func NewCourier(s Sender) *Courier { return &Courier{s} }

// Typing tells an audience that somebody types, or stopped; origin is the conn that
// said so.
func (c *Courier) Typing(ctx context.Context, to chat.Outgoing, who chat.UserID, typing bool, origin connid.ID) error {
	push := &chatv1.TypingPush{Conversation: string(to.Conversation), User: string(who), Typing: typing}
	return c.audience(ctx, to, "typing", push, worker.Droppable(), worker.Except(origin))
}

// Receipt tells an audience how far somebody has read. Of what is queued for a conn, a
// newer mark takes the place of an older one.
func (c *Courier) Receipt(ctx context.Context, to chat.Outgoing, who chat.UserID, read chat.Seq) error {
	push := &chatv1.ReceiptPush{Conversation: string(to.Conversation), User: string(who), ReadSeq: int64(read)}
	return c.audience(ctx, to, "receipt", push, worker.Merge("receipt:"+string(to.Conversation)+":"+string(who)))
}

// OwnReceipt tells the other conns of somebody how far the reading has come there.
func (c *Courier) OwnReceipt(ctx context.Context, v chat.View, who chat.UserID, origin connid.ID) error {
	push := &chatv1.ReceiptPush{Conversation: string(v.ID), User: string(who), ReadSeq: int64(v.ReadSeq), Unread: v.Unread()}
	return c.users(ctx, []chat.UserID{who}, "receipt", push, worker.Merge("own:"+string(v.ID)), worker.Except(origin))
}

// ConversationChanged tells users that a conversation was made, or who is in it
// changed.
func (c *Courier) ConversationChanged(ctx context.Context, to []chat.UserID, push *chatv1.ConversationChangedPush, origin connid.ID) error {
	return c.users(ctx, to, "conversationChanged", push, worker.Except(origin))
}

// Presence tells users that another came or went.
func (c *Courier) Presence(ctx context.Context, to []chat.UserID, p *chatv1.Presence) error {
	return c.users(ctx, to, "presence", &chatv1.PresencePush{Presence: p}, worker.Merge("presence:"+p.GetUser()))
}

// Renew tells the conns of a hub group that their tokens end. Whichever worker says so,
// a conn hears it once under a key.
func (c *Courier) Renew(ctx context.Context, group string, push *chatv1.RenewPush, once string) error {
	return c.sender.ToGroup(ctx, group, rpc.Notification("renew", push), worker.Once(once))
}

// Resync is what gateways tell their conns when sends of a worker were lost with it.
func Resync() worker.Frame { return rpc.Notification("resync", &chatv1.ResyncPush{}) }

func (c *Courier) users(ctx context.Context, to []chat.UserID, method string, push proto.Message, opts ...worker.SendOption) error {
	if len(to) == 0 {
		return nil
	}
	return c.sender.ToUsers(ctx, namesOf(to), rpc.Notification(method, push), opts...)
}

// audience sends to the members of a conversation, by id or by its hub group.
func (c *Courier) audience(ctx context.Context, to chat.Outgoing, method string, push proto.Message, opts ...worker.SendOption) error {
	if to.Width != chat.Wide {
		return c.users(ctx, to.Recipients, method, push, opts...)
	}
	return c.sender.ToGroup(ctx, Group(to.Conversation), rpc.Notification(method, push), opts...)
}
