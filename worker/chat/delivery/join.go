package delivery

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/rpc"
)

// The bounds of joining.
const (
	joiners     = 4   // queues of outgoings for which conns have to join; a conversation's are in one
	joinsQueued = 256 // outgoings in each; further ones stay in the outbox
	joinsAtOnce = 32  // users of one outgoing
)

// mustJoin reports whether conns have to join or leave the hub group of a conversation
// that is not narrow before others are told.
func mustJoin(o *chat.Outgoing) bool {
	switch {
	case o.Kind == chat.OutWiden:
		return true
	case o.Kind != chat.OutMessage || o.Width == chat.Narrow || o.Type == chat.Room:
		return false
	}
	return o.Message.Kind == chat.Added || o.Message.Kind == chat.Created || o.Message.Kind == chat.Left
}

// joinAndFan is fan after the conns concerned are in the hub group, or out of it. What is
// said in the conversation meanwhile does not wait for that.
func (d *Delivery) joinAndFan(ctx context.Context, o chat.Outgoing) {
	within, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	users, in := o.Removed, false
	var err error
	switch {
	case o.Kind == chat.OutWiden:
		in = true
		users, err = d.cfg.Outbox.MemberIDs(within, o.Conversation)
	case o.Message.Kind != chat.Left:
		users, in = o.Message.Users, true
	}
	var members map[chat.UserID]bool
	if err == nil {
		members, err = d.settle(within, o.Conversation, users, in)
	}
	switch {
	case o.Kind == chat.OutWiden && err == nil:
		d.fanned(&o)
	case o.Kind == chat.OutWiden:
		d.missed(&o)
	case err == nil && o.Message.Kind == chat.Added:
		head, err := d.headFor(within, &o, members)
		d.fan(ctx, o, head, err != nil)
	default:
		// Those who are in the group hear it now, whatever became of the others.
		d.fan(ctx, o, nil, err != nil)
	}
}

// settle has all conns of users in the hub group of a conversation, or out of it, and
// returns who is in the conversation. What is to be done may be old: a row that was
// rescued says who was added, and they have left since. So it looks who is in the
// conversation, and does the opposite for those of whom it was wrong, until nothing is;
// whoever changes it after the last look sees to it.
func (d *Delivery) settle(ctx context.Context, id chat.ConversationID, users []chat.UserID, in bool) (map[chat.UserID]bool, error) {
	for {
		if err := d.move(ctx, id, users, in); err != nil {
			return nil, err
		}
		list, err := d.cfg.Outbox.MemberIDs(ctx, id)
		if err != nil {
			return nil, err
		}
		members := make(map[chat.UserID]bool, len(list))
		for _, u := range list {
			members[u] = true
		}
		var wrong []chat.UserID
		for _, u := range users {
			if members[u] != in {
				wrong = append(wrong, u)
			}
		}
		if len(wrong) == 0 {
			return members, nil
		}
		users, in = wrong, !in
	}
}

// move puts all conns of users into the hub group of a conversation, or takes them out.
// A conn that is in too many groups to join is none to wait for.
func (d *Delivery) move(ctx context.Context, id chat.ConversationID, users []chat.UserID, in bool) error {
	do := d.cfg.Sender.LeaveUser
	if in {
		do = d.cfg.Sender.JoinUser
	}
	eg, ctx := errgroup.WithContext(ctx)
	eg.SetLimit(joinsAtOnce)
	for _, u := range users {
		eg.Go(func() error {
			_, err := do(ctx, string(u), Group(id))
			if in && Crowded(err) {
				d.cfg.Unjoined.Note(string(u)+" "+string(id), u, id)
				return nil
			}
			return err
		})
	}
	return eg.Wait()
}

// headFor is what those who were added are told besides the line that says so. Between
// the commit of that line and the moment when their conns had joined, others wrote on,
// to the group without them: so they hear how far the conversation has come since, and
// fetch what they have not. nil: nobody needs it.
func (d *Delivery) headFor(ctx context.Context, o *chat.Outgoing, members map[chat.UserID]bool) (send, error) {
	var added []chat.UserID
	for _, u := range o.Message.Users {
		if members[u] {
			added = append(added, u)
		}
	}
	for _, u := range added {
		v, err := d.cfg.Outbox.View(ctx, chat.Caller{Realm: o.Realm, User: u}, o.Conversation)
		if errors.Is(err, fault.NotFound) || err == nil && v.Role == chat.Stranger {
			continue // has left just now; another one may ask
		}
		if err != nil {
			return nil, err
		}
		f := headFrame(&v.Conversation)
		names := namesOf(added)
		return func(ctx context.Context, opts ...worker.SendOption) error {
			return d.cfg.Sender.ToUsers(ctx, names, f, opts...)
		}, nil
	}
	return nil, nil
}

// headFrame says how far a conversation has come, to anybody in it.
func headFrame(c *chat.Conversation) worker.Frame {
	return rpc.Notification("conversationChanged", &chatv1.ConversationChangedPush{Conversation: &chatv1.Conversation{
		Id: string(c.ID), Type: chatv1.ConversationType(c.Type), Name: c.Name, Members: int32(c.Members),
		Head: &chatv1.Head{Conversation: string(c.ID), Type: chatv1.ConversationType(c.Type), Seq: int64(c.Seq), Rev: int64(c.Rev)},
	}})
}
