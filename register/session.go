package register

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	registerv1 "github.com/parley-im/parley/proto/register/v1"
	"github.com/parley-im/parley/register/handshake"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
)

var (
	errSilent   = errors.New("the register has been silent for a lease")
	errDraining = errors.New("the register is about to stop")
	errAnew     = errors.New("this process has joined or left: begin anew, in order") // never logged
)

// session is one connection to one register: a join stream if this process has
// joined, and a watch stream per role. They live and die together, so that a
// connection that hangs is never reused.
type session struct {
	c       *Client
	addr    string
	log     *slog.Logger
	secrets []string
	attempt int // which secret is tried
	rpc     registerv1.RegisterServiceClient
	joined  bool // our lease is held here; guarded by c.mu
}

// run returns when the session has ended and everything in it too.
func (s *session) run(ctx context.Context) error {
	conn, err := grpc.NewClient("passthrough:///"+s.addr,
		grpc.WithTransportCredentials(handshake.Credentials(s.c.cfg.TLS)),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) { return s.c.cfg.Dial(ctx, addr) }),
		grpc.WithDisableServiceConfig(),
		grpc.WithNoProxy(),
	)
	if err != nil {
		return fmt.Errorf("dial: %w", err)
	}
	defer conn.Close()
	s.rpc = registerv1.NewRegisterServiceClient(conn)

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	eg, ctx := errgroup.WithContext(ctx)
	eg.Go(func() error { return s.supervise(ctx, eg, cancel) })
	err = eg.Wait()
	if cause := context.Cause(ctx); errors.Is(cause, errSilent) {
		err = cause // the streams only know that they were cancelled
	}
	s.c.lostRegister(s.addr)
	return err
}

// supervise joins first, then keeps a watch for every role that is watched.
func (s *session) supervise(ctx context.Context, eg *errgroup.Group, cancel context.CancelCauseFunc) error {
	s.c.mu.Lock()
	join := s.c.self != nil
	s.secrets = s.c.secrets
	s.c.mu.Unlock()
	if join {
		j, err := s.join(ctx, cancel)
		if err != nil {
			return err
		}
		s.setJoined(true)
		eg.Go(func() error {
			err := j.run(ctx)
			if err == nil {
				s.setJoined(false)
			}
			return err
		})
	}
	watched := map[*role]bool{}
	for {
		s.c.mu.Lock()
		wake := s.c.wake
		anew := s.c.self != nil && !s.joined
		var begin []*role
		for _, r := range s.c.roles {
			if !watched[r] {
				begin = append(begin, r)
			}
		}
		s.c.mu.Unlock()
		if anew && ctx.Err() == nil {
			return errAnew
		}
		for _, r := range begin {
			watched[r] = true
			eg.Go(func() error { return s.watch(ctx, r, join, cancel) })
		}
		for r := range watched {
			if r.ctx.Err() != nil {
				delete(watched, r)
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-wake:
		}
	}
}

// setJoined notes whether our lease is held by this session; supervise looks at it.
func (s *session) setJoined(joined bool) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.joined = joined
	s.c.wakeSessions()
}

// shake performs the handshake of one stream.
func (s *session) shake(steps handshake.Stream) error {
	_, err := handshake.Dial(handshake.OfRole(steps, Role), s.c.cfg.Identity, s.secrets, s.attempt, 0)
	return err
}

// reached notes that the register took us.
func (s *session) reached() {
	s.c.mu.Lock()
	first := !s.c.up[s.addr]
	s.c.up[s.addr] = true
	s.c.mu.Unlock()
	if first {
		s.log.Info("register reached")
	}
}

// lostRegister forgets what a session with addr has set up. Views stay.
func (c *Client) lostRegister(addr string) {
	c.unleased(addr, false)
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.observe()
	for _, r := range c.roles {
		r.merge.lost(addr, now)
		r.notify()
	}
}
