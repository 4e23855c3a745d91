package link

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/worker/internal/inbox"
	"github.com/parley-im/parley/worker/internal/route"
)

// DefaultRetain is how much a gateway's log holds before it is full.
const DefaultRetain = 64 << 20

// Config is what a Mesh is made of. Dial, Alive, Attach, Crew, Inbox and Work
// must be given.
type Config struct {
	Dial   Dialer
	Alive  func(boot uint64, alive bool) // tells the directory what the links see
	Attach *gatewayv1.Attach             // what this process says of itself
	Crew   *inbox.Crew
	Inbox  *inbox.Stats
	Work   func(*Gateway, *inbox.Seat, *inbox.Event) // handles one event, see package inbox
	Drain  func()                                    // a gateway passed on that this process is to drain; called once, must not block; nil: nobody is to be asked
	Retain int                                       // bytes; 0: DefaultRetain
	Log    *slog.Logger                              // nil: slog.Default()
}

// Mesh is the links to all gateways.
type Mesh struct {
	dial   Dialer
	alive  func(boot uint64, alive bool)
	attach *gatewayv1.Attach
	crew   *inbox.Crew
	inbox  *inbox.Stats
	work   func(*Gateway, *inbox.Seat, *inbox.Event)
	log    *slog.Logger

	start    time.Time
	table    route.Table
	cleared  atomic.Uint64 // rises before routes are forgotten
	stats    Stats
	alones   atomic.Uint64 // events that ran alone
	noted    chan struct{} // capacity 1: a gateway has noted one, or its stream has ended
	draining atomic.Bool
	asked    func()        // Config.Drain, at most once
	finish   chan struct{} // closed: end the streams once all is sent
	known    chan struct{} // closed: the roster is whole
	ended    chan struct{} // closed: Run ends or has ended
	roster   atomic.Pointer[Roster]

	mu      sync.Mutex // guards what follows, and changes of roster
	closed  bool       // Drain has come so far that no command is taken any more
	retain  int        // bytes
	slots   []bool     // which are taken
	cancels map[*Gateway]context.CancelFunc
	numbers map[uint64]uint64 // by boot: the next command number of a gateway that left the view
	running sync.WaitGroup
}

// New returns a mesh that does nothing yet.
func New(c Config) *Mesh {
	m := &Mesh{
		dial: c.Dial, alive: c.Alive, attach: proto.CloneOf(c.Attach), crew: c.Crew, inbox: c.Inbox, work: c.Work,
		retain: c.Retain, log: c.Log,
		start:   time.Now(),
		finish:  make(chan struct{}),
		known:   make(chan struct{}),
		noted:   make(chan struct{}, 1),
		ended:   make(chan struct{}),
		cancels: make(map[*Gateway]context.CancelFunc),
		numbers: make(map[uint64]uint64),
	}
	if c.Drain != nil {
		m.asked = sync.OnceFunc(c.Drain)
	}
	if m.retain == 0 {
		m.retain = DefaultRetain
	}
	if m.log == nil {
		m.log = slog.Default()
	}
	m.roster.Store(newRoster(nil))
	m.crew.Announce(m.alone)
	return m
}

// now is the mesh's clock: monotonic, never zero.
func (m *Mesh) now() time.Duration { return time.Since(m.start) + 1 }

// Known is closed when the gateways are known for the first time, all of them.
func (m *Mesh) Known() <-chan struct{} { return m.known }

// Ended is closed when Run ends: nobody is reached any more.
func (m *Mesh) Ended() <-chan struct{} { return m.ended }

// SetRetain changes Config.Retain. What a log holds beyond it stays; sends wait until it
// is less.
func (m *Mesh) SetRetain(bytes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.retain = bytes
	for _, g := range m.roster.Load().all {
		g.log.setBound(bytes)
	}
}

// Run follows a view until ctx ends, then ends every link and returns when all
// have. For an orderly end call Drain before.
func (m *Mesh) Run(ctx context.Context, view View) error {
	defer m.stop()
	select {
	case <-view.Ready():
	case <-ctx.Done():
		return nil
	}
	patience := time.NewTimer(settlePatience)
	defer patience.Stop()
	for whole := false; ; {
		whole = whole || settled(view) // before Members is asked: that is whole then
		m.follow(ctx, view.Members())
		if whole {
			m.know()
		}
		select {
		case <-view.Changed():
		case <-patience.C:
			if !whole {
				m.log.Warn("the gateways are taken for known although no register has been up for a whole lease")
			}
			whole = true
		case <-ctx.Done():
			return nil
		}
	}
}

// settlePatience is how long the gateways stay unknown while the view is not settled: a
// register that has just begun lists who has come back to it so far. What is sent by
// such a view passes over the others, whose doors may have been open for long. It is more
// than a lease and less than a handler may take.
const settlePatience = 8 * time.Second

// settled reports whether who can be listed has had the time to be. A view that does not
// say so always lists everybody.
func settled(v View) bool {
	s, ok := v.(interface{ Settled() bool })
	return !ok || s.Settled()
}

// know lets sends begin: the roster is whole.
func (m *Mesh) know() {
	if !isClosed(m.known) {
		close(m.known)
	}
}

// stop ends all links.
func (m *Mesh) stop() {
	close(m.ended)
	m.mu.Lock()
	for _, cancel := range m.cancels {
		cancel()
	}
	m.mu.Unlock()
	m.running.Wait()
	m.roster.Store(newRoster(nil))
}
