package workertest

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/internal/inbox"
)

// Timeout is how long anything may take before the test fails.
const Timeout = 5 * time.Second

// openWithin is how long the gateway waits for OnOpen.
const openWithin = 5 * time.Second

func init() { inbox.Scribble = true }

// Harness is a worker with the Handler under test, and a gateway for it.
type Harness struct {
	t         testing.TB
	directory *directory
	worker    *worker.Worker
	stop      context.CancelFunc
	ended     chan struct{}
	err       error // of Run; set before ended is closed
	forgiven  bool
}

// Option changes what New makes.
type Option func(*options)

type options struct {
	config   worker.Config
	gateways int
	groups   int
	old      []int
	made     []func(*worker.Worker)
}

// WithConfig lets a test change the worker's configuration. What concerns the
// network is not looked at.
func WithConfig(change func(*worker.Config)) Option {
	return func(o *options) { change(&o.config) }
}

// WithWorker lets a test look at the worker, or watch it, before it runs.
func WithWorker(look func(*worker.Worker)) Option {
	return func(o *options) { o.made = append(o.made, look) }
}

// WithGateways makes several gateways; conns are dialled to them in turn.
func WithGateways(n int) Option { return func(o *options) { o.gateways = n } }

// WithMaxGroups bounds the groups that a conn may be in, as a gateway's
// --max-groups-per-conn does: joins above it fail with fault.TooLarge. Without it there
// is no bound.
func WithMaxGroups(n int) Option { return func(o *options) { o.groups = n } }

// WithOldGateway makes gateway i, from 0, one of protocol 1.0: it can leave no users out of
// a send, merge no session, carry out no batch (BindAll and its kin, JoinUsers, LeaveUsers),
// list nothing, and be asked neither to drain nor to shed, as in a cluster whose gateways are being replaced.
func WithOldGateway(i int) Option { return func(o *options) { o.old = append(o.old, i) } }

// WithLog shows the worker's log in the test's output.
func WithLog(t testing.TB) Option {
	return WithConfig(func(c *worker.Config) {
		c.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
}

// New starts a worker with the handler. It ends, drained, with the test.
func New(t testing.TB, handler worker.Handler, opts ...Option) *Harness {
	t.Helper()
	o := options{gateways: 1, config: worker.Config{
		Node: "workertest", Handler: handler, Log: slog.New(slog.DiscardHandler),
	}}
	for _, opt := range opts {
		opt(&o)
	}
	h := &Harness{t: t, directory: newDirectory(o.gateways, o.groups), ended: make(chan struct{})}
	for _, i := range o.old {
		h.directory.gateways[i].Old, h.directory.gateways[i].Features = true, nil
	}
	for _, g := range h.directory.gateways {
		g.WorkerNode = o.config.Node
	}
	o.config.Directory = h.directory
	w, err := worker.New(o.config)
	if err != nil {
		t.Fatalf("workertest: %v", err)
	}
	h.worker = w
	for _, look := range o.made {
		look(w)
	}
	h.directory.boot = w.Boot()
	ctx, stop := context.WithCancel(context.Background())
	h.stop = stop
	go func() {
		defer close(h.ended)
		h.err = w.Run(ctx)
	}()
	t.Cleanup(func() {
		if err := h.Stop(); err != nil && !h.forgiven {
			t.Errorf("workertest: the worker ended with: %v", err)
		}
	})
	h.wait("the worker to attach", func(ctx context.Context) error {
		for _, g := range h.directory.gateways {
			if err := g.Await(ctx, func() bool { return g.Workers() > 0 || h.over() }); err != nil {
				return err
			}
		}
		return nil
	})
	if h.over() {
		t.Fatalf("workertest: the worker ended with: %v", h.err)
	}
	return h
}

func (h *Harness) over() bool {
	select {
	case <-h.ended:
		return true
	default:
		return false
	}
}

// Stop drains the worker and returns what Run returned. New has it called at the
// end of the test.
func (h *Harness) Stop() error {
	for _, g := range h.directory.gateways {
		g.SetFrozen(false)
	}
	h.stop()
	<-h.ended
	return h.err
}

// Forgive keeps an error of Run from failing the test: it was expected.
func (h *Harness) Forgive() { h.forgiven = true }

// Worker returns the worker.
func (h *Harness) Worker() *worker.Worker { return h.worker }

// Sender returns the worker's Sender, as another process would use its own.
func (h *Harness) Sender() *worker.Sender { return h.worker.Sender() }

// LoseAcks makes the next n acknowledgements be lost, as if the worker had died
// just before it sent each: replies, session and close of that event do not happen,
// and the event comes again, redelivered. A Handler that is idempotent passes its
// tests with it.
func (h *Harness) LoseAcks(n int) {
	for _, g := range h.directory.gateways {
		g.LoseAcks(n)
	}
}

// MoveAll takes all conns from the worker, as if it had been thought dead: the
// contexts of running handlers end with worker.ErrMoved, what they still do is
// refused, and their events come again.
func (h *Harness) MoveAll() {
	for _, g := range h.directory.gateways {
		g.MoveAll()
	}
}

// LastTries makes the gateways give every event from now on as one that has cost other
// workers: its handler runs while no other does. A Handler that waits for another one
// stands still then, until its time is over. false ends that.
func (h *Harness) LastTries(on bool) {
	for _, g := range h.directory.gateways {
		g.SetLastTry(on)
	}
}

// CutLinks breaks the worker's links; it attaches again by itself.
func (h *Harness) CutLinks() {
	for _, g := range h.directory.gateways {
		g.Cut()
	}
}

// LoseGateway takes gateway i, from 0, out of the cluster without a word: its conns
// are gone, and the Handler hears OnClose with GatewayLost.
func (h *Harness) LoseGateway(i int) { h.directory.lose(i) }

// GatewayDrains reports whether gateway i, from 0, was asked to drain, by
// worker.Sender.DrainGateway: its conns were closed with 1012 then, all at once, and Dial
// passes it over.
func (h *Harness) GatewayDrains(i int) bool { return h.directory.gateways[i].Draining() }

// Ended returns a channel that is closed when the worker has ended: because of Stop, or
// because it was asked to drain, by worker.Sender.DrainWorker.
func (h *Harness) Ended() <-chan struct{} { return h.ended }

// FreezeGateway makes gateway i, from 0, stand still, as a process that is stopped, until
// thaw is called or the worker ends. The worker takes its link for dead after a few
// seconds; the gateway stays in the cluster.
func (h *Harness) FreezeGateway(i int) (thaw func()) {
	g := h.directory.gateways[i]
	g.SetFrozen(true)
	return func() { g.SetFrozen(false) }
}

// Settle waits until every event that was sent so far has been handled.
func (h *Harness) Settle() {
	h.t.Helper()
	h.wait("all events to be handled", func(ctx context.Context) error {
		for _, g := range h.directory.gateways {
			if err := g.Settle(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

func (h *Harness) wait(what string, wait func(context.Context) error) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	if err := wait(ctx); err != nil {
		h.t.Fatalf("workertest: waited %s for %s", Timeout, what)
	}
}
