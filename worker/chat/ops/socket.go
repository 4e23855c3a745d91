package ops

import (
	"context"
	"slices"
	"strings"
	"time"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/rpc"
)

// Subprotocol is what clients speak over a socket: JSON-RPC.
const Subprotocol = "parley.v1.json"

// bearer begins a subprotocol that carries a token, for browsers, which cannot set
// headers.
const bearer = "bearer."

// confirmWithin is how long a client has to open a session.
const confirmWithin = 10 * time.Second

// maxHandshakeToken bounds a token that comes with the handshake: it waits in the
// conn's session.
const maxHandshakeToken = 2048

// Handler serves the conns of sockets.
func (s *Service) Handler() worker.Handler {
	mux := rpc.NewMux()
	mux.Around(s.authenticate)
	rpc.HandleService(mux, &chatv1.ChatService_ServiceDesc, s)
	return &socket{mux: mux}
}

type socket struct {
	worker.Base
	mux *rpc.Mux
}

// OnOpen lets everybody in for a moment: who it is, openSession tells.
func (h *socket) OnOpen(_ context.Context, c *worker.Conn) error {
	f := c.Facts()
	token, wanted := "", false
	for _, p := range f.Subprotocols {
		switch {
		case p == Subprotocol:
			wanted = true
		case strings.HasPrefix(p, bearer):
			token = strings.TrimPrefix(p, bearer)
		}
	}
	if !wanted && slices.ContainsFunc(f.Subprotocols, func(p string) bool { return !strings.HasPrefix(p, bearer) }) {
		return worker.Refuse(400, "the subprotocol here is "+Subprotocol)
	}
	if wanted {
		if err := c.SetSubprotocol(Subprotocol); err != nil {
			return err
		}
	}
	if kind, value, ok := strings.Cut(f.Header.Get("Authorization"), " "); ok && strings.EqualFold(kind, "bearer") {
		token = value
	}
	if len(token) > maxHandshakeToken {
		return worker.Refuse(400, "the token is too long to be one")
	}
	if token != "" {
		if err := c.SetSession(session{Token: token}.bytes()); err != nil {
			return err
		}
	}
	return c.ConfirmWithin(confirmWithin)
}

// OnMessage carries out calls.
func (h *socket) OnMessage(ctx context.Context, c *worker.Conn, m worker.Message) error {
	return h.mux.Serve(ctx, c, m)
}

var errConnExpired = fault.New(fault.Unauthenticated, "the token of this conn has ended: renew")

// authenticate finds out who calls over a conn.
func (s *Service) authenticate(ctx context.Context, method string, next func(context.Context) error) error {
	c := rpc.Conn(ctx)
	if c == nil || open[method] {
		return next(ctx)
	}
	have := readSession(c.Session())
	switch {
	case have.User == "":
		return errNoSession
	case method != "renew" && !s.cfg.Now().Before(have.expires()):
		return errConnExpired
	}
	return next(WithCaller(ctx, have.caller()))
}
