package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc"

	"github.com/parley-im/parley/api/internal/files"
	"github.com/parley-im/parley/api/internal/reference"
	"github.com/parley-im/parley/api/internal/site"
	"github.com/parley-im/parley/api/internal/workers"
	"github.com/parley-im/parley/api/openapi"
	"github.com/parley-im/parley/api/web"
	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
)

// API is one api process, or one of several in a test.
type API struct {
	cfg     Config
	log     *slog.Logger
	metrics *metrics
	mux     *http.ServeMux
	files   *files.Store
	page    *site.Site
	docs    *reference.Page

	conn     *grpc.ClientConn
	workers  *workers.Conn
	images   chatv1.ImageServiceClient
	methods  map[string]*workers.Method
	secrets  atomic.Pointer[[]string]
	origins  atomic.Pointer[[]string]
	serving  *register.View // the workers
	gateways *register.View
	push     *push // nil: there is none
	spread   *spread

	conns    *conns
	calls    chan struct{}       // has a place for each call of workers
	uploads  *handshake.Crowd    // counts the pictures that are on their way in
	decoding chan struct{}       // and for each picture that is looked at
	memory   *semaphore.Weighted // what those take
	budgets  *budgets            // of users who upload

	draining context.Context // ends when the process begins to drain
	drain    context.CancelFunc
}

// New checks cfg and builds an API. It makes the folder for pictures, and starts nothing
// else; one that is not run has to be closed.
func New(cfg Config) (*API, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Identity.Boot == 0 {
		cfg.Identity.Boot = handshake.NewBoot()
	}
	cfg.Limits = cfg.Limits.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	l := cfg.Limits
	a := &API{
		cfg: cfg, log: cfg.Log, conns: newConns(cfg.Clients, l.MaxConns, cfg.Proxies), metrics: newMetrics(), mux: http.NewServeMux(), methods: workers.Methods(),
		calls: make(chan struct{}, l.MaxCalls), uploads: newUploads(l),
		decoding: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)), memory: semaphore.NewWeighted(l.ImageMemory),
		budgets: newBudgets(l.UploadsPerMinute, l.UploadBytesPerHour), spread: newSpread(),
	}
	a.draining, a.drain = context.WithCancel(context.Background())
	a.SetSecrets(cfg.Secrets)
	a.origins.Store(&l.AllowOrigins)
	var err error
	if a.page, err = site.New(web.Dist()); err != nil {
		return nil, err
	}
	if a.docs, err = reference.New(openapi.JSON); err != nil {
		return nil, err
	}
	if a.files, err = files.Open(cfg.Files); err != nil {
		return nil, fmt.Errorf("files: %w", err)
	}
	if err := errors.Join(a.dial(), a.openPush(), a.metrics.register(cfg.Metrics, a)); err != nil {
		a.Close()
		return nil, err
	}
	a.route()
	return a, nil
}

// Close lets go of what New took, when the API is not run.
func (a *API) Close() {
	if a.conn != nil {
		a.conn.Close()
		a.serving.Close()
		a.gateways.Close()
	}
	if a.push != nil {
		a.push.peers.Close()
	}
	_ = a.files.Close() // nothing is lost with it
}

// SetSecrets changes the secrets of the cluster for connections to workers made from now
// on.
func (a *API) SetSecrets(secrets []string) {
	secrets = slices.Clone(secrets)
	a.secrets.Store(&secrets)
	if a.push != nil {
		a.push.worker.SetSecrets(secrets)
	}
}

// SetOrigins changes which pages of elsewhere may use the API. Wrong ones change nothing.
func (a *API) SetOrigins(origins []string) error {
	if err := (Limits{AllowOrigins: origins}).Validate(); err != nil {
		return err
	}
	origins = slices.Clone(origins)
	a.origins.Store(&origins)
	return nil
}

// How long a client may take, and what it may send before it is known what it wants.
const (
	headerTime  = 5 * time.Second
	requestTime = 10 * time.Second // with its body, unless a handler gives that another time
	idleTime    = 90 * time.Second
	writeTime   = 30 * time.Second
	headerBytes = 16 << 10
)

// Run serves people until ctx ends. Then it drains: it leaves the register, takes no
// connection any more, and lets what was asked be answered, until the second context
// ends. It returns when all has ended.
func (a *API) Run(ctx, until context.Context) error {
	defer a.Close()
	server := &http.Server{
		Handler: a, TLSConfig: a.cfg.ClientTLS, MaxHeaderBytes: headerBytes,
		ReadHeaderTimeout: headerTime, ReadTimeout: requestTime, IdleTimeout: idleTime, WriteTimeout: writeTime,
		ConnState: a.conns.state,
		ErrorLog:  slog.NewLogLogger(a.log.Handler(), slog.LevelDebug), // clients that speak no HTTP
	}
	a.conn.Connect()
	eg, live := errgroup.WithContext(context.WithoutCancel(ctx))
	eg.Go(func() error {
		serve := func() error { return server.Serve(a.conns) }
		if a.cfg.ClientTLS != nil {
			serve = func() error { return server.ServeTLS(a.conns, "", "") }
		}
		if err := serve(); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("listen: %w", err)
		}
		return nil
	})
	if err := a.join(); err != nil {
		return errors.Join(err, server.Close(), eg.Wait())
	}
	eg.Go(func() error {
		ctx, end := context.WithCancel(ctx)
		defer end()
		defer context.AfterFunc(live, end)()
		a.sweeping(ctx)
		return nil
	})
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	a.push.run(sending, until, eg)
	eg.Go(func() error {
		defer stop() // calls are answered, or cut: then what sends may end
		select {
		case <-ctx.Done():
		case <-live.Done():
		}
		return a.leave(until, server)
	})
	return eg.Wait()
}

// join announces the process.
func (a *API) join() error {
	err := a.cfg.Directory.Join(register.Member{
		ID: a.cfg.Identity.Node, Role: a.cfg.Identity.Role, Boot: a.cfg.Identity.Boot,
		Addr: a.cfg.Clients.Addr().String(), Labels: a.labels(), Build: a.cfg.Identity.Build,
	})
	if err != nil {
		return fmt.Errorf("join the register: %w", err)
	}
	return nil
}

// leave drains the server.
func (a *API) leave(until context.Context, server *http.Server) error {
	a.log.Info("api is draining")
	a.drain()
	leaving, cancel := context.WithTimeout(until, 2*time.Second)
	defer cancel()
	if err := a.cfg.Directory.Leave(leaving); err != nil {
		a.log.Warn("leave the register", "err", err)
	}
	var eg errgroup.Group
	eg.Go(func() error { return a.push.shutdown(until) })
	eg.Go(func() error {
		if err := server.Shutdown(until); err != nil {
			server.Close()
			return fmt.Errorf("requests were cut: %w", err)
		}
		return nil
	})
	return eg.Wait()
}
