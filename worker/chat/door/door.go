package door

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/register/handshake"
)

// Service is what is behind the door; *ops.Service is one.
type Service interface {
	chatv1.ChatServiceServer
	chatv1.ImageServiceServer
	// Admit returns the context in which a call is carried out, or why it is not.
	Admit(ctx context.Context, method, token, client string) (context.Context, error)
}

// Config is what a Door is made of.
type Config struct {
	Service  Service
	Identity handshake.Identity
	Secrets  func() []string // asked for each connection
	TLS      *tls.Config     // nil: for a trusted network only
	// Timeout is how long a call may take; 0: DefaultTimeout.
	Timeout time.Duration
	Log     *slog.Logger
}

// DefaultTimeout is how long a call may take.
const DefaultTimeout = 10 * time.Second

// The bounds of the door.
const (
	maxStrangers     = 256 // connections that prove nothing yet
	maxStrangersHost = 64  // of them from one host
	maxCalls         = 2048
	maxCallBytes     = 256 << 10 // a frame of a socket has 64 KiB
	probeEvery       = 10 * time.Second
)

// Door serves calls. Its methods may be called from any goroutine.
type Door struct {
	cfg    Config
	grpc   *grpc.Server
	knocks handshake.Knocks
}

// New starts nothing.
func New(cfg Config) (*Door, error) {
	if cfg.Service == nil || cfg.Secrets == nil {
		return nil, errors.New("door: Service and Secrets are needed")
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	d := &Door{cfg: cfg}
	gate := handshake.Guard(cfg.Identity, cfg.Secrets, cfg.TLS)
	gate.Strangers, gate.Refused = handshake.NewCrowd(maxStrangers, maxStrangersHost), d.refused
	d.grpc = grpc.NewServer(
		grpc.Creds(gate), grpc.UnaryInterceptor(d.serve),
		grpc.MaxRecvMsgSize(maxCallBytes), grpc.MaxConcurrentStreams(maxCalls),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: probeEvery, Timeout: probeEvery}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
	)
	chatv1.RegisterChatServiceServer(d.grpc, cfg.Service)
	chatv1.RegisterImageServiceServer(d.grpc, cfg.Service)
	return d, nil
}

// Run serves l until ctx ends, and then finishes the calls that are under way, until
// patience ends. It closes l. Callers hear of the end and go elsewhere.
func (d *Door) Run(ctx, patience context.Context, l net.Listener) error {
	served := make(chan error, 1)
	go func() { served <- d.grpc.Serve(l) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	defer context.AfterFunc(patience, d.grpc.Stop)()
	d.grpc.GracefulStop()
	return <-served
}

// refused logs who was turned away, now and then.
func (d *Door) refused(from net.Addr, err error) {
	if say, unsaid := d.knocks.Count(handshake.Reason(err)); say {
		d.cfg.Log.Warn("a caller was refused", "from", handshake.Host(from), "err", err, "unsaid", unsaid)
	}
}
