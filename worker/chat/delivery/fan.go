package delivery

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/chat"
)

// fan tells those who are online, and the bus.
func (d *Delivery) fan(ctx context.Context, o chat.Outgoing) {
	d.publish(&o)
	if o.Fanned {
		return
	}
	frame, err := frameOf(&o)
	if err != nil {
		d.cfg.Log.Error("a push cannot be encoded", "conversation", o.Conversation, "err", err)
		return
	}
	within, done := context.WithTimeout(ctx, sendWithin)
	sends := d.sends(&o, frame)
	if len(sends) == 0 {
		done()
		d.fanned(&o)
		return
	}
	open, missed := new(atomic.Int32), new(atomic.Bool)
	open.Store(int32(len(sends)))
	told := func(r worker.Result, err error) {
		if err != nil || len(r.Lost) > 0 {
			missed.Store(true)
		}
		if open.Add(-1) > 0 {
			return
		}
		done()
		if missed.Load() {
			d.stats.unacknowledged.Add(1)
			return
		}
		d.fanned(&o)
	}
	for _, send := range sends {
		if err := send(within, worker.Then(told)); err != nil {
			told(worker.Result{}, err)
		}
	}
}

// fanned marks a row. Without a bus there is nothing else to wait for.
func (d *Delivery) fanned(o *chat.Outgoing) {
	d.stats.fanned.Add(1)
	d.finish.note(chat.Progress{ID: o.ID, Fanned: true, Published: o.Published || d.cfg.Publisher == nil})
}

// send is one command, but for what is to be done when it was acknowledged.
type send func(ctx context.Context, then worker.SendOption) error

// sends are the commands that an outgoing takes. Who left with it is told by id.
func (d *Delivery) sends(o *chat.Outgoing, f worker.Frame) (list []send) {
	var opts []worker.SendOption
	if id, err := connid.Parse(o.Origin); err == nil {
		opts = append(opts, worker.Except(id)) // it has the answer
	}
	users := o.Removed
	if o.Width != chat.Wide {
		users = append(append([]chat.UserID(nil), o.Recipients...), o.Removed...)
	}
	if len(users) > 0 {
		names := namesOf(users)
		list = append(list, func(ctx context.Context, then worker.SendOption) error {
			return d.cfg.Sender.ToUsers(ctx, names, f, append(opts, then)...)
		})
	}
	if o.Width != chat.Narrow {
		list = append(list, func(ctx context.Context, then worker.SendOption) error {
			return d.cfg.Sender.ToGroup(ctx, Group(o.Conversation), f, append(opts[:len(opts):len(opts)], then)...)
		})
	}
	return list
}

func namesOf(users []chat.UserID) []string {
	names := make([]string, len(users))
	for i, u := range users {
		names[i] = string(u)
	}
	return names
}

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

// joinsAtOnce bounds the users whose conns join at the same time.
const joinsAtOnce = 32

// joinAndFan is fan after the conns concerned are in the hub group, or out of it.
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
	if err == nil {
		err = d.settle(within, o.Conversation, users, in)
	}
	if err != nil {
		d.stats.unacknowledged.Add(1)
		return // it stays in the outbox
	}
	if o.Kind == chat.OutWiden {
		d.fanned(&o)
		return
	}
	d.fan(ctx, o)
}

// settle has all conns of users in the hub group of a conversation, or out of it. What
// is to be done may be old: a row that was rescued says who was added, and they have left
// since. So it looks who is in the conversation, and does the opposite for those of whom
// it was wrong, until nothing is; whoever changes it after the last look sees to it.
func (d *Delivery) settle(ctx context.Context, id chat.ConversationID, users []chat.UserID, in bool) error {
	for len(users) > 0 {
		if err := d.move(ctx, id, users, in); err != nil {
			return err
		}
		members, err := d.cfg.Outbox.MemberIDs(ctx, id)
		if err != nil {
			return err
		}
		belong := make(map[chat.UserID]bool, len(members))
		for _, u := range members {
			belong[u] = true
		}
		var wrong []chat.UserID
		for _, u := range users {
			if belong[u] != in {
				wrong = append(wrong, u)
			}
		}
		users, in = wrong, !in
	}
	return nil
}

// move puts all conns of users into the hub group of a conversation, or takes them out.
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
			return err
		})
	}
	return eg.Wait()
}

// publish gives the event to the bus.
func (d *Delivery) publish(o *chat.Outgoing) {
	if o.Published || d.cfg.Publisher == nil {
		return
	}
	e, err := eventOf(o)
	if err == nil {
		id, fanned := o.ID, o.Fanned
		err = d.cfg.Publisher.Publish(e, func(err error) {
			if err != nil {
				d.stats.unpublished.Add(1)
				return
			}
			d.stats.published.Add(1)
			d.finish.note(chat.Progress{ID: id, Fanned: fanned, Published: true})
		})
	}
	if err != nil {
		d.stats.unpublished.Add(1)
	}
}
