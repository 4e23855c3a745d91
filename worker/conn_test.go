package worker_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/workertest"
)

func TestFramesOfAConnAreHandledInOrder(t *testing.T) {
	h := workertest.New(t, script{message: func(_ context.Context, c *worker.Conn, m worker.Message) error {
		return c.Reply(worker.Text(m.Text()))
	}})
	const n = 500
	conns := make([]*workertest.Conn, 5)
	for i := range conns {
		conns[i] = h.Dial("/")
		for k := range n {
			conns[i].SendText(fmt.Sprint(k))
		}
	}
	for _, c := range conns {
		for k := range n {
			c.Expect(fmt.Sprint(k))
		}
	}
}

func TestTextAndBinaryKeepTheirKind(t *testing.T) {
	h := workertest.New(t, script{message: func(_ context.Context, c *worker.Conn, m worker.Message) error {
		if m.Binary {
			return c.Reply(worker.Binary(slices.Clone(m.Payload)))
		}
		return c.Reply(worker.Text(m.Payload))
	}})
	c := h.Dial("/")
	c.SendBinary([]byte{0xff, 0})
	c.ExpectBinary([]byte{0xff, 0})
	c.SendText("ä")
	c.Expect("ä")
	c.SendText("")
	c.Expect("")
}

func TestSendArrivesBeforeTheHandlerReturns(t *testing.T) {
	release := make(chan struct{})
	h := workertest.New(t, script{message: func(ctx context.Context, c *worker.Conn, _ worker.Message) error {
		if err := c.Send(ctx, worker.Text("working on it")); err != nil {
			return err
		}
		<-release
		return c.Reply(worker.Text("done"))
	}})
	c := h.Dial("/")
	c.SendText("x")
	c.Expect("working on it")
	close(release)
	c.Expect("done")
}

func TestEffectsAfterTheReturnAreRefused(t *testing.T) {
	var kept *worker.Conn
	h := workertest.New(t, script{message: func(_ context.Context, c *worker.Conn, _ worker.Message) error {
		kept = c
		return nil
	}})
	c := h.Dial("/")
	c.SendText("x")
	h.Settle()
	ctx := t.Context()
	for name, err := range map[string]error{
		"Reply": kept.Reply(worker.Text("late")), "SetSession": kept.SetSession(nil), "Close": kept.Close(1000, ""),
		"Send": kept.Send(ctx, worker.Text("late")), "Bind": kept.Bind(ctx, "u"), "Unbind": kept.Unbind(ctx),
		"Join": kept.Join(ctx, "g"), "Leave": kept.Leave(ctx, "g"), "Confirm": kept.Confirm(ctx),
	} {
		if !errors.Is(err, worker.ErrReturned) || fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: got %v, want ErrReturned", name, err)
		}
	}
	if err := kept.Sender().ToConn(ctx, kept.ID(), worker.Text("by the sender")); err != nil {
		t.Error(err)
	}
	c.Expect("by the sender")
}

func TestPanicEndsNothing(t *testing.T) {
	h := workertest.New(t, script{message: func(ctx context.Context, c *worker.Conn, m worker.Message) error {
		if m.Text() != "boom" {
			return c.Reply(worker.Text(m.Text() + " " + string(c.Session()) + " " + strings.Join(c.Groups(), ",")))
		}
		if err := errors.Join(c.Reply(worker.Text("never")), c.SetSession([]byte("never")), c.Join(ctx, "joined"), c.Close(4000, "never")); err != nil {
			t.Error(err)
		}
		panic("boom")
	}})
	c, other := h.Dial("/"), h.Dial("/")
	c.SendText("boom")
	c.SendText("after")
	c.Expect("after  joined")
	other.SendText("other")
	other.Expect("other  ")
	if s := h.Worker().Stats(); s.Panics != 1 || s.Messages != 3 {
		t.Errorf("panics %d, messages %d", s.Panics, s.Messages)
	}
}

func TestPanicInOpenRefusesAndInCloseIsSurvived(t *testing.T) {
	h := workertest.New(t, script{
		open: func(_ context.Context, c *worker.Conn) error {
			if c.Facts().Path == "/boom" {
				panic("boom")
			}
			return nil
		},
		close: func(context.Context, *worker.Conn, worker.Close) { panic("boom") },
	})
	if _, refused := h.TryDial("/boom"); refused == nil || refused.Status != 500 || refused.Reason != "internal error" {
		t.Errorf("got %v", refused)
	}
	h.Dial("/").Close(1000, "")
	h.Settle()
	h.Dial("/")
	if s := h.Worker().Stats(); s.Panics != 2 {
		t.Errorf("panics: got %d, want 2", s.Panics)
	}
}

// A handler that calls t.FailNow, or anything else that ends with runtime.Goexit, takes
// its goroutine with it.
func TestHandlerThatEndsItsGoroutineEndsNothing(t *testing.T) {
	h := workertest.New(t, script{
		open: func(_ context.Context, c *worker.Conn) error {
			if c.Facts().Path == "/exit" {
				runtime.Goexit()
			}
			return nil
		},
		message: func(_ context.Context, c *worker.Conn, m worker.Message) error {
			if err := c.Reply(worker.Text(m.Text())); err != nil || m.Text() == "exit" {
				runtime.Goexit()
			}
			return nil
		},
		close: func(context.Context, *worker.Conn, worker.Close) { runtime.Goexit() },
	}, workertest.WithConfig(func(c *worker.Config) { c.MaxHandlers = 2 }))
	if _, refused := h.TryDial("/exit"); refused == nil || refused.Status != 500 {
		t.Errorf("refused: %v", refused)
	}
	a, b := h.Dial("/"), h.Dial("/")
	for range 5 {
		a.SendText("exit")
		a.SendText("next")
		a.Expect("next")
		b.SendText("another")
		b.Expect("another")
	}
	a.Close(1000, "")
	b.Close(1000, "")
	h.Settle()
	if err := h.Stop(); err != nil {
		t.Error(err)
	}
	if n := h.Worker().Stats().Panics; n != 8 {
		t.Errorf("counted as panics: %d, want 8", n)
	}
}

func TestErrorAcknowledgesWithWhatWasBuffered(t *testing.T) {
	h := workertest.New(t, script{message: func(_ context.Context, c *worker.Conn, m worker.Message) error {
		if err := c.Reply(worker.Text("no: " + m.Text())); err != nil {
			return err
		}
		return errors.New("no")
	}})
	c := h.Dial("/")
	c.SendText("a")
	c.SendText("b")
	c.Expect("no: a")
	c.Expect("no: b")
	h.Settle()
	if s := h.Worker().Stats(); s.Errors != 2 {
		t.Errorf("errors: got %d, want 2", s.Errors)
	}
}

func TestCloseFollowsTheRepliesAndTheClientLearnsWhy(t *testing.T) {
	var why list[worker.Close]
	h := workertest.New(t, script{
		open: func(ctx context.Context, c *worker.Conn) error {
			return errors.Join(c.Bind(ctx, "ann"), c.Join(ctx, "g"), c.SetSession([]byte("s")))
		},
		message: func(_ context.Context, c *worker.Conn, _ worker.Message) error {
			return errors.Join(c.Reply(worker.Text("one")), c.Close(fault.CloseKicked, "bye", worker.Text("two")), c.Reply(worker.Text("three")))
		},
		close: func(_ context.Context, c *worker.Conn, w worker.Close) {
			if err := c.Reply(worker.Text("x")); fault.CodeOf(err) != fault.Stale {
				t.Errorf("reply in OnClose: %v", err)
			}
			why.add(w)
		},
	})
	c := h.Dial("/")
	c.SendText("x")
	c.Expect("one")
	c.Expect("two")
	c.Expect("three")
	if code, reason := c.ExpectClosed(); code != fault.CloseKicked || reason != "bye" {
		t.Errorf("got %d %q", code, reason)
	}
	h.Settle()
	got := why.get()
	if len(got) != 1 {
		t.Fatalf("OnClose ran %d times", len(got))
	}
	w := got[0]
	if w.Code != fault.CloseKicked || w.Reason != "bye" || w.By != worker.ByWorker || w.User != "ann" || !slices.Equal(w.Groups, []string{"g"}) ||
		string(w.Session) != "s" || w.BytesIn != 1 || w.BytesOut != 11 || w.GatewayLost {
		t.Errorf("got %+v", w)
	}
}

func TestClientsEndIsTold(t *testing.T) {
	var why list[worker.Close]
	h := workertest.New(t, script{close: func(_ context.Context, _ *worker.Conn, w worker.Close) { why.add(w) }})
	h.Dial("/").Close(1001, "tab closed")
	h.Settle()
	h.Dial("/").Drop()
	h.Settle()
	got := why.get()
	if len(got) != 2 || got[0].By != worker.ByClient || got[0].Code != 1001 || got[0].Reason != "tab closed" || got[1].By != worker.ByNetwork || got[1].Code != 1006 {
		t.Errorf("got %+v", got)
	}
	// The gateway is told first, and the conn forgotten a moment later.
	for end := time.Now().Add(workertest.Timeout); h.Worker().Stats().Conns != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("conns known after their end: %d", h.Worker().Stats().Conns)
		}
	}
}

func TestSessionTravelsWithTheConn(t *testing.T) {
	h := workertest.New(t, script{message: func(_ context.Context, c *worker.Conn, m worker.Message) error {
		before := fmt.Sprintf("%s v%d", c.Session(), c.SessionVersion())
		if err := c.SetSession([]byte(m.Text())); err != nil {
			return err
		}
		if string(c.Session()) != m.Text() {
			t.Errorf("own write is not seen: %q", c.Session())
		}
		return c.Reply(worker.Text(before))
	}})
	c := h.Dial("/")
	c.SendText("a")
	c.Expect(" v0")
	c.SendText("b")
	c.Expect("a v1")
	h.MoveAll() // the next one gets it from the gateway
	c.SendText("c")
	c.Expect("b v2")
	if v, err := h.Sender().SetSession(t.Context(), c.ID(), []byte("by another")); err != nil || v != 4 {
		t.Fatalf("version %d, %v", v, err)
	}
	c.SendText("d")
	c.Expect("by another v4")
}

func TestTooMuchIsRefusedWhereItIsMade(t *testing.T) {
	h := workertest.New(t, script{message: func(ctx context.Context, c *worker.Conn, _ worker.Message) error {
		big := worker.Binary(make([]byte, record.MaxPayload))
		for name, test := range map[string]struct {
			err  error
			code fault.Code
		}{
			"frame":     {c.Reply(worker.Binary(make([]byte, record.MaxPayload+1))), fault.TooLarge},
			"not UTF-8": {c.Reply(worker.Text("\xff")), fault.Invalid},
			"no JSON":   {c.Reply(worker.JSON(func() {})), fault.Internal},
			"session":   {c.SetSession(make([]byte, 16<<10+1)), fault.TooLarge},
			"reason":    {c.Close(4000, strings.Repeat("x", 124)), fault.Invalid},
			"bad text":  {c.Close(4000, "\xff"), fault.Invalid},
			"code":      {c.Close(1005, ""), fault.Invalid},
			"user":      {c.Bind(ctx, ""), fault.Invalid},
			"group":     {c.Join(ctx, "ok", strings.Repeat("x", 257)), fault.Invalid},
			"bad user":  {c.Bind(ctx, "\xff"), fault.Invalid},
			"bad group": {c.Join(ctx, "ok", "\xff"), fault.Invalid},
		} {
			if fault.CodeOf(test.err) != test.code {
				t.Errorf("%s: got %v, want %s", name, test.err, test.code)
			}
		}
		for range 3 {
			if err := c.Reply(big); err != nil {
				t.Errorf("a large reply: %v", err)
			}
		}
		if err := c.Reply(big); fault.CodeOf(err) != fault.TooLarge {
			t.Errorf("replies above the bound: %v", err)
		}
		if err := c.SetSession([]byte("s")); fault.CodeOf(err) != fault.TooLarge {
			t.Errorf("a session with replies above its bound: %v", err)
		}
		return nil
	}})
	c := h.Dial("/")
	c.SendText("x")
	for range 3 {
		if n := len(c.Next().Payload); n != record.MaxPayload {
			t.Errorf("got %d bytes", n)
		}
	}
}

func TestForgottenConnIsKnownAgainAtItsNextFrame(t *testing.T) {
	synctest.Test(t, testForgotten)
}

func testForgotten(t *testing.T) {
	h := workertest.New(t, script{
		open: func(ctx context.Context, c *worker.Conn) error {
			return errors.Join(c.Bind(ctx, c.Facts().Values().Get("user")), c.SetSession([]byte("s")))
		},
		message: func(_ context.Context, c *worker.Conn, m worker.Message) error {
			return c.Reply(worker.Text(fmt.Sprintf("%s %s %s %s", m.Text(), c.Facts().Path, c.User(), c.Session())))
		},
	}, workertest.WithConfig(func(c *worker.Config) { c.KnownConns = 1 }))
	var conns []*workertest.Conn
	for i := range 20 {
		conns = append(conns, h.Dial(fmt.Sprintf("/?user=u%d", i)))
	}
	h.Settle()
	for round := range 3 {
		for i, c := range conns {
			c.SendText(fmt.Sprint(round))
			c.Expect(fmt.Sprintf("%d / u%d s", round, i))
		}
		time.Sleep(6 * time.Second)
	}
	conns[7].SendText("3")
	conns[7].Expect("3 / u7 s")
	h.Settle()
	synctest.Wait() // the worker forgets after it has acknowledged
	if n := h.Worker().Stats().Conns; n > 2 {
		t.Errorf("conns known: got %d, want about one", n)
	}
}
