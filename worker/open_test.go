package worker_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/workertest"
)

func TestOpenSetsEverythingInOneAnswer(t *testing.T) {
	h := workertest.New(t, script{
		open: func(ctx context.Context, c *worker.Conn) error {
			f := c.Facts()
			if f.Path != "/chat" || f.Values().Get("room") != "7" || f.Header.Get("X-App") != "demo" || f.RemoteAddr != "198.51.100.7:1" {
				t.Errorf("facts: %+v", f)
			}
			return errors.Join(
				c.SetSubprotocol("v2"), c.SetHeader("X-Server", "parley"),
				c.Bind(ctx, "ann"), c.Join(ctx, "a", "b"), c.Join(ctx, "b", "c"), c.Leave(ctx, "a"),
				c.SetSession([]byte("s")), c.ConfirmWithin(time.Minute),
				c.Reply(worker.Text("one").For("v2", worker.Text("eins"))), c.Reply(worker.Binary([]byte{2})),
			)
		},
		message: func(ctx context.Context, c *worker.Conn, m worker.Message) error {
			if c.User() != "ann" || !slices.Equal(c.Groups(), []string{"b", "c"}) || !c.In("c") || string(c.Session()) != "s" ||
				c.SessionVersion() != 1 || c.Facts().Subprotocol != "v2" {
				t.Errorf("at the first message: %q %q %q %d", c.User(), c.Groups(), c.Session(), c.SessionVersion())
			}
			return c.Confirm(ctx)
		},
	})
	c := h.Dial("/chat?room=7", workertest.Header("x-app", "demo"), workertest.Subprotocols("v1", "v2"), workertest.RemoteAddr("198.51.100.7:1"))
	c.Expect("eins")
	c.ExpectBinary([]byte{2})
	if c.User() != "ann" || !slices.Equal(c.Groups(), []string{"b", "c"}) || string(c.Session()) != "s" || c.Subprotocol() != "v2" ||
		c.Header().Get("X-Server") != "parley" {
		t.Errorf("%q %q %q %q %v", c.User(), c.Groups(), c.Session(), c.Subprotocol(), c.Header())
	}
	if !c.OnProbation() {
		t.Error("it is not on probation")
	}
	c.SendText("x")
	h.Settle()
	if c.OnProbation() {
		t.Error("it is still on probation")
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		err    error
		status int
		reason string
	}{
		"with a status":           {worker.Refuse(401, "who are you?"), 401, "who are you?"},
		"with headers":            {&worker.Refusal{Status: 503, Reason: "full", RetryAfter: 3 * time.Second, Header: http.Header{"X-A": {"1", "2"}}}, 503, "full"},
		"with no status at all":   {worker.Refuse(200, "ok?"), 500, "ok?"},
		"with what cannot travel": {&worker.Refusal{Status: 401, Reason: "\xffno", RetryAfter: -1, Header: http.Header{"X-B": {"a\r\nX-C: 1"}}}, 401, "\uFFFDno"},
		"with a coded error":      {fault.New(fault.Forbidden, "not you"), 403, "not you"},
		"with an error":           {errors.New("password of the database is hunter2"), 500, "internal error"},
	} {
		t.Run(name, func(t *testing.T) {
			closes := 0
			h := workertest.New(t, script{
				open: func(ctx context.Context, c *worker.Conn) error {
					return errors.Join(c.Bind(ctx, "ann"), c.Reply(worker.Text("never")), test.err)
				},
				close: func(context.Context, *worker.Conn, worker.Close) { closes++ },
			})
			_, refused := h.TryDial("/")
			if refused == nil {
				t.Fatal("it was let in")
			}
			if refused.Status != test.status || refused.Reason != test.reason {
				t.Errorf("got %d %q, want %d %q", refused.Status, refused.Reason, test.status, test.reason)
			}
			var want *worker.Refusal
			if errors.As(test.err, &want) && (refused.RetryAfter != max(0, want.RetryAfter) || refused.Header["X-B"] != nil || len(refused.Header["X-A"]) != len(want.Header["X-A"])) {
				t.Errorf("got %+v, want %+v", refused, want)
			}
			if closes != 0 {
				t.Error("OnClose ran for a conn that was not let in")
			}
			if s := h.Worker().Stats(); s.TurnedAway != 1 {
				t.Errorf("turned away: got %d, want 1", s.TurnedAway)
			}
		})
	}
}

func TestOpenEndsWithTheGatewaysPatience(t *testing.T) {
	h := workertest.New(t, script{open: func(ctx context.Context, _ *worker.Conn) error {
		at, ok := ctx.Deadline()
		if left := time.Until(at); !ok || left > 5*time.Second {
			t.Errorf("time to answer: %v", left)
		}
		return nil
	}})
	h.Dial("/")
}

func TestWhatOnlyOpenCanDoIsRefusedLater(t *testing.T) {
	h := workertest.New(t, script{message: func(_ context.Context, c *worker.Conn, _ worker.Message) error {
		for _, err := range []error{c.SetSubprotocol("v1"), c.SetHeader("a", "b"), c.ConfirmWithin(time.Second)} {
			if fault.CodeOf(err) != fault.Invalid {
				t.Errorf("got %v", err)
			}
		}
		return nil
	}})
	h.Dial("/").SendText("x")
	h.Settle()
}

func TestOpenRefusesWhatCannotTravel(t *testing.T) {
	h := workertest.New(t, script{open: func(_ context.Context, c *worker.Conn) error {
		for name, err := range map[string]error{
			"two lines": c.SetHeader("X-A", "a\r\nX-B: b"), "no name": c.SetHeader("X A", "a"), "no text": c.SetHeader("X-A", "\xff"),
			"too short": c.ConfirmWithin(time.Microsecond), "too long": c.ConfirmWithin(50 * 24 * time.Hour), "back": c.ConfirmWithin(-time.Second),
		} {
			if fault.CodeOf(err) != fault.Invalid {
				t.Errorf("%s: got %v", name, err)
			}
		}
		return nil
	}})
	if c := h.Dial("/"); len(c.Header()) > 0 || c.OnProbation() {
		t.Errorf("header %v, on probation %v", c.Header(), c.OnProbation())
	}
}

func TestSubprotocolThatWasNotOfferedIsRefused(t *testing.T) {
	h := workertest.New(t, script{open: func(ctx context.Context, c *worker.Conn) error {
		if err := c.SetSubprotocol("v3"); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("got %v", err)
		}
		if err := c.Send(ctx, worker.Text("too early")); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("send before the 101: got %v", err)
		}
		return nil
	}})
	h.Dial("/", workertest.Subprotocols("v1"))
}
