package worker_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/workertest"
)

func TestBindThatWasNotWaitedForIsKnownAllTheSame(t *testing.T) {
	h := workertest.New(t, script{message: func(ctx context.Context, c *worker.Conn, m worker.Message) error {
		if m.Text() == "who" {
			return c.Reply(worker.Text("you are " + c.User()))
		}
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		if err := c.Bind(ctx, m.Text()); err != nil && fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("bind: %v", err)
		}
		return nil
	}})
	c := h.Dial("/")
	for _, user := range []string{"ann", "bob"} {
		c.SendText(user)
		h.Settle()
		c.SendText("who")
		c.Expect("you are " + user)
	}
}

// A goroutine that outlives its handler has its command done or refused, never done
// and not known.
func TestJoinThatOutlivesItsHandlerIsKnown(t *testing.T) {
	done := make(chan error, 1)
	h := workertest.New(t, script{message: func(ctx context.Context, c *worker.Conn, m worker.Message) error {
		if m.Binary {
			return c.Reply(worker.Text(fmt.Sprint(c.In(m.Text()))))
		}
		group := m.Text()
		began := make(chan struct{})
		go func() {
			close(began)
			done <- c.Join(context.WithoutCancel(ctx), group)
		}()
		<-began
		return nil
	}})
	c := h.Dial("/")
	for i := range 200 {
		group := fmt.Sprint(i)
		c.SendText(group)
		err := <-done
		h.Settle()
		c.SendBinary([]byte(group))
		c.Expect(fmt.Sprint(err == nil))
	}
}
