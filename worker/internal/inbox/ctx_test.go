package inbox

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/proto/record"
)

func began(base context.Context) *Ctx {
	c := &Ctx{}
	c.begin(base, time.Now().Add(10*time.Second), record.Trace{})
	return c
}

func TestCtxEndsAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, silent := began(t.Context()), began(t.Context())
		done := asked.Done()
		time.Sleep(9 * time.Second)
		if asked.Err() != nil || silent.Err() != nil {
			t.Error("ended too early")
		}
		time.Sleep(2 * time.Second)
		select {
		case <-done:
		default:
			t.Error("Done is not closed")
		}
		for _, c := range []*Ctx{asked, silent} {
			if !errors.Is(c.Err(), context.DeadlineExceeded) {
				t.Errorf("got %v", c.Err())
			}
			c.cancel(context.Canceled)
		}
	})
}

func TestCtxTellsWhyItEnded(t *testing.T) {
	for name, before := range map[string]func(*Ctx){
		"asked before": func(c *Ctx) { c.Done() },
		"asked after":  func(*Ctx) {},
	} {
		t.Run(name, func(t *testing.T) {
			c := began(t.Context())
			before(c)
			c.cancel(ErrMoved)
			c.cancel(ErrStopped) // the first counts
			if !errors.Is(c.Err(), context.Canceled) {
				t.Errorf("err: %v", c.Err())
			}
			<-c.Done()
			if !errors.Is(context.Cause(c), ErrMoved) {
				t.Errorf("cause: %v", context.Cause(c))
			}
			child, stop := context.WithTimeout(c, time.Minute)
			defer stop()
			if !errors.Is(context.Cause(child), ErrMoved) {
				t.Errorf("cause of a child: %v", context.Cause(child))
			}
		})
	}
}

func TestCtxEndsWithItsBaseAndItsHandler(t *testing.T) {
	base, stop := context.WithCancelCause(t.Context())
	c, returned := began(base), began(base)
	child, cancel := context.WithCancel(c)
	defer cancel()
	returned.cancel(context.Canceled)
	if returned.Err() == nil {
		t.Error("it outlives its handler")
	}
	stop(ErrStopped)
	<-child.Done()
	if !errors.Is(context.Cause(child), ErrStopped) || c.Err() == nil {
		t.Errorf("cause %v, err %v", context.Cause(child), c.Err())
	}
	c.cancel(context.Canceled)
}

type otherKey struct{}

func TestCtxCarriesItsTrace(t *testing.T) {
	c := &Ctx{}
	c.begin(t.Context(), time.Now().Add(time.Hour), record.Trace{7})
	child := context.WithValue(c, otherKey{}, 1)
	if got := child.Value(TraceKey{}); got != (record.Trace{7}) {
		t.Errorf("got %v", got)
	}
	if c.real != nil {
		t.Error("asking for the trace made the real context")
	}
}
