package worker_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/workertest"
)

func TestDrainWaitsForHandlersAndTheirReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closes := 0
		h := workertest.New(t, script{
			message: func(_ context.Context, c *worker.Conn, m worker.Message) error {
				time.Sleep(3 * time.Second)
				return c.Reply(worker.Text("done " + m.Text()))
			},
			close: func(context.Context, *worker.Conn, worker.Close) { closes++ },
		})
		c := h.Dial("/")
		h.Dial("/") // idle
		c.SendText("a")
		c.SendText("b")
		synctest.Wait()
		begun := time.Now()
		if err := h.Stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		// Both were under way: in flight are acknowledged before the conn is given back.
		if took := time.Since(begun); took < 6*time.Second || took > 8*time.Second {
			t.Errorf("the drain took %v", took)
		}
		c.Expect("done a")
		c.Expect("done b")
		if closes != 0 {
			t.Errorf("OnClose ran %d times for conns that only moved", closes)
		}
	})
}

func TestDrainGivesUpAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cause error
		h := workertest.New(t, script{message: func(ctx context.Context, _ *worker.Conn, _ worker.Message) error {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return nil
		}}, workertest.WithConfig(func(c *worker.Config) {
			c.HandlerTimeout, c.DrainTimeout = time.Minute, 5*time.Second
		}))
		h.Dial("/").SendText("x")
		synctest.Wait()
		begun := time.Now()
		if err := h.Stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if took := time.Since(begun); took < 5*time.Second || took > 7*time.Second {
			t.Errorf("the drain took %v", took)
		}
		if !errors.Is(cause, worker.ErrStopped) {
			t.Errorf("cause: %v", cause)
		}
	})
}

func TestHurryEndsADrainAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := workertest.New(t, script{message: func(ctx context.Context, _ *worker.Conn, _ worker.Message) error {
			<-ctx.Done()
			return nil
		}})
		h.Dial("/").SendText("x")
		synctest.Wait()
		h.Worker().Hurry()
		h.Worker().Hurry()
		begun := time.Now()
		if err := h.Stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if took := time.Since(begun); took > time.Second {
			t.Errorf("the drain took %v", took)
		}
	})
}

func TestHandlerThatDoesNotHeedItsContextIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := workertest.New(t, script{message: func(context.Context, *worker.Conn, worker.Message) error {
			<-release
			return nil
		}}, workertest.WithConfig(func(c *worker.Config) { c.DrainTimeout = time.Second }))
		h.Dial("/").SendText("x")
		synctest.Wait()
		err := h.Stop()
		close(release)
		if err == nil || !strings.Contains(err.Error(), "1 handlers") {
			t.Errorf("Run: %v", err)
		}
		h.Forgive()
	})
}

// lifecycle is a Handler that starts and stops.
type lifecycle struct {
	worker.Base
	fail    error
	stopped chan struct{}
}

func (l lifecycle) OnStart(ctx context.Context, s *worker.Sender) error {
	if s == nil || ctx.Err() != nil {
		return errors.New("no sender, or no time")
	}
	return l.fail
}

func (l lifecycle) OnStop(ctx context.Context) {
	if ctx.Err() == nil {
		close(l.stopped)
	}
}

func TestStartAndStopFrameTheWork(t *testing.T) {
	l := lifecycle{stopped: make(chan struct{})}
	h := workertest.New(t, l)
	h.Dial("/")
	select {
	case <-l.stopped:
		t.Error("stopped while it works")
	default:
	}
	if err := h.Stop(); err != nil {
		t.Error(err)
	}
	select {
	case <-l.stopped:
	default:
		t.Error("OnStop did not run")
	}
}

func TestFailedStartEndsRun(t *testing.T) {
	failure := errors.New("no database")
	w, err := worker.New(worker.Config{Handler: lifecycle{fail: failure, stopped: make(chan struct{})}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Run(t.Context()); !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	if err := w.Run(t.Context()); err == nil {
		t.Error("Run a second time: no error")
	}
}
