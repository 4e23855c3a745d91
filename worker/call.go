package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/parley-im/parley/proto/fault"
)

// panicked is the error of a handler that panicked.
type panicked struct{ value any }

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// errExit stands in for a panic when a handler ends its goroutine, by runtime.Goexit or
// a test's FailNow.
var errExit = errors.New("the handler ended its goroutine")

// call runs a handler. A panic becomes an error; what was buffered is dropped.
func (w *Worker) call(c *Conn, handler func() error) (err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		v := recover()
		if v == nil {
			v = errExit // call does not return either: see work
		}
		err = &panicked{v}
		w.counts.panics.Add(1)
		w.log.Error("panic in handler", append(c.attrs(), "err", err, "stack", string(debug.Stack()))...)
		c.mu.Lock()
		defer c.mu.Unlock()
		answer := c.effects.answer
		c.effects.release()
		c.effects = effects{answer: answer}
		c.unwrite()
	}()
	err = handler()
	returned = true
	return err
}

// unwrite makes the session again what it was before the event: the one that was to be
// written is not. Binds and joins are done. c.mu is held.
func (c *Conn) unwrite() {
	if k, ok := c.seat.State.(*known); ok {
		c.known.session, c.known.version = k.session, k.version
	}
}

// complain logs and counts what a handler returned.
func (w *Worker) complain(c *Conn, where string, err error) {
	var p *panicked
	if errors.As(err, &p) {
		return // it has been
	}
	if cause := context.Cause(&c.ctx); errors.Is(cause, ErrMoved) || errors.Is(cause, ErrStopped) {
		return // whatever it says follows from that
	}
	w.counts.errors.Add(1)
	level := slog.LevelDebug
	if fault.CodeOf(err) == fault.Internal {
		level = slog.LevelWarn
	}
	w.log.Log(context.Background(), level, "handler failed", append(c.attrs(), "in", where, "err", err)...)
}

// attrs name the conn in a log line.
func (c *Conn) attrs() []any {
	attrs := []any{"conn", c.id.String()}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known.user != "" {
		attrs = append(attrs, "user", c.known.user)
	}
	if t := traceOf(&c.ctx); !t.IsZero() {
		attrs = append(attrs, "trace", fmt.Sprintf("%x", t))
	}
	return attrs
}
