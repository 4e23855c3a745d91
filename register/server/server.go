package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	registerv1 "github.com/parley-im/parley/proto/register/v1"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
)

const (
	maxRequestBytes   = 64 << 10        // a member at its bounds has 19 KiB
	maxHeaderBytes    = 16 << 10        // of a stream; gRPC would take 16 MiB of anybody
	handshakeDeadline = 5 * time.Second // for all steps of one handshake
	maxHandshakes     = 4096            // under way at once; more are refused and come back
	maxHandshakesHost = 1024            // of them by one host
)

// Server is one register.
type Server struct {
	registerv1.UnimplementedRegisterServiceServer

	cfg     Config
	start   time.Time // time is counted from here, by the monotonic clock
	metrics *metrics
	shaking *handshake.Crowd
	knocks  handshake.Knocks // that were refused

	drain    sync.Once
	draining chan struct{} // closed by Drain
	stopping chan struct{} // closed when Run ends
	streams  *gate         // handlers and the goroutines they started

	mu      sync.Mutex // guards what follows
	secrets []string
	table   *table
	grpc    *grpc.Server // nil before Run
}

// New checks cfg and starts nothing.
func New(cfg Config) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	s := &Server{
		cfg: cfg, start: time.Now(), secrets: slices.Clone(cfg.Secrets), table: newTable(cfg),
		shaking: handshake.NewCrowd(maxHandshakes, maxHandshakesHost), streams: newGate(),
		draining: make(chan struct{}), stopping: make(chan struct{}),
	}
	m, err := newMetrics(s, cfg.Metrics)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	s.metrics = m
	return s, nil
}

// Run serves l, which it closes, until ctx ends; then it returns nil, with every
// stream cut and everything it started ended. It may be called once. Without a
// secret and mutual TLS it refuses a listener that is not on loopback.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	g := grpc.NewServer(
		grpc.Creds(handshake.Credentials(s.cfg.TLS)),
		grpc.MaxRecvMsgSize(maxRequestBytes),
		grpc.MaxConcurrentStreams(64),
		grpc.MaxHeaderListSize(maxHeaderBytes),
		// What is said here is small, and a connection lasts: buffers of 32 KiB each
		// way would be most of what a member, or a stranger, costs.
		grpc.ReadBufferSize(2<<10), grpc.WriteBufferSize(16<<10),
		grpc.ConnectionTimeout(handshakeDeadline),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionIdle: max(10*s.cfg.Lease, time.Second), // nobody is served on it
			Time:              max(2*s.cfg.Lease, time.Second),  // half-open connections go
			Timeout:           max(2*s.cfg.Lease, time.Second),
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
	)
	registerv1.RegisterRegisterServiceServer(g, s)
	if err := s.begin(g, l); err != nil {
		l.Close()
		return err
	}

	eg, ctx := errgroup.WithContext(ctx)
	eg.Go(func() error {
		err := g.Serve(netutil.LimitListener(l, 2*(s.cfg.MaxMembers+s.cfg.MaxWatchers)))
		if err == nil || ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("serve: %w", err)
	})
	eg.Go(func() error { s.sweep(ctx); return nil })
	eg.Go(func() error {
		<-ctx.Done()
		close(s.stopping)
		g.Stop()
		<-s.streams.shut()
		return nil
	})
	return eg.Wait()
}

func (s *Server) begin(g *grpc.Server, l net.Listener) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.grpc != nil {
		return errors.New("register: Run was called twice")
	}
	s.grpc = g
	// The time between New and Run is not a pause, nor was anybody able to come.
	now := time.Since(s.start)
	s.table.last, s.table.awake = now, now
	if l.Addr().Network() != "tcp" {
		return nil // nothing from another machine
	}
	return handshake.Guarded(l.Addr().String(), s.secrets, handshake.MutualServer(s.cfg.TLS))
}

// Drain tells members and watchers that this register is about to stop, which ends
// no lease, closes the listener and refuses new streams. It returns when everybody
// has gone, or with an error when ctx ends first. Run goes on until its own ctx ends.
func (s *Server) Drain(ctx context.Context) error {
	s.drain.Do(func() { close(s.draining) })
	s.mu.Lock()
	g := s.grpc
	s.mu.Unlock()
	if g == nil {
		return nil
	}
	// Not only the handlers have to be over: what they said has to be on its way.
	gone := make(chan struct{})
	go func() { g.GracefulStop(); close(gone) }() // ends with Run at the latest
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("drain: %w", context.Cause(ctx))
	}
}

// SetSecrets replaces the secrets; streams that are open stay. For rotation.
func (s *Server) SetSecrets(secrets []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets = slices.Clone(secrets)
}

// Members returns who has a lease now; role "": everybody.
func (s *Server) Members(role string) []register.Member {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []register.Member
	for _, l := range s.table.leases {
		if role == "" || l.account.GetRole() == role {
			all = append(all, register.FromProto(l.account))
		}
	}
	return all
}

// Boot is the random number of this life of the register.
func (s *Server) Boot() uint64 { return s.cfg.Identity.Boot }

// now is the time of the table, which thereby learns that time has passed. The
// caller holds s.mu.
func (s *Server) now() time.Duration {
	now := time.Since(s.start)
	if paused := s.table.observe(now); paused > 0 {
		s.cfg.Log.Warn("this process stood still, every lease begins anew", "for", paused)
	}
	return now
}

// sweep lets the table see that time passes.
func (s *Server) sweep(ctx context.Context) {
	t := time.NewTicker(s.cfg.Lease / 10)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		s.mu.Lock()
		s.table.sweep(s.now())
		s.mu.Unlock()
	}
}

// state is what the register says of itself. The caller holds s.mu.
func (s *Server) state() *registerv1.State {
	now := s.now()
	return &registerv1.State{
		Boot: s.cfg.Identity.Boot, Settled: s.table.isSettled(now), AgeMs: uint64((now - s.table.awake).Milliseconds()),
		LeaseMs: uint32(s.cfg.Lease.Milliseconds()), BeatMs: uint32(s.cfg.Beat.Milliseconds()),
	}
}
