package delivery

import (
	"context"
	"hash/maphash"
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
	View(ctx context.Context, c chat.Caller, id chat.ConversationID) (chat.View, error)
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
	Unjoined  *Unjoined // nil: one of its own
	Log       *slog.Logger

	// Reach reports whether this process can reach anybody now; nil: always. While it can
	// not, it takes no rows of others.
	Reach func() bool
	// SweepEvery is how often this process looks for rows that others left, whether or
	// not the bus tells it to. 0: DefaultSweep, or DefaultLoneSweep without a bus;
	// negative: never.
	SweepEvery time.Duration
}

// queueLength is how many outgoings wait for their turn; further ones stay in the outbox.
const queueLength = 16384

// Group is the hub group of a conversation.
func Group(id chat.ConversationID) string { return "c:" + string(id) }

// Delivery is the fan-out of one worker. Its methods may be called from any goroutine.
type Delivery struct {
	cfg      Config
	queue    chan chat.Outgoing
	joins    [joiners]chan chat.Outgoing // those for which conns must join a hub group first
	seed     maphash.Seed                // finds the one of a conversation
	underway underway
	awaited  atomic.Int32 // outgoings that wait for gateways
	futile   atomic.Bool  // a claimed row could not be done since the last look
	retired  atomic.Bool  // takes no rows of others any more
	finish   *finisher
	stats    stats
}

// New starts nothing.
func New(cfg Config) *Delivery {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Unjoined == nil {
		cfg.Unjoined = NewUnjoined(cfg.Log)
	}
	if cfg.SweepEvery == 0 {
		if cfg.SweepEvery = DefaultSweep; cfg.Publisher == nil {
			cfg.SweepEvery = DefaultLoneSweep
		}
	}
	d := &Delivery{cfg: cfg, queue: make(chan chat.Outgoing, queueLength), seed: maphash.MakeSeed()}
	for i := range d.joins {
		d.joins[i] = make(chan chat.Outgoing, joinsQueued)
	}
	d.finish = newFinisher(cfg.Outbox, cfg.Log, &d.stats)
	return d
}

// Committed takes what a commit left to be done. It does not wait: what finds no room
// stays in the outbox.
func (d *Delivery) Committed(list []chat.Outgoing) {
	faultpoint.Hit(faultpoint.ChatCommitted)
	for i := range list {
		d.underway.begin(list[i].ID, false)
		select {
		case d.queue <- list[i]:
		default:
			d.passOver(&list[i])
		}
	}
}

// passOver leaves to the outbox what found no room.
func (d *Delivery) passOver(o *chat.Outgoing) {
	d.stats.passedOver.Add(1)
	d.underway.over(o.ID)
}

// Retire takes no further rows of others; the rest goes on. For a worker that drains.
func (d *Delivery) Retire() { d.retired.Store(true) }

// Run delivers until ctx ends, and what is in the queue then. It waits for what gateways
// have to acknowledge, and the database to write, for a few seconds at most.
func (d *Delivery) Run(ctx context.Context) error {
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var all errgroup.Group
	all.Go(func() error { d.finish.run(sending); return nil })
	all.Go(func() error {
		defer stop()
		d.deliver(ctx, sending)
		d.settled(lastWords)
		return nil
	})
	all.Go(func() error { d.sweep(ctx); return nil })
	return all.Wait()
}

// deliver does what is in the queues until ctx ends, and what is in them then.
func (d *Delivery) deliver(ctx, sending context.Context) {
	joining, last := context.WithCancel(sending)
	defer last()
	var joins sync.WaitGroup
	for _, queue := range d.joins {
		joins.Go(func() { d.each(joining, sending, queue, d.joinAndFan) })
	}
	d.each(ctx, sending, d.queue, d.route)
	last() // nothing comes into their queues any more
	joins.Wait()
}

// lastWords is how long a worker that ends waits for its last rows.
const lastWords = 3 * time.Second

// settled waits until nothing is under way and all marks are written, or the time is
// over.
func (d *Delivery) settled(within time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	for {
		if rows, _ := d.underway.count(); rows == 0 && d.finish.idle() || !sleep(ctx, gatherFor) {
			return
		}
	}
}

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
		d.fan(ctx, o, nil, false)
		return
	}
	select {
	case d.joins[maphash.String(d.seed, string(o.Conversation))%joiners] <- o:
	default:
		d.passOver(&o)
	}
}

// stats are counted as things happen.
type stats struct {
	fanned, published, rescued, passedOver, unacknowledged, unpublished, finishErrors atomic.Int64
}

// Stats are what a Delivery counts.
type Stats struct {
	Queued         int   // wait for their turn now
	Awaited        int   // sent, and not acknowledged by all gateways yet
	Fanned         int64 // told to those online, and acknowledged
	Published      int64 // taken by the bus
	Rescued        int64 // rows claimed after their lease
	PassedOver     int64 // left in the outbox because the queue was full
	Unacknowledged int64 // not acknowledged by all gateways, or not waited for; left in the outbox
	Unpublished    int64 // not taken by the bus; left in the outbox
	FinishErrors   int64 // marks that could not be written; the rows are done again
}

// Stats reads all counters.
func (d *Delivery) Stats() Stats {
	s, queued := &d.stats, len(d.queue)
	for _, queue := range d.joins {
		queued += len(queue)
	}
	return Stats{
		Queued: queued, Awaited: int(d.awaited.Load()),
		Fanned: s.fanned.Load(), Published: s.published.Load(), Rescued: s.rescued.Load(),
		PassedOver: s.passedOver.Load(), Unacknowledged: s.unacknowledged.Load(), Unpublished: s.unpublished.Load(), FinishErrors: s.finishErrors.Load(),
	}
}
