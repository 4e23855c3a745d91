package inbox

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/parley-im/parley/proto/record"
)

// Why the context of a handler ends before the handler does. context.Cause
// returns them.
var (
	// ErrMoved: another worker acts for the conn now.
	ErrMoved = errors.New("the conn has moved to another worker")
	// ErrStopped: this worker ends.
	ErrStopped = errors.New("the worker is stopping")
)

// Ctx is the context of one handler call. A timer and a channel are made only
// when somebody asks for them, because most handlers never do: it costs no
// allocation beyond the struct it lies in. It must not be copied or used again.
type Ctx struct {
	base     context.Context
	deadline time.Time
	trace    record.Trace

	mu    sync.Mutex
	real  context.Context // nil until Done or Value is called
	end   context.CancelCauseFunc
	stop  context.CancelFunc
	cause error // why it ended, nil while it has not; set without real only
}

var _ context.Context = (*Ctx)(nil)

// begin makes c live until deadline, or as long as base.
func (c *Ctx) begin(base context.Context, deadline time.Time, trace record.Trace) {
	c.base, c.deadline, c.trace = base, deadline, trace
}

// TraceKey is the key under which a context holds the record.Trace of its event.
type TraceKey struct{}

// cancel ends it; the first cause counts.
func (c *Ctx) cancel(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.real != nil {
		c.end(cause)
		c.stop()
		return
	}
	if c.cause == nil {
		c.cause = cause
	}
}

// Deadline is when the handler should have returned.
func (c *Ctx) Deadline() (time.Time, bool) { return c.deadline, true }

// Done is closed when the context ends.
func (c *Ctx) Done() <-chan struct{} { return c.make().Done() }

// Value returns what the base context holds under key. It makes the real
// context, because package context finds its own parents with it.
func (c *Ctx) Value(key any) any {
	if _, ok := key.(TraceKey); ok {
		return c.trace
	}
	return c.make().Value(key)
}

// Err is nil until the context ends.
func (c *Ctx) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.real != nil:
		return c.real.Err()
	case c.cause != nil:
		return context.Canceled
	case c.base.Err() != nil:
		return c.base.Err()
	case !time.Now().Before(c.deadline):
		return context.DeadlineExceeded
	}
	return nil
}

func (c *Ctx) make() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.real == nil {
		inner, end := context.WithCancelCause(c.base)
		c.end = end
		c.real, c.stop = context.WithDeadline(inner, c.deadline)
		if c.cause != nil {
			end(c.cause)
			c.stop()
		}
	}
	return c.real
}
