package delivery

import (
	"context"
	"errors"
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

// joinAndFan is fan after the conns concerned have joined, or before they leave.
func (d *Delivery) joinAndFan(ctx context.Context, o chat.Outgoing) {
	within, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	var users []chat.UserID
	var err error
	switch {
	case o.Kind == chat.OutWiden:
		users, err = d.cfg.Outbox.MemberIDs(within, o.Conversation)
	case o.Message.Kind != chat.Left:
		users = o.Message.Users
	}
	if err == nil {
		err = d.join(within, o.Conversation, users)
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
	for _, u := range o.Removed {
		if _, err := d.cfg.Sender.LeaveUser(within, string(u), Group(o.Conversation)); err != nil {
			d.cfg.Log.Warn("conns of one who left are still in the group", "conversation", o.Conversation, "err", err)
		}
	}
}

func (d *Delivery) join(ctx context.Context, id chat.ConversationID, users []chat.UserID) error {
	eg, ctx := errgroup.WithContext(ctx)
	eg.SetLimit(joinsAtOnce)
	for _, u := range users {
		eg.Go(func() error {
			a, err := d.cfg.Sender.JoinUser(ctx, string(u), Group(id))
			if err == nil && len(a.Lost) > 0 {
				err = errors.New("a gateway did not answer")
			}
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
