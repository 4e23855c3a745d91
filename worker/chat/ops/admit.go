package ops

import (
	"context"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/rpc"
)

type clientKey struct{}

// clientOf is the address that a call came from, "" when it is not known.
func clientOf(ctx context.Context) string {
	if c := rpc.Conn(ctx); c != nil {
		return c.Facts().RemoteAddr
	}
	addr, _ := ctx.Value(clientKey{}).(string)
	return addr
}

// Admit is what a door without conns does with a call before it is carried out: it returns
// the context to do that in, or why it is not done. method is the full name that gRPC has
// for the rpc, "/parley.chat.v1.ChatService/SendMessage"; token is the bearer token,
// which is not looked at where none is needed. client is the address of the program
// that asks, with or without a port, as far as it is known: those who guess names and
// passwords are told apart by it.
func (s *Service) Admit(ctx context.Context, method, token, client string) (context.Context, error) {
	access, known := accesses[method]
	switch {
	case !known:
		return nil, fault.New(fault.Unimplemented, "no such method")
	case access == chatv1.Access_ACCESS_SOCKET:
		return nil, errSocketOnly
	}
	if client != "" {
		ctx = context.WithValue(ctx, clientKey{}, client)
	}
	if access == chatv1.Access_ACCESS_OPEN {
		return ctx, nil
	}
	c, err := s.Authenticate(ctx, token)
	if err != nil {
		return nil, err
	}
	return WithCaller(ctx, c), nil
}

// Authenticate returns whose access token it is. It costs a read of the store: a sign-in
// that was ended is refused here as it is by OpenSession.
func (s *Service) Authenticate(ctx context.Context, token string) (chat.Caller, error) {
	c, _, err := s.cfg.Tokens.Verify(token)
	if err != nil {
		return chat.Caller{}, err
	}
	ended, err := s.cfg.Store.Revoked(ctx, c.Family)
	switch {
	case err != nil:
		return chat.Caller{}, patient(err)
	case ended:
		return chat.Caller{}, chat.ErrRevoked
	}
	return c, nil
}
