package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/gateway/internal/frame"
	"github.com/parley-im/parley/gateway/internal/hub"
	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/register/handshake"
)

// Link is the gateway's end of all links.
type Link struct {
	cfg      Config
	hub      *hub.Hub
	frames   Encode
	log      *slog.Logger
	interest *interest
	once     *once
	limbo    limbo
	trials   trials
	clock    time.Time               // worker.heard counts from here, on the monotonic clock
	routing  atomic.Pointer[Routing] // stored under mu
	pools    atomic.Pointer[pools]
	repooled chan struct{} // capacity 1: pools have changed
	levelled int           // part of the hub's conns where level goes on; place's goroutine has it
	secrets  atomic.Pointer[[]string]
	unacked  atomic.Int64 // bytes that events hold which no worker has acknowledged

	unackedEvents atomic.Int64

	strangers *handshake.Crowd
	knocks    handshake.Knocks // that were refused

	mu       sync.Mutex // guards what follows
	workers  map[*worker]struct{}
	sessions map[uint64]*session
	parked   map[*conn]struct{}
	resync   resync
	leaving  bool
	alone    bool // no worker may have conns, and the log says so

	life    context.Context // ends when Run does; under mu, so that nothing is added to goes afterwards
	endLife context.CancelFunc
	goes    sync.WaitGroup // streams, resyncs and their goroutines
	stats   Stats
}

// New checks cfg and builds a Link. It starts nothing.
func New(cfg Config) (*Link, error) {
	errs := []error{cfg.Identity.Validate(), cfg.CheckLimits()}
	if cfg.Hub == nil || cfg.Encode == nil {
		errs = append(errs, errors.New("link: no hub or no encoder given"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	cfg.Identity.Features = append(slices.Clone(cfg.Identity.Features), record.FeatureExceptUsers, record.FeatureMergeSession, record.FeatureAlone)
	l := &Link{
		cfg: cfg, hub: cfg.Hub, frames: cfg.Encode, log: cfg.Log,
		interest: newInterest(), once: newOnce(), strangers: handshake.NewCrowd(cfg.MaxStrangers, max(cfg.MaxStrangers/4, 1)),
		limbo:    limbo{conns: map[uint64]*conn{}},
		trials:   trials{of: map[*conn]*trial{}, keep: cfg.EventTries + moreDeaths},
		clock:    time.Now(),
		workers:  map[*worker]struct{}{},
		sessions: map[uint64]*session{},
		parked:   map[*conn]struct{}{},
		repooled: make(chan struct{}, 1),
	}
	l.routing.Store(&cfg.Routing)
	l.pools.Store(&pools{})
	l.life, l.endLife = context.WithCancel(context.Background())
	l.SetSecrets(cfg.Secrets)
	return l, nil
}

// Run watches for workers that have gone silent, and places conns, until ctx ends. Then
// it ends all streams, releases whoever waits, and returns when all of that has ended.
func (l *Link) Run(ctx context.Context) error {
	tick := time.NewTicker(l.cfg.WorkerPatience / 16)
	defer tick.Stop()
	var placing sync.WaitGroup
	defer placing.Wait()
	placing.Go(func() { l.place(ctx) })
	last := time.Since(l.clock)
	for {
		select {
		case <-tick.C:
			now := time.Since(l.clock)
			l.expire(now, now-last > l.cfg.WorkerPatience/4)
			last = now
		case <-ctx.Done():
			l.end()
			return nil
		}
	}
}

// expire gives up the workers that have been silent for too long. If this
// process itself stood still, what they said may not be read yet: they get
// their whole patience again. So does one whose last batch is still being
// applied: nobody reads what it says meanwhile.
func (l *Link) expire(now time.Duration, stoodStill bool) {
	for _, w := range l.attached() {
		silent := now - time.Duration(w.heard.Load())
		switch {
		case stoodStill || w.busy.Load():
			w.heard.Store(int64(now))
		case silent > l.cfg.WorkerPatience:
			if !w.silent.Swap(true) { // its stream may take more than one tick to end
				l.stats.Silent.Add(1)
			}
			w.end(fmt.Errorf("nothing heard of it for %v", silent.Round(time.Millisecond)))
		}
	}
}

func (l *Link) end() {
	if n := l.unackedEvents.Load(); n > 0 {
		l.log.Warn("gateway ends with events that no worker acknowledged", "events", n)
	}
	l.mu.Lock()
	l.endLife()
	l.mu.Unlock()
	l.interest.stop()
	l.goes.Wait()
}

// Leave tells every worker, now or when it attaches, that this gateway drains.
func (l *Link) Leave() {
	l.mu.Lock()
	l.leaving = true
	l.mu.Unlock()
	for _, w := range l.attached() {
		w.tellLeaving()
	}
}

// SetSecrets changes the secrets that streams attached from now on are checked
// against. Those that stand stay.
func (l *Link) SetSecrets(secrets []string) { l.secrets.Store(&secrets) }

// Unacked returns how many events no worker has acknowledged.
func (l *Link) Unacked() int { return int(l.unackedEvents.Load()) }

// Attached returns the boots of the workers whose streams are up.
func (l *Link) Attached() map[uint64]bool {
	boots := map[uint64]bool{}
	for _, w := range l.attached() {
		boots[w.peer.Boot] = true
	}
	return boots
}

// Serving returns how many workers may be given conns.
func (l *Link) Serving() int { return l.pools.Load().all }

func (l *Link) attached() []*worker {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]*worker, 0, len(l.workers))
	for w := range l.workers {
		list = append(list, w)
	}
	return list
}

// crowded reports whether the events of all conns together are at their bound.
func (l *Link) crowded() bool { return l.unacked.Load() > l.cfg.MaxUnackedBytes }

// name is how a conn appears in logs: its id, as workers know it.
func (l *Link) name(id uint64) string {
	return connid.ID{Gateway: l.cfg.Identity.Boot, Conn: id}.String()
}

// Deliver implements hub.Outlet.
func (c *conn) Deliver(f *frame.Frame, soon bool) bool {
	if soon {
		return c.sock.SendSoon(f)
	}
	return c.sock.Send(f)
}

var _ hub.Outlet = (*conn)(nil)
