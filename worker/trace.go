package worker

import (
	"context"

	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/worker/internal/inbox"
)

// Trace returns the trace id that rides with the event of a handler's context, or
// that WithTrace gave; ok is false without one. Sends made with such a context
// carry it on, and errors of the handler are logged with it.
func Trace(ctx context.Context) (id [16]byte, ok bool) {
	t := traceOf(ctx)
	return t, !t.IsZero()
}

// WithTrace gives a context a trace id.
func WithTrace(ctx context.Context, id [16]byte) context.Context {
	return context.WithValue(ctx, inbox.TraceKey{}, record.Trace(id))
}

func traceOf(ctx context.Context) record.Trace {
	t, _ := ctx.Value(inbox.TraceKey{}).(record.Trace) // without one it is zero
	return t
}
