package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/node"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/auth"
	"github.com/parley-im/parley/worker/chat/bus"
	"github.com/parley-im/parley/worker/chat/delivery"
	"github.com/parley-im/parley/worker/chat/door"
	"github.com/parley-im/parley/worker/chat/ops"
	"github.com/parley-im/parley/worker/chat/presence"
	"github.com/parley-im/parley/worker/chat/store"
)

// New builds the service. What needs the database is built by Run, which waits for it.
func (c *config) New(n *node.Node) (node.Service, error) {
	directory, err := n.Client(c.Membership)
	if err != nil {
		return nil, err
	}
	calls, err := n.Listen("chat-listen", c.ChatListen)
	if err != nil {
		return nil, err
	}
	s := &service{cfg: c, node: n, directory: directory, calls: calls}
	s.setSecrets(n.Secrets())
	n.Ready("database", func() error { return s.database.err() })
	n.Ready("gateways", s.attached)
	n.Ready("nats", s.carried)
	n.Ready("outbox", func() error { return s.outbox.err() })
	n.OnReload(func(next node.Program) { s.reload(next.(*config)) })
	n.Metrics().MustRegister(s)
	return s, nil
}

// service is a worker of the chat.
type service struct {
	cfg       *config
	node      *node.Node
	directory *register.Client
	calls     net.Listener
	secrets   atomic.Pointer[[]string]
	database  health
	outbox    health
	lag       atomic.Pointer[chat.Lag] // nil: not asked yet

	parts atomic.Pointer[parts] // nil until the database is there
}

// parts are what a worker consists of.
type parts struct {
	store     *store.Store
	tokens    *auth.Tokens
	worker    *worker.Worker
	delivery  *delivery.Delivery
	bus       *bus.Bus // nil: there is none
	presence  *presence.Presence
	unjoined  *delivery.Unjoined
	passwords *auth.Passwords
	ops       *ops.Service
	door      *door.Door
}

// Run serves until ctx ends. Then the worker gives its conns to others, while what its
// last calls stored still goes out; what does not, others find in the outbox.
func (s *service) Run(ctx context.Context) error {
	p, err := s.build(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil // asked to end before the database was there
		}
		return err
	}
	defer p.store.Close()
	s.parts.Store(p)
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	eg, ctx := errgroup.WithContext(ctx)
	eg.Go(func() error {
		defer stop()
		return p.worker.Run(ctx)
	})
	carrying, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	eg.Go(func() error {
		defer cut() // the bus takes the last events of delivery
		return p.delivery.Run(serving)
	})
	if p.bus != nil {
		eg.Go(func() error { return p.bus.Run(carrying) })
		context.AfterFunc(ctx, p.bus.Retire)
	}
	eg.Go(func() error { return p.door.Run(ctx, s.node.Deadline(), s.calls) })
	context.AfterFunc(ctx, p.delivery.Retire) // a worker that drains takes no rows of others
	eg.Go(func() error { return p.presence.Run(ctx) })
	eg.Go(func() error { return p.ops.Run(ctx) })
	eg.Go(func() error { s.watch(ctx, p.store); return nil })
	eg.Go(func() error { s.tidy(ctx, p.store); return nil })
	return eg.Wait()
}

// build waits for the database and puts the parts together.
func (s *service) build(ctx context.Context) (*parts, error) {
	p := new(parts)
	cfg, id := s.cfg.store(), s.node.Identity()
	cfg.Owner, cfg.Log = fmt.Sprintf("%016x", id.Boot), s.node.Log()
	cfg.OnCommit = func(list []chat.Outgoing) { p.delivery.Committed(list) } // it is there before the first call
	var err error
	if p.store, err = store.Open(ctx, cfg); err != nil {
		return nil, err
	}
	_, _ = s.database.set(nil), s.outbox.set(nil)
	if err := s.assemble(ctx, p); err != nil {
		p.store.Close()
		return nil, err
	}
	return p, nil
}

func (s *service) assemble(ctx context.Context, p *parts) error {
	keys, err := s.cfg.tokenSecrets()
	if err == nil && keys == nil {
		var key []byte
		key, err = p.store.Secret(ctx, "access tokens")
		keys = [][]byte{key}
	}
	if err != nil {
		return err
	}
	id := s.node.Identity()
	p.tokens, err = auth.NewTokens(auth.Config{
		Issuer: id.Cluster, Keys: keys, Realms: s.cfg.realms(), Access: s.cfg.AccessLasts, Refresh: s.cfg.RefreshLasts,
	})
	if err != nil {
		return err
	}
	handler := new(late)
	p.worker, err = worker.New(worker.Config{
		Handler: handler, Directory: worker.RunningRegisters(s.directory), Cluster: id.Cluster, Node: id.Node, Boot: id.Boot, Build: id.Build,
		Labels: s.cfg.Label, Addr: cmp.Or(s.cfg.ChatAddr, s.calls.Addr().String()), Secrets: s.node.Secrets(), TLS: s.node.ClientTLS(),
		HandlerTimeout: s.cfg.HandlerTimeout, DrainTimeout: s.cfg.DrainTimeout, MaxHandlers: s.cfg.MaxHandlers,
		KnownConns: s.cfg.KnownConns, RetainBytes: s.cfg.RetainBytes, Resync: delivery.Resync(), OnDrainAsked: s.node.Drain, Log: s.node.Log(),
	})
	if err != nil {
		return err
	}
	sender := p.worker.Sender()
	if err := s.connect(p); err != nil {
		return err
	}
	p.unjoined = delivery.NewUnjoined(s.node.Log())
	deliver := delivery.Config{
		Outbox: p.store, Sender: sender, Reach: func() bool { return reaches(p.worker) }, Unjoined: p.unjoined, Log: s.node.Log(),
	}
	if p.bus != nil {
		deliver.Publisher = p.bus
	}
	p.delivery = delivery.New(deliver)
	courier := delivery.NewCourier(sender)
	p.presence = presence.New(presence.Config{
		Boot: id.Boot, Users: p.worker.WatchUsers(), Workers: colleagues{s.directory.Watch("worker")},
		Whole: func() bool { st := p.worker.Stats(); return st.Gateways > 0 && st.InStep == st.Gateways },
		Peers: p.store.Peers, Tell: courier.Presence, Log: s.node.Log(),
	})
	p.passwords = auth.NewPasswords(0, 0)
	demo, err := s.cfg.demoAccounts()
	if err != nil {
		return err
	}
	p.ops, err = ops.New(ops.Config{
		Store: p.store, Passwords: p.passwords, Tokens: p.tokens, Presence: p.presence,
		Courier: courier, Sender: sender, Unjoined: p.unjoined, Heartbeat: s.cfg.Heartbeat,
		Guests: s.cfg.Guests, DemoAccounts: demo, Log: s.node.Log(),
		RosterChanged: func(id chat.ConversationID) {
			if p.bus != nil {
				p.bus.Invalidate(rosters, string(id))
			}
		},
	})
	if err != nil {
		return err
	}
	if p.bus != nil {
		p.bus.OnDrain(p.delivery.Drain)
		p.bus.Watch(rosters, func(id string) { p.ops.Forget(chat.ConversationID(id)) })
	}
	handler.Handler = p.ops.Handler()
	p.door, err = door.New(door.Config{
		Service: p.ops, Identity: id, Secrets: func() []string { return *s.secrets.Load() }, TLS: s.node.ServerTLS(),
		Timeout: s.cfg.HandlerTimeout, Log: s.node.Log(),
	})
	return err
}

func (s *service) setSecrets(list []string) { s.secrets.Store(&list) }

// rosters is the topic of conversations whose members have changed.
const rosters = "rosters"

// connect makes the bus, if there is to be one.
func (s *service) connect(p *parts) (err error) {
	if s.cfg.NATS == "" {
		return nil
	}
	id := s.node.Identity()
	p.bus, err = bus.New(bus.Config{
		URL: s.cfg.NATS, Name: id.Cluster + "/" + id.Node, Creds: s.cfg.NATSCreds, Prefix: s.cfg.NATSPrefix, Log: s.node.Log(),
	})
	return err
}

// colleagues are the workers of the cluster.
type colleagues struct{ *register.View }

// Boots implements presence.Workers.
func (c colleagues) Boots() (boots []uint64) {
	for _, m := range c.Members() {
		boots = append(boots, m.Boot)
	}
	return boots
}

// late is a handler that is there before the worker runs, and not yet when it is made:
// the two need each other.
type late struct{ worker.Handler }

// reaches reports whether a worker can do what others left: it has a link, or knows that
// there is no gateway.
func reaches(w *worker.Worker) bool {
	st := w.Stats()
	return st.Known && (st.Attached > 0 || st.Gateways == 0)
}

// attached tells whether this worker can reach anybody.
func (s *service) attached() error {
	if p := s.parts.Load(); p == nil || p.worker.Stats().Attached == 0 {
		return errors.New("no gateway is attached")
	}
	return nil
}

// carried tells whether events leave.
func (s *service) carried() error {
	if p := s.parts.Load(); p != nil && p.bus != nil {
		return p.bus.Ready()
	}
	return nil
}

// reload takes over what may change while the process runs.
func (s *service) reload(c *config) {
	s.setSecrets(c.Secrets())
	p := s.parts.Load()
	if p == nil {
		return
	}
	p.worker.SetSecrets(c.Secrets())
	keys, err := c.tokenSecrets()
	if err == nil && keys != nil {
		err = p.tokens.SetKeys(keys)
	}
	if err != nil {
		s.node.Log().Error("token secrets not taken over", "err", err)
	}
}

// The times of what runs beside the calls.
const (
	watchEvery = 2 * time.Second
	lagEvery   = 5 // every so many looks at the database
	tidyEvery  = time.Hour
	// lagging is how old a row of the outbox may be before this worker says that something
	// is wrong: a dead worker's are taken over after two seconds.
	lagging = 20 * time.Second
)

// measure asks how far the outbox is behind.
func (s *service) measure(ctx context.Context, st *store.Store) {
	lag, err := st.Lag(ctx)
	if err != nil {
		return // the database is away, which is said elsewhere
	}
	s.lag.Store(&lag)
	switch {
	case lag.OldestUnfanned > lagging:
		err = fmt.Errorf("%d messages and changes wait to be fanned out, the oldest for %v", lag.Unfanned, lag.OldestUnfanned.Round(time.Second))
	case lag.OldestUnpublished > lagging:
		err = fmt.Errorf("%d events wait to be published, the oldest for %v", lag.Unpublished, lag.OldestUnpublished.Round(time.Second))
	}
	if was := s.outbox.set(err); was == nil && err != nil {
		s.node.Log().Warn("the outbox is behind", "unfanned", lag.Unfanned, "unpublished", lag.Unpublished)
	}
}

// watch asks the database how it is, so that readiness need not wait for it.
func (s *service) watch(ctx context.Context, st *store.Store) {
	for n := 0; pause(ctx, watchEvery); n++ {
		asked, cancel := context.WithTimeout(ctx, watchEvery)
		err := st.Ready(asked)
		if n%lagEvery == 0 && err == nil {
			s.measure(asked, st)
		}
		cancel()
		if ctx.Err() != nil {
			return
		}
		if was := s.database.set(err); (was == nil) != (err == nil) {
			if err != nil {
				s.node.Log().Error("the database is away", "err", err)
			} else {
				s.node.Log().Info("the database is back")
			}
		}
	}
}

// tidy takes away, now and then, what nobody can ask for any more.
func (s *service) tidy(ctx context.Context, st *store.Store) {
	for pause(ctx, jittered(tidyEvery)) {
		if err := st.Purge(ctx); err != nil && ctx.Err() == nil {
			s.node.Log().Warn("what is over was not purged", "err", err)
		}
	}
}
