package ws

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"

	"github.com/lxzan/gws"

	"github.com/parley-im/parley/gateway/internal/frame"
)

// ErrDraining is what Serve returns after Drain was called.
var ErrDraining = errors.New("ws: draining")

// Server holds the conns of one gateway, from any number of listeners.
type Server struct {
	cfg      Config // but its Limits: see lim
	lim      atomic.Pointer[Limits]
	handler  Handler
	upgrader atomic.Pointer[gws.Upgrader] // replaced when MaxFrameBytes changes
	encoder  *Encoder
	ping     *frame.Frame
	textPing *frame.Frame // nil: none

	clock     clock
	wheel     wheel
	flushers  []*flusher
	turn      atomic.Uint32 // of the flushers, for new conns
	sweep     sweep
	napper    *napper      // made by the goroutine of the wheel when the first conn is to nap
	noNapper  bool         // tried in vain
	inbound   atomic.Int64 // bytes of messages half read
	gate      *gate
	addresses addresses
	stats     serverStats

	mu       sync.Mutex // guards what follows
	doors    map[*door]bool
	draining bool
	empty    chan struct{} // while draining: closed when the last conn has gone
	stop     func()        // ends flushers and wheel; set while there is a door
}

// New checks cfg and starts nothing.
func New(cfg Config, h Handler) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg.withDefaults(), handler: h, gate: newGate(), doors: make(map[*door]bool)}
	s.encoder = newEncoder(s.cfg)
	s.ping = newPing()
	if s.cfg.TextPing != "" {
		f, err := s.encoder.Frame(frame.Text, []byte(s.cfg.TextPing), frame.Merge, "\x00text ping")
		if err != nil {
			return nil, err
		}
		s.textPing = f
	}
	s.clock.t.Store(1)
	s.wheel.clock = &s.clock
	s.sweep.asked = make(chan struct{}, 1)
	for range s.cfg.Flushers {
		s.flushers = append(s.flushers, newFlusher())
	}
	s.setLimits(s.cfg.Limits)
	return s, nil
}

// SetLimits replaces all limits. What is open stays open; MaxFrameBytes counts
// for new conns, the rest for all.
func (s *Server) SetLimits(l Limits) error {
	if err := l.Validate(); err != nil {
		return err
	}
	s.setLimits(l.withDefaults())
	return nil
}

func (s *Server) setLimits(l Limits) {
	old := s.lim.Swap(&l)
	s.arm(l.QueueSum)
	s.gate.set(l.MaxHandshakes, l.HandshakeRate, l.HandshakeTimeout/5)
	if l.MaxHandshakesPerIP == 0 {
		s.addresses.forgetAll()
	}
	if old != nil && old.MaxFrameBytes == l.MaxFrameBytes {
		return
	}
	s.upgrader.Store(gws.NewUpgrader(events{s}, &gws.ServerOption{
		ReadMaxPayloadSize: l.MaxFrameBytes,
		ReadBufferSize:     gwsBufferBytes,
		ParallelGolimit:    1,
		CheckUtf8Enabled:   true,
		Recovery:           gws.Recovery,
		Logger:             gwsLog{s.cfg.Log},
		NewSession:         noSession,
		PermessageDeflate:  deflateOption(s.cfg),
	}))
}

func (s *Server) limits() *Limits { return s.lim.Load() }

// Encoder makes the frames that this server's conns send.
func (s *Server) Encoder() *Encoder { return s.encoder }

// Serve accepts conns from ln, speaking TLS when tlsConfig is not nil, and owns
// ln from now on. It returns when all it started has ended: after Drain, when
// the last of its conns has gone (nil); after ctx ends, when its conns were
// killed (nil); when ln fails, likewise (the error). Several Serves may run.
func (s *Server) Serve(ctx context.Context, ln net.Listener, tlsConfig *tls.Config) error {
	d := newDoor(s, ln, tlsConfig)
	if err := s.enter(d); err != nil {
		ln.Close()
		return err
	}
	defer s.leave(d)
	return d.run(ctx)
}

// enter notes a door and starts flushers and wheel for the first.
func (s *Server) enter(d *door) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return ErrDraining
	}
	s.doors[d] = true
	if s.stop != nil {
		return nil
	}
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background()) // the last door's to end
	wg.Go(func() { s.live(ctx) })
	for _, f := range s.flushers {
		f.lanes.stopped = false
		wg.Go(f.run)
	}
	s.stop = func() {
		cancel()
		for _, f := range s.flushers {
			f.stop()
		}
		wg.Wait()
	}
	return nil
}

func (s *Server) leave(d *door) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.doors, d)
	if len(s.doors) == 0 {
		s.stop()
		s.stop = nil
	}
}

// gwsLog hands to slog what gws has to say about a panic that passed us by.
type gwsLog struct{ log *slog.Logger }

func (l gwsLog) Error(v ...any) { l.log.Error("gws", "err", v) }
