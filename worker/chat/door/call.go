package door

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/proto/fault/grpcfault"
)

// serve carries out a call and says in the words of the cluster how it went.
func (d *Door) serve(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.Timeout)
	defer cancel()
	res, err := d.carryOut(ctx, req, info.FullMethod, next)
	if err == nil {
		return res, nil
	}
	if fault.CodeOf(err) == fault.Internal { // the caller learns no more than that
		d.cfg.Log.Error("a call failed", "method", info.FullMethod, "err", err)
	}
	return nil, grpcfault.ToError(err)
}

func (d *Door) carryOut(ctx context.Context, req any, method string, next grpc.UnaryHandler) (res any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if ctx, err = d.cfg.Service.Admit(ctx, method, bearer(ctx), value(ctx, "x-parley-client")); err != nil {
		return nil, err
	}
	return next(ctx, req)
}

// bearer is the token that a call carries, "" if it carries none.
func bearer(ctx context.Context) string {
	kind, token, ok := strings.Cut(value(ctx, "authorization"), " ")
	if !ok || !strings.EqualFold(kind, "bearer") {
		return ""
	}
	return token
}

// value is a value of the metadata of a call, "" if there is none, or more than one.
func value(ctx context.Context, key string) string {
	if list := metadata.ValueFromIncomingContext(ctx, key); len(list) == 1 {
		return list[0]
	}
	return ""
}
