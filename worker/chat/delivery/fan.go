package delivery

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/chat"
)

// The bounds of what gateways have not acknowledged yet.
const (
	sendWithin = 10 * time.Second // for all gateways to acknowledge
	// mostAwaited is how many outgoings may wait for that, each with a goroutine or two.
	// When a gateway stands still they all do; further ones are sent without waiting, so
	// that those at other gateways hear them, and their rows stay in the outbox.
	mostAwaited = 8192
)

// send is one command. What it is given says what is to be done when it was
// acknowledged.
type send func(ctx context.Context, opts ...worker.SendOption) error

// fan tells those who are online, and the bus. besides is one command more, nil: none.
// When it is known that not all can be reached the row is left to the outbox.
func (d *Delivery) fan(ctx context.Context, o chat.Outgoing, besides send, incomplete bool) {
	d.publish(&o)
	if o.Fanned {
		d.fanned(&o)
		return
	}
	frame, err := frameOf(&o)
	if err != nil {
		d.cfg.Log.Error("a push cannot be encoded", "conversation", o.Conversation, "err", err)
		d.missed(&o)
		return
	}
	sends := d.sends(&o, frame)
	if besides != nil {
		sends = append(sends, besides)
	}
	switch {
	case len(sends) == 0 && !incomplete:
		d.fanned(&o)
	case incomplete:
		d.blindly(ctx, &o, sends)
	case d.awaited.Add(1) > mostAwaited:
		d.awaited.Add(-1)
		d.blindly(ctx, &o, sends)
	default:
		d.surely(ctx, &o, sends)
	}
}

// surely sends, and marks the row when every gateway has acknowledged everything.
func (d *Delivery) surely(ctx context.Context, o *chat.Outgoing, sends []send) {
	ctx, done := context.WithTimeout(ctx, sendWithin)
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
		d.awaited.Add(-1)
		if missed.Load() {
			d.missed(o)
			return
		}
		d.fanned(o)
	}
	for _, send := range sends {
		if err := send(ctx, worker.NoWait(), worker.Then(told)); err != nil {
			told(worker.Result{}, err)
		}
	}
}

// blindly sends to whoever can be reached, and leaves the row to the outbox.
func (d *Delivery) blindly(ctx context.Context, o *chat.Outgoing, sends []send) {
	ctx, done := context.WithTimeout(ctx, sendWithin)
	defer done()
	for _, send := range sends {
		_ = send(ctx, worker.NoWait()) // the row says what is still to be done
	}
	d.missed(o)
}

// fanned marks a row. Without a bus there is nothing else to wait for: events of rows
// that a process with a bus has left are then nobody's.
func (d *Delivery) fanned(o *chat.Outgoing) {
	bus := d.cfg.Publisher != nil
	if !o.Fanned {
		d.stats.fanned.Add(1)
	}
	if !o.Fanned || !bus {
		d.finish.note(chat.Progress{ID: o.ID, Fanned: true, Published: o.Published || !bus})
	}
	d.underway.over(o.ID)
}

// missed leaves a row to the outbox: somebody does it again after its lease.
func (d *Delivery) missed(o *chat.Outgoing) {
	d.stats.unacknowledged.Add(1)
	if o.Rescued {
		d.futile.Store(true)
	}
	d.underway.over(o.ID)
}

// sends are the commands that an outgoing takes. Who left with it is told by id. A hub
// group in which somebody may not see the text of a change hears that there is one.
func (d *Delivery) sends(o *chat.Outgoing, f worker.Frame) (list []send) {
	var except []worker.SendOption
	if id, err := connid.Parse(o.Origin); err == nil {
		except = []worker.SendOption{worker.Except(id)} // it has the answer
	}
	users := o.Removed
	if o.Width != chat.Wide {
		users = append(append([]chat.UserID(nil), o.Recipients...), o.Removed...)
	}
	if len(users) > 0 {
		names := namesOf(users)
		list = append(list, func(ctx context.Context, opts ...worker.SendOption) error {
			return d.cfg.Sender.ToUsers(ctx, names, f, append(opts, except...)...)
		})
	}
	if o.Width != chat.Narrow {
		all := f
		if o.Veiled != nil {
			all = headFrame(o.Veiled)
		}
		list = append(list, func(ctx context.Context, opts ...worker.SendOption) error {
			return d.cfg.Sender.ToGroup(ctx, Group(o.Conversation), all, append(opts, except...)...)
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
