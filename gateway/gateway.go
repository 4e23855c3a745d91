package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"github.com/parley-im/parley/gateway/internal/hub"
	"github.com/parley-im/parley/gateway/internal/link"
	"github.com/parley-im/parley/gateway/internal/ws"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
)

// Gateway is one gateway process, or one of several in a test.
type Gateway struct {
	cfg   Config
	log   *slog.Logger
	hub   *hub.Hub
	ws    *ws.Server
	link  *link.Link
	doors *doors
	grpc  *grpc.Server

	joining sync.Mutex // held while the register is told to join or that the drain begins

	asked    sync.Once     // guards the close of drains
	drains   chan struct{} // closed: Drain was called
	shedding *shedding
}

// Listen opens a listener for clients without TCP keep-alive probes: a gateway
// sends its own pings, spread in time. Go's probes of a million conns made
// together fire together, overrun the receive queue and cost the conns.
func Listen(ctx context.Context, addr string) (net.Listener, error) { return ws.Listen(ctx, addr) }

// New checks cfg and builds a Gateway. It starts nothing.
func New(cfg Config) (*Gateway, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Identity.Boot == 0 {
		cfg.Identity.Boot = handshake.NewBoot()
	}
	if cfg.Identity.Build == "" {
		cfg.Identity.Build = build()
	}
	cfg.Limits = cfg.Limits.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.LinkAddr == "" {
		cfg.LinkAddr = cfg.Links.Addr().String()
	}
	if cfg.PublicURL == "" {
		cfg.PublicURL = urlOf(cfg.Clients.Addr(), cfg.ClientTLS != nil)
	}
	g := &Gateway{
		cfg: cfg, log: cfg.Log, hub: hub.New(hub.Config{MaxGroupsPerConn: cfg.Limits.MaxGroupsPerConn}),
		drains: make(chan struct{}), shedding: newShedding(),
	}
	g.doors = &doors{}
	var err error
	if g.ws, err = ws.New(cfg.sockets(), g.doors); err != nil {
		return nil, err
	}
	links := cfg.links()
	links.Hub, links.Encode, links.OnLink = g.hub, g.ws.Encoder().Frame, g.linkAlive
	links.OnDrain, links.OnShed = g.askedToDrain, g.Shed
	if g.link, err = link.New(links); err != nil {
		return nil, err
	}
	g.doors.Link = g.link
	g.grpc = g.link.NewServer(cfg.LinkTLS)
	if err := g.measure(cfg.Metrics); err != nil {
		return nil, err
	}
	return g, nil
}

// urlOf is where clients reach a listener, without a host: it is the one that a client
// asked for.
func urlOf(addr net.Addr, tls bool) string {
	_, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return "" // a listener of some other kind; only an operator knows
	}
	if tls {
		return "wss://:" + port
	}
	return "ws://:" + port
}

func (c *Config) sockets() ws.Config {
	l := c.Limits
	return ws.Config{
		Limits: ws.Limits{
			MaxConns: l.MaxConns, MaxConnsPerIP: l.MaxConnsPerIP, Origins: l.Origins,
			HandshakeRate: l.HandshakeRate, MaxHandshakesPerIP: l.MaxHandshakesPerIP,
			OpenTimeout: l.OpenTimeout, MaxFrameBytes: l.MaxFrameBytes,
			FrameRate: l.FrameRate, ByteRate: l.ByteRate,
			QueueBytes: l.QueueBytes, QueueSum: l.QueueSum,
			PingInterval: l.PingInterval, IdleTimeout: l.IdleTimeout, WriteTimeout: l.WriteTimeout,
			MoveWait: max(l.WorkerPatience, 0) + 2*time.Second, // a worker may be lost meanwhile
		},
		Deflate: l.Deflate, TextPing: l.TextPing, Log: c.Log,
		Proxies: c.Proxies, ProxyProtocol: c.ProxyProtocol,
	}
}

func (c *Config) links() link.Config {
	l := c.Limits
	return link.Config{
		Identity: c.Identity, Secrets: c.Secrets, Log: c.Log, PublicURL: c.PublicURL,
		EventTries: l.EventTries, WorkerPatience: l.WorkerPatience, OpenTimeout: l.OpenTimeout, MaxSessionBytes: l.MaxSessionBytes,
		MaxFrameBytes: l.MaxFrameBytes, MaxUnackedBytes: l.UnackedSum,
		Routing:      link.Routing{WorkerLabels: c.WorkerLabels, SlowStart: l.SlowStart, Rebalance: l.Rebalance},
		MaxStrangers: min(link.MaxStrangers, ws.SpareDescriptors()),
	}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	set(&l.MaxFrameBytes, d.MaxFrameBytes)
	set(&l.MaxSessionBytes, d.MaxSessionBytes)
	set(&l.MaxGroupsPerConn, d.MaxGroupsPerConn)
	set(&l.HandshakeRate, d.HandshakeRate)
	set(&l.FrameRate, d.FrameRate)
	set(&l.ByteRate, d.ByteRate)
	set(&l.QueueBytes, d.QueueBytes)
	set(&l.UnackedSum, d.UnackedSum)
	set(&l.PingInterval, d.PingInterval)
	set(&l.IdleTimeout, d.IdleTimeout)
	set(&l.OpenTimeout, d.OpenTimeout)
	set(&l.WriteTimeout, d.WriteTimeout)
	set(&l.EventTries, d.EventTries)
	set(&l.WorkerPatience, d.WorkerPatience)
	set(&l.SlowStart, d.SlowStart)
	set(&l.Rebalance, d.Rebalance)
	set(&l.DoorsTimeout, d.DoorsTimeout)
	set(&l.DrainWindow, d.DrainWindow)
	return l
}

func set[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}

// Run serves clients and workers until ctx ends, or a process of the cluster asks this
// gateway to drain and Config.OnDrainAsked is nil. Then it drains: it leaves the
// register, refuses new clients, sends those it has away over DrainWindow, and
// waits for what they said last to be handled. It returns when all has ended.
func (g *Gateway) Run(ctx context.Context) error {
	live, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	eg, live := errgroup.WithContext(live)
	eg.Go(func() error {
		defer g.link.Stop(g.grpc) // after the links have ended: they tell workers why
		return g.link.Run(live)
	})
	eg.Go(func() error {
		if err := g.ws.Serve(live, g.cfg.Clients, g.cfg.ClientTLS); err != nil && !errors.Is(err, ws.ErrDraining) {
			return fmt.Errorf("listen: %w", err)
		}
		return nil
	})
	eg.Go(func() error {
		if err := g.grpc.Serve(g.link.Guard(g.cfg.Links)); err != nil && live.Err() == nil {
			return fmt.Errorf("link-listen: %w", err)
		}
		return nil
	})
	eg.Go(func() error { return g.announce(live) })
	eg.Go(func() error { g.shed(live); return nil })
	eg.Go(func() error {
		select {
		case <-ctx.Done():
			g.drain(live)
		case <-g.drains:
			g.drain(live)
		case <-live.Done():
		}
		stop()
		return nil
	})
	return eg.Wait()
}

// announce joins the register and opens the doors, then keeps the load current.
func (g *Gateway) announce(ctx context.Context) error {
	if g.cfg.Directory == nil {
		g.doors.opened.Store(true)
		return nil
	}
	if err := g.join(); err != nil {
		return fmt.Errorf("join the register: %w", err)
	}
	var views []*register.View
	for _, role := range senders {
		v := g.cfg.Directory.Watch(role)
		defer v.Close()
		views = append(views, v)
	}
	g.doors.run(ctx, views, g.cfg.Limits.DoorsTimeout, g.log)
	load := time.NewTicker(time.Second)
	defer load.Stop()
	for {
		select {
		case <-load.C:
			g.cfg.Directory.SetLoad(uint32(g.hub.Len()))
		case <-ctx.Done():
			return nil
		}
	}
}

// join announces the gateway, unless it drains already.
func (g *Gateway) join() error {
	g.joining.Lock()
	defer g.joining.Unlock()
	if g.doors.closing.Load() {
		return nil
	}
	return g.cfg.Directory.Join(register.Member{
		ID: g.cfg.Identity.Node, Role: g.cfg.Identity.Role, Boot: g.cfg.Identity.Boot,
		Addr: g.cfg.LinkAddr, PublicURL: g.cfg.PublicURL, Labels: g.cfg.Labels, Build: g.cfg.Identity.Build,
	})
}

// drain sends everybody away in order. It takes as long as the drain window, and
// then up to the workers' patience for the last events.
func (g *Gateway) drain(ctx context.Context) {
	g.log.Info("gateway is draining", "conns", g.hub.Len())
	g.joining.Lock()
	g.doors.closing.Store(true)
	g.joining.Unlock()
	if g.cfg.Directory != nil {
		leaving, cancel := context.WithTimeout(ctx, 2*time.Second)
		if err := g.cfg.Directory.Leave(leaving); err != nil {
			g.log.Warn("leave the register", "err", err)
		}
		cancel()
	}
	g.shedding.end() // who was to be asked is asked by the drain
	g.link.Leave()
	if err := g.ws.Drain(ctx, g.cfg.Limits.DrainWindow); err != nil && ctx.Err() == nil {
		g.log.Warn("drain of sockets", "err", err)
	}
	patience := time.NewTimer(g.cfg.Limits.WorkerPatience)
	defer patience.Stop()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for g.link.Unacked() > 0 {
		select {
		case <-poll.C:
		case <-patience.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// Ready reports whether clients are let in and a worker is there to serve them.
func (g *Gateway) Ready() error {
	switch {
	case g.doors.closing.Load():
		return fmt.Errorf("draining")
	case !g.doors.opened.Load():
		return fmt.Errorf("waiting for the register and the workers it lists")
	case g.link.Serving() == 0:
		return fmt.Errorf("no worker attached")
	}
	return nil
}

// SetSecrets changes the secrets of the cluster for streams that attach from now
// on.
func (g *Gateway) SetSecrets(secrets []string) { g.link.SetSecrets(secrets) }

// SetLimits changes what may change while the gateway runs: all that concerns sockets and
// groups, SlowStart and Rebalance. The rest of l is ignored. Wrong limits change nothing.
func (g *Gateway) SetLimits(l Limits) error {
	l = l.withDefaults()
	if err := l.Validate(); err != nil {
		return err
	}
	cfg := Config{Limits: l}
	if err := g.ws.SetLimits(cfg.sockets().Limits); err != nil {
		return err
	}
	g.hub.SetMaxGroupsPerConn(l.MaxGroupsPerConn)
	return g.link.Reroute(func(r *link.Routing) { r.SlowStart, r.Rebalance = l.SlowStart, l.Rebalance })
}

// SetWorkerLabels changes which workers may have conns of this gateway, see
// [Config.WorkerLabels]. Conns of others move to those that may: in order, each when
// nothing of it is under way; while there is no such worker for a path, they stay.
func (g *Gateway) SetWorkerLabels(labels map[string]string) error {
	return g.link.Reroute(func(r *link.Routing) { r.WorkerLabels = labels })
}

func (g *Gateway) linkAlive(boot uint64, alive bool) {
	if g.cfg.Directory != nil {
		g.cfg.Directory.LinkAlive(boot, alive)
	}
}

// build names the version control revision this program was made from.
func build() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value[:min(12, len(s.Value))]
			}
		}
	}
	return "dev"
}
