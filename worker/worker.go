package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
	"github.com/parley-im/parley/worker/internal/inbox"
	"github.com/parley-im/parley/worker/internal/link"
)

// Worker is one process in the cluster that handles the events of conns, or only
// sends. New makes it, Run is its life.
type Worker struct {
	cfg       Config
	boot      uint64
	log       *slog.Logger
	directory Directory
	crew      *inbox.Crew
	mesh      *link.Mesh
	sender    Sender
	counts    counts
	telling   telling
	inbox     inbox.Stats
	secrets   atomic.Pointer[[]string]
	started   atomic.Bool
	draining  atomic.Bool
	// drainTimeout may change until the drain begins; nanoseconds.
	drainTimeout atomic.Int64
	knownConns   atomic.Int64
	asked        chan struct{} // closed: somebody has asked this worker to drain
	hurry        chan struct{} // closed: the drain ends now
	hurrying     sync.Once
}

// New checks cfg and starts nothing.
func New(cfg Config) (*Worker, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	w := &Worker{
		cfg: cfg, boot: cmp.Or(cfg.Boot, handshake.NewBoot()), log: cfg.Log, directory: cfg.Directory,
		crew:  inbox.NewCrew(cfg.HandlerTimeout, cfg.MaxHandlers),
		asked: make(chan struct{}), hurry: make(chan struct{}),
	}
	w.sender.worker = w
	if cfg.OnDrainAsked == nil {
		cfg.OnDrainAsked = func() { close(w.asked) }
	}
	w.telling.quiet = make(chan struct{}, 1)
	w.secrets.Store(&cfg.Secrets)
	w.drainTimeout.Store(int64(cfg.DrainTimeout))
	w.knownConns.Store(int64(cfg.KnownConns))
	identity := cfg.identity(w.boot)
	if w.directory == nil {
		client, err := register.New(register.Config{
			Registers: cfg.Registers, Identity: identity, Secrets: cfg.Secrets, TLS: cfg.TLS, Log: cfg.Log,
		})
		if err != nil {
			return nil, err
		}
		w.directory = Registers(client)
	}
	// A directory that can dial stands in for the network: package workertest.
	dial, ok := w.directory.(link.Dialer)
	if !ok {
		if cfg.Handler != nil {
			identity.Features = []string{record.FeatureAlone, record.FeatureDrain}
		}
		dial = &link.GRPC{Identity: identity, Secrets: func() []string { return *w.secrets.Load() }, TLS: cfg.TLS}
	}
	w.mesh = link.New(link.Config{
		Dial: dial, Alive: w.directory.LinkAlive,
		Attach: &gatewayv1.Attach{ServesEvents: cfg.Handler != nil, Resync: cfg.Resync.Payload(), Labels: cfg.Labels},
		Crew:   w.crew, Inbox: &w.inbox, Work: w.work, Drain: cfg.OnDrainAsked,
		Retain: cfg.RetainBytes, Log: cfg.Log,
	})
	return w, nil
}

// Sender is the worker's Sender. It may be used before Run and while Run goes on;
// calls wait until the gateways are known. Once a drain has given all conns back, they
// answer Unavailable, because of [ErrStopped].
func (w *Worker) Sender() *Sender { return &w.sender }

// Boot is the random number that this life of the process bears.
func (w *Worker) Boot() uint64 { return w.boot }

// Run joins the cluster and works until ctx ends, or somebody asks this worker to drain
// ([Sender.DrainWorker]) and Config.OnDrainAsked is nil. Then it drains: it leaves the
// register, gives its conns to other workers one by one, each after its last event
// was acknowledged, and waits until the gateways have applied everything that was
// sent; at the drain deadline what is left is taken over by others, who get what
// was not acknowledged again. Run returns when everything it started has ended. It
// may be called once.
func (w *Worker) Run(ctx context.Context) error {
	if w.started.Swap(true) {
		return errors.New("worker: Run was called twice")
	}
	if s, ok := w.cfg.Handler.(Starter); ok {
		if err := s.OnStart(ctx, &w.sender); err != nil {
			return fmt.Errorf("start the handler: %w", err)
		}
	}
	err := w.live(ctx)
	if s, ok := w.cfg.Handler.(Stopper); ok {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		s.OnStop(ctx)
	}
	return err
}

// live is Run between OnStart and OnStop.
func (w *Worker) live(ctx context.Context) error {
	// The links and the directory outlive ctx, until the drain is over.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	eg, life := errgroup.WithContext(life)
	eg.Go(func() error { return w.directory.Run(life) })
	if w.cfg.Handler != nil {
		err := w.directory.Join(register.Member{
			ID: w.cfg.Node, Role: w.cfg.Role, Boot: w.boot, Addr: w.cfg.Addr, Labels: w.cfg.Labels, Build: w.cfg.Build,
		})
		if err != nil {
			end()
			return errors.Join(fmt.Errorf("join the register: %w", err), eg.Wait())
		}
		eg.Go(func() error { w.tellLoad(life); return nil })
	}
	view := w.directory.Watch("gateway")
	defer view.Close()
	eg.Go(func() error { return w.mesh.Run(life, view) })
	eg.Go(func() error { w.announce(life, view); return nil })

	select {
	case <-ctx.Done():
	case <-w.asked:
	case <-life.Done(): // the directory failed
	}
	w.drain(context.WithoutCancel(ctx))
	end()
	return errors.Join(eg.Wait(), w.rest(context.WithoutCancel(ctx)))
}

// announce logs when this process has become a member.
func (w *Worker) announce(ctx context.Context, view View) {
	select {
	case <-view.Ready():
		w.log.Info("joined", "cluster", w.cfg.Cluster)
	case <-ctx.Done():
	}
}

// drain gives back what this process holds, for as long as that may take.
func (w *Worker) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(w.drainTimeout.Load()))
	defer cancel()
	go func() { // ends with ctx
		select {
		case <-w.hurry:
			cancel()
		case <-ctx.Done():
		}
	}()
	w.draining.Store(true)
	w.log.Info("draining", "conns", w.mesh.Snapshot().Conns)
	if w.cfg.Handler != nil {
		// Without registers the gateways hear it from us all the same.
		leave, cancel := context.WithTimeout(ctx, leaveTimeout)
		defer cancel()
		if err := w.directory.Leave(leave); err != nil {
			w.log.Info("leave the register", "err", err) // the lease ends by itself
		}
	}
	err := w.mesh.Drain(ctx)
	if err == nil {
		err = w.crew.Wait(ctx)
	}
	if err != nil { // others take over, and nothing is lost
		w.log.Warn("not drained", "conns", w.mesh.Snapshot().Conns, "handlers", w.crew.Working(), "err", err)
		return
	}
	w.log.Info("drained")
}

// rest ends the handlers that still run, and waits for what Then was given. One that
// does not heed its context, or does not return, is left behind, and is an error.
func (w *Worker) rest(ctx context.Context) error {
	w.crew.Stop(ErrStopped)
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	if w.crew.Wait(ctx) != nil {
		return fmt.Errorf("%d handlers do not heed the end of their context", w.crew.Working())
	}
	if w.telling.wait(ctx) != nil {
		return fmt.Errorf("%d functions that were given to Then do not return", w.telling.open.Load())
	}
	return nil
}

// SetSecrets replaces the secrets of the cluster, for rotation; streams that are
// open stay.
func (w *Worker) SetSecrets(secrets []string) {
	w.secrets.Store(&secrets)
	if d, ok := w.directory.(interface{ SetSecrets([]string) }); ok {
		d.SetSecrets(secrets)
	}
}

// Hurry ends a drain that is under way, or to come, at once.
func (w *Worker) Hurry() { w.hurrying.Do(func() { close(w.hurry) }) }
