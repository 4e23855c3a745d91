package workertest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/internal/leaktest"
	"github.com/parley-im/parley/worker/workertest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// chat is a handler of the common kind: names from the query, one room, whispers.
type chat struct{ worker.Base }

func (chat) OnOpen(ctx context.Context, c *worker.Conn) error {
	user := c.Facts().Values().Get("user")
	if user == "" {
		return worker.Refuse(401, "who are you?")
	}
	return errors.Join(c.Bind(ctx, user), c.Join(ctx, "room"), c.Reply(worker.Text("welcome, "+user)))
}

func (chat) OnMessage(ctx context.Context, c *worker.Conn, m worker.Message) error {
	f := worker.JSON(map[string]string{"from": c.User(), "text": m.Text()})
	once := worker.Once(fmt.Sprint(c.ID(), m.Seq))
	return c.Sender().ToGroup(ctx, "room", f, worker.Except(c.ID()), once)
}

func (chat) OnClose(ctx context.Context, c *worker.Conn, why worker.Close) {
	_ = c.Sender().ToGroup(ctx, "room", worker.Text(why.User+" left"))
}

func TestTwoPeopleTalk(t *testing.T) {
	h := workertest.New(t, chat{}, workertest.WithLog(t), workertest.WithGateways(2))
	ann, bob := h.Dial("/?user=ann"), h.Dial("/?user=bob")
	ann.Expect("welcome, ann")
	bob.Expect("welcome, bob")
	h.LoseAcks(1)
	ann.SendText("hi")
	var got struct{ From, Text string }
	bob.NextJSON(&got)
	if got.From != "ann" || got.Text != "hi" {
		t.Errorf("got %+v", got)
	}
	bob.ExpectNothing()
	ann.ExpectNothing()
	if bob.User() != "bob" || !slices.Equal(bob.Groups(), []string{"room"}) {
		t.Errorf("%q in %q", bob.User(), bob.Groups())
	}
	bob.Close(1001, "home")
	ann.Expect("bob left")
	if code, reason := bob.ExpectClosed(); code != 1001 || reason != "home" {
		t.Errorf("got %d %q", code, reason)
	}
	if _, refused := h.TryDial("/"); refused == nil || refused.Status != 401 {
		t.Errorf("a stranger: %v", refused)
	}
}

// hoarder keeps what it may not keep.
type hoarder struct {
	worker.Base
	kept chan []byte
}

func (h hoarder) OnMessage(_ context.Context, c *worker.Conn, m worker.Message) error {
	h.kept <- m.Payload
	return c.Reply(worker.Binary(slices.Clone(m.Payload)))
}

func TestKeptPayloadIsOverwritten(t *testing.T) {
	kept := make(chan []byte, 1)
	h := workertest.New(t, hoarder{kept: kept})
	c := h.Dial("/")
	c.SendBinary([]byte("mine"))
	c.ExpectBinary([]byte("mine"))
	if err := h.Stop(); err != nil {
		t.Fatal(err)
	}
	if got := string(<-kept); got != "####" {
		t.Errorf("got %q", got)
	}
}

// joiner joins the groups that a frame names.
type joiner struct{ worker.Base }

func (joiner) OnMessage(ctx context.Context, c *worker.Conn, m worker.Message) error {
	err := c.Join(ctx, strings.Fields(m.Text())...)
	if err == nil {
		return c.Reply(worker.Text(fmt.Sprint(len(c.Groups()))))
	}
	return c.Reply(worker.Text(fault.CodeOf(err).String()))
}

func TestConnJoinsNoMoreGroupsThanItMay(t *testing.T) {
	h := workertest.New(t, joiner{}, workertest.WithMaxGroups(2))
	c := h.Dial("/")
	for _, test := range [][2]string{{"a", "1"}, {"b c", "TOO_LARGE"}, {"b", "2"}, {"a b", "2"}, {"c", "TOO_LARGE"}} {
		c.SendText(test[0])
		c.Expect(test[1])
	}
	if got := c.Groups(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("it is in %q", got)
	}
}

// nag sends by itself, every second.
type nag struct{ worker.Base }

func (nag) OnOpen(_ context.Context, c *worker.Conn) error { return c.ConfirmWithin(time.Minute) }

func (nag) OnMessage(ctx context.Context, c *worker.Conn, _ worker.Message) error {
	id, s := c.ID(), c.Sender()
	go func() {
		for range 3 {
			time.Sleep(time.Second)
			_ = s.ToConn(context.WithoutCancel(ctx), id, worker.Text("tick"))
		}
	}()
	return nil
}

func TestBubblesHaveTheirOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		h := workertest.New(t, nag{})
		c := h.Dial("/")
		if !c.OnProbation() {
			t.Error("not on probation")
		}
		c.SendText("go")
		for range 3 {
			c.Expect("tick")
		}
		if took := time.Since(begun); took != 3*time.Second {
			t.Errorf("took %v", took)
		}
		c.Close(fault.CloseUnconfirmed, "")
	})
}
