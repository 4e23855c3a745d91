package delivery

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parley-im/parley/proto/faultpoint"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/chat"
)

// Outbox is what delivery needs of the store.
type Outbox interface {
	chat.Outbox
	MemberIDs(ctx context.Context, id chat.ConversationID) ([]chat.UserID, error)
}

// Sender is what it needs of the SDK; *worker.Sender is one.
type Sender interface {
	ToUsers(ctx context.Context, users []string, f worker.Frame, opts ...worker.SendOption) error
	ToGroup(ctx context.Context, group string, f worker.Frame, opts ...worker.SendOption) error
	JoinUser(ctx context.Context, user string, groups ...string) (worker.Affected, error)
	LeaveUser(ctx context.Context, user string, groups ...string) (worker.Affected, error)
}

var _ Sender = (*worker.Sender)(nil)

// Event is what the bus carries for anyone.
type Event struct {
	ID      string // the same for repeats
	Realm   chat.Realm
	Name    string // message.created
	Payload []byte // JSON
}

// Publisher is what it needs of the bus. Publish does not wait; done is called once,
// with nil when the bus has the event for good. If Publish returns an error, done is
// not called.
type Publisher interface {
	Publish(e Event, done func(error)) error
}

// Config is what a Delivery is made of.
type Config struct {
	Outbox    Outbox
	Sender    Sender
	Publisher Publisher // nil: there is no bus
	Log       *slog.Logger

	// SweepEvery is how often this process looks for rows that others left, whether or
	// not the bus tells it to. 0: DefaultSweep; negative: never.
	SweepEvery time.Duration
}

// DefaultSweep is a backstop for when the bus is away: while it is there, it calls
// [Delivery.Drain] on one of all workers each second.
const DefaultSweep = 15 * time.Second

// The bounds of what is under way.
const (
	queueLength = 16384            // outgoings that wait for their turn; further ones stay in the outbox
	sendWithin  = 10 * time.Second // for all gateways to acknowledge
	claimAtOnce = 256
)

// Group is the hub group of a conversation.
func Group(id chat.ConversationID) string { return "c:" + string(id) }

// Delivery is the fan-out of one worker. Its methods may be called from any goroutine.
type Delivery struct {
	cfg    Config
	queue  chan chat.Outgoing
	joins  chan chat.Outgoing // those for which conns must join a hub group first
	finish *finisher
	stats  stats
}

// New starts nothing.
func New(cfg Config) *Delivery {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.SweepEvery == 0 {
		cfg.SweepEvery = DefaultSweep
	}
	d := &Delivery{cfg: cfg, queue: make(chan chat.Outgoing, queueLength), joins: make(chan chat.Outgoing, 1024)}
	d.finish = newFinisher(cfg.Outbox, cfg.Log, &d.stats)
	return d
}

// Committed takes what a commit left to be done. It does not wait: what finds no room
// stays in the outbox.
func (d *Delivery) Committed(list []chat.Outgoing) {
	faultpoint.Hit(faultpoint.ChatCommitted)
	for i := range list {
		select {
		case d.queue <- list[i]:
		default:
			d.stats.passedOver.Add(1)
		}
	}
}

// Run delivers until ctx ends, and what is in the queue then, within a few seconds.
func (d *Delivery) Run(ctx context.Context) error {
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var all errgroup.Group
	all.Go(func() error { d.finish.run(sending); return nil })
	all.Go(func() error {
		defer stop()
		defer d.finish.settle(lastWords)
		var fans sync.WaitGroup
		fans.Go(func() { d.each(ctx, sending, d.joins, d.joinAndFan) })
		d.each(ctx, sending, d.queue, d.route)
		fans.Wait()
		return nil
	})
	all.Go(func() error { d.sweep(ctx); return nil })
	return all.Wait()
}

// lastWords is how long a worker that ends waits for its last rows to be acknowledged.
const lastWords = 3 * time.Second

// each calls do for what comes until ctx ends, and for what is there then.
func (d *Delivery) each(ctx, sending context.Context, queue <-chan chat.Outgoing, do func(context.Context, chat.Outgoing)) {
	for {
		select {
		case o := <-queue:
			do(sending, o)
			continue
		default:
		}
		select {
		case o := <-queue:
			do(sending, o)
		case <-ctx.Done():
			return
		}
	}
}

// route sends what can be sent at once, and lays aside what has to wait for conns to
// join: it must not hold up the others.
func (d *Delivery) route(ctx context.Context, o chat.Outgoing) {
	if o.Fanned || !mustJoin(&o) {
		d.fan(ctx, o)
		return
	}
	select {
	case d.joins <- o:
	default:
		d.stats.passedOver.Add(1)
	}
}

// Drain does what others have left, or could not do: rows of the outbox whose lease is
// over. more says that there may be further ones.
func (d *Delivery) Drain(ctx context.Context) (more bool, err error) {
	if faultpoint.Sabotaged(faultpoint.OutboxOff) {
		return false, nil
	}
	list, err := d.cfg.Outbox.Claim(ctx, claimAtOnce)
	if err != nil {
		return false, err
	}
	for _, o := range list {
		select {
		case d.queue <- o:
			d.stats.rescued.Add(1)
		case <-ctx.Done():
			return true, context.Cause(ctx)
		}
	}
	return len(list) == claimAtOnce, nil
}

// sweep drains now and then, whatever the bus does.
func (d *Delivery) sweep(ctx context.Context) {
	if d.cfg.SweepEvery < 0 {
		return
	}
	for sleep(ctx, jittered(d.cfg.SweepEvery)) {
		for {
			more, err := d.Drain(ctx)
			if err != nil && ctx.Err() == nil && !errors.Is(err, context.Canceled) {
				d.cfg.Log.Warn("the outbox cannot be read", "err", err)
			}
			if err != nil || !more {
				break
			}
		}
	}
}

// stats are counted as things happen.
type stats struct {
	fanned, published, rescued, passedOver, unacknowledged, unpublished, finishErrors atomic.Int64
}

// Stats are what a Delivery counts.
type Stats struct {
	Queued         int   // wait for their turn now
	Fanned         int64 // told to those online, and acknowledged
	Published      int64 // taken by the bus
	Rescued        int64 // rows claimed after their lease
	PassedOver     int64 // left in the outbox because the queue was full
	Unacknowledged int64 // not acknowledged by all gateways; left in the outbox
	Unpublished    int64 // not taken by the bus; left in the outbox
	FinishErrors   int64 // marks that could not be written; the rows are done again
}

// Stats reads all counters.
func (d *Delivery) Stats() Stats {
	s := &d.stats
	return Stats{
		Queued: len(d.queue) + len(d.joins), Fanned: s.fanned.Load(), Published: s.published.Load(), Rescued: s.rescued.Load(),
		PassedOver: s.passedOver.Load(), Unacknowledged: s.unacknowledged.Load(), Unpublished: s.unpublished.Load(), FinishErrors: s.finishErrors.Load(),
	}
}
