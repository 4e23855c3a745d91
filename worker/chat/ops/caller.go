package ops

import (
	"context"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/rpc"
)

type callerKey struct{}

// WithCaller gives a context the caller that a token has proved. Every door does it
// before it calls.
func WithCaller(ctx context.Context, c chat.Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

var errNoSession = fault.New(fault.Unauthenticated, "openSession comes first")

// callerOf returns who calls.
func callerOf(ctx context.Context) (chat.Caller, error) {
	c, ok := ctx.Value(callerKey{}).(chat.Caller)
	if !ok {
		return c, errNoSession
	}
	return c, nil
}

// origin names the conn that calls; a zero id outside of a socket.
func origin(ctx context.Context) connid.ID {
	if c := rpc.Conn(ctx); c != nil {
		return c.ID()
	}
	return connid.ID{}
}

// originName is origin as it travels through the store.
func originName(ctx context.Context) string {
	if c := rpc.Conn(ctx); c != nil {
		return c.ID().String()
	}
	return ""
}
