package worker_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/workertest"
)

func TestLostAcknowledgementRepeatsTheEventAndNotItsReply(t *testing.T) {
	var seen list[string]
	h := workertest.New(t, script{message: func(_ context.Context, c *worker.Conn, m worker.Message) error {
		seen.add(fmt.Sprintf("%s %d %v", m.Text(), m.Seq, m.Redelivered))
		return errors.Join(c.Reply(worker.Text(m.Text())), c.SetSession([]byte(m.Text())))
	}})
	c := h.Dial("/")
	h.LoseAcks(2)
	c.SendText("a")
	c.Expect("a")
	c.SendText("b")
	c.Expect("b")
	c.ExpectNothing()
	if got := fmt.Sprint(seen.get()); got != "[a 2 false a 2 true a 2 true b 3 false]" {
		t.Errorf("got %s", got)
	}
	if s := h.Worker().Stats(); s.Redelivered != 2 || s.Messages != 4 {
		t.Errorf("redelivered %d, messages %d", s.Redelivered, s.Messages)
	}
}

func TestOnceKeepsARepeatedSendFromTheOthers(t *testing.T) {
	h := workertest.New(t, script{
		open: func(ctx context.Context, c *worker.Conn) error { return c.Join(ctx, "room") },
		message: func(ctx context.Context, c *worker.Conn, m worker.Message) error {
			return c.Sender().ToGroup(ctx, "room", worker.Text(m.Text()), worker.Except(c.ID()), worker.Once(fmt.Sprint(c.ID(), m.Seq)))
		},
	})
	a, b := h.Dial("/"), h.Dial("/")
	h.LoseAcks(3)
	a.SendText("hi")
	b.Expect("hi")
	b.ExpectNothing()
	a.ExpectNothing()
}

func TestMoveCancelsTheHandlerAndRefusesWhatItStillDoes(t *testing.T) {
	var first atomic.Bool
	first.Store(true)
	entered, leave := make(chan struct{}), make(chan struct{})
	h := workertest.New(t, script{message: func(ctx context.Context, c *worker.Conn, m worker.Message) error {
		if !first.Swap(false) {
			return c.Reply(worker.Text("second"))
		}
		if err := c.Join(ctx, "before"); err != nil {
			t.Error(err)
		}
		close(entered)
		<-ctx.Done()
		if context.Cause(ctx) != worker.ErrMoved {
			t.Errorf("cause: %v", context.Cause(ctx))
		}
		// Fresh contexts: it is the gateway, or this worker's knowledge, that refuses.
		bg := context.Background()
		for name, err := range map[string]error{
			"Send": c.Send(bg, worker.Text("never")), "Bind": c.Bind(bg, "never"), "Join": c.Join(bg, "never"), "Leave": c.Leave(bg, "before"),
		} {
			if fault.CodeOf(err) != fault.Moved {
				t.Errorf("%s: got %v, want Moved", name, err)
			}
		}
		if err := errors.Join(c.Reply(worker.Text("never")), c.SetSession([]byte("never")), c.Close(4000, "never")); err != nil {
			t.Error(err)
		}
		<-leave
		return nil
	}})
	c := h.Dial("/")
	c.SendText("x")
	<-entered
	h.MoveAll()
	close(leave)
	c.Expect("second")
	c.ExpectNothing()
	if c.User() != "" || c.Session() != nil || fmt.Sprint(c.Groups()) != "[before]" {
		t.Errorf("%q %q %q", c.User(), c.Session(), c.Groups())
	}
	if s := h.Worker().Stats(); s.Refused != 1 || s.Revoked != 1 {
		t.Errorf("refused %d, revoked %d", s.Refused, s.Revoked)
	}
}

func TestBrokenLinkLosesNothing(t *testing.T) {
	h := workertest.New(t, script{message: func(ctx context.Context, c *worker.Conn, m worker.Message) error {
		if err := c.Sender().ToConn(ctx, c.ID(), worker.Text("sent "+m.Text()), worker.Once(fmt.Sprint(c.ID(), m.Seq))); err != nil {
			return err
		}
		return c.Reply(worker.Text("reply " + m.Text()))
	}})
	c := h.Dial("/")
	const n = 300
	for k := range n {
		c.SendText(fmt.Sprint(k))
		if k%50 == 25 {
			h.CutLinks()
		}
	}
	nextSent, nextReply := 0, 0
	for range 2 * n {
		switch f := string(c.Next().Payload); f {
		case fmt.Sprintf("reply %d", nextReply):
			nextReply++
		case fmt.Sprintf("sent %d", nextSent):
			nextSent++
		default:
			t.Fatalf("got %q after %d sent and %d replies", f, nextSent, nextReply)
		}
	}
	c.ExpectNothing()
	if s := h.Worker().Stats(); s.Attaches < 2 {
		t.Errorf("links made: got %d, want several", s.Attaches)
	}
}

func TestHandlerHasTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var took time.Duration
		h := workertest.New(t, script{message: func(ctx context.Context, c *worker.Conn, _ worker.Message) error {
			begun := time.Now()
			<-ctx.Done()
			took = time.Since(begun)
			return ctx.Err()
		}})
		c := h.Dial("/")
		c.SendText("x")
		time.Sleep(11 * time.Second)
		h.Settle()
		if took != 10*time.Second {
			t.Errorf("its context ended after %v", took)
		}
		if s := h.Worker().Stats(); s.Late != 1 || s.Errors != 1 {
			t.Errorf("late %d, errors %d", s.Late, s.Errors)
		}
	})
}

func TestLostGatewayIsToldWithWhatIsKnown(t *testing.T) {
	var why list[worker.Close]
	h := workertest.New(t, script{
		open: func(ctx context.Context, c *worker.Conn) error {
			return errors.Join(c.Bind(ctx, c.Facts().Values().Get("user")), c.Join(ctx, "g"))
		},
		message: func(_ context.Context, c *worker.Conn, m worker.Message) error {
			return errors.Join(c.SetSession([]byte(m.Text())), c.Reply(worker.Text("ok")))
		},
		close: func(_ context.Context, _ *worker.Conn, w worker.Close) { why.add(w) },
	}, workertest.WithGateways(2))
	a, b := h.Dial("/?user=ann"), h.Dial("/?user=bob") // on one gateway each
	a.SendText("s")
	a.Expect("ok")
	b.SendText("s")
	b.Expect("ok")
	h.LoseGateway(0)
	for deadline := time.Now().Add(workertest.Timeout); len(why.get()) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("OnClose did not run")
		}
	}
	got := why.get()
	if len(got) != 1 || !got[0].GatewayLost || got[0].User != "ann" || string(got[0].Session) != "s" || fmt.Sprint(got[0].Groups) != "[g]" || got[0].By != worker.ByUnknown {
		t.Errorf("got %+v", got)
	}
	b.SendText("t")
	b.Expect("ok")
	if err := h.Sender().Join(t.Context(), a.ID(), "x"); fault.CodeOf(err) != fault.Stale {
		t.Errorf("a conn of the lost gateway: got %v", err)
	}
}

// A send to many is several commands to one gateway: none of them is taken for a repeat
// of another, and all of them are repeats of their own.
func TestOnceHoldsForASendToMany(t *testing.T) {
	h := workertest.New(t, script{})
	early, late := h.Dial("/"), h.Dial("/")
	ids := make([]connid.ID, 9000)
	for i := range ids {
		ids[i] = connid.ID{Gateway: early.ID().Gateway, Conn: uint64(2 * i)} // even: nobody
	}
	ids[10], ids[8999] = early.ID(), late.ID()
	for range 2 {
		var r worker.Result
		if err := errors.Join(
			h.Sender().ToConns(t.Context(), ids, worker.Text("sent"), worker.Once("a")),
			h.Sender().ToConns(t.Context(), ids, worker.Text("awaited"), worker.Once("b"), worker.Await(&r)),
		); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []*workertest.Conn{early, late} {
		c.Expect("sent")
		c.Expect("awaited")
		c.ExpectNothing()
	}
}
