package examples

import (
	"context"
	"encoding/json"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/workertest"
)

// world is two gateways with four conns: ann has one on each of them, bob one, and of a
// guest nobody knows who he is. ann is in the kitchen twice and in the hall once, bob is
// in the hall.
type world struct {
	t   *testing.T
	ctx context.Context
	h   *workertest.Harness
	s   *worker.Sender
	now *scene

	users *worker.Users

	ann, bob, guest, ann2 *workertest.Conn
}

// scene handles events as a test wants it.
type scene struct {
	worker.Base
	do     atomic.Pointer[func(context.Context, *worker.Conn) error]
	closed chan worker.Close
}

func (s *scene) OnOpen(ctx context.Context, c *worker.Conn) error {
	q := c.Facts().Values()
	if user := q.Get("user"); user != "" {
		if err := c.Bind(ctx, user); err != nil {
			return err
		}
	}
	return c.Join(ctx, q["in"]...)
}

func (s *scene) OnMessage(ctx context.Context, c *worker.Conn, _ worker.Message) error {
	return (*s.do.Load())(ctx, c)
}

func (s *scene) OnClose(_ context.Context, _ *worker.Conn, why worker.Close) {
	select {
	case s.closed <- why:
	default: // nobody asks
	}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, ctx: t.Context(), now: &scene{closed: make(chan worker.Close, 8)}}
	w.h = workertest.New(t, w.now, workertest.WithGateways(2), workertest.WithWorker(func(k *worker.Worker) { w.users = k.WatchUsers() }))
	w.s = w.h.Sender()
	w.ann, w.bob = w.h.Dial("/?user=ann&in=kitchen&in=hall"), w.h.Dial("/?user=bob&in=hall")
	w.guest, w.ann2 = w.h.Dial("/"), w.h.Dial("/?user=ann&in=kitchen")
	for end := time.Now().Add(workertest.Timeout); w.h.Worker().Stats().InStep < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the worker does not know the routes")
		}
	}
	w.h.Flush()
	return w
}

func (w *world) all() []*workertest.Conn {
	return []*workertest.Conn{w.ann, w.bob, w.guest, w.ann2}
}

// heard checks that these got the text once, and nobody else anything.
func (w *world) heard(text string, by ...*workertest.Conn) {
	w.t.Helper()
	for _, c := range by {
		c.Expect(text)
	}
	for _, c := range w.all() {
		c.ExpectNothing()
	}
}

// good ends the test if err is not nil.
func (w *world) good(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// code checks what kind of error it is.
func (w *world) code(err error, want fault.Code) {
	w.t.Helper()
	if fault.CodeOf(err) != want {
		w.t.Errorf("got %v, want %v", err, want)
	}
}

// is checks that two things are the same, by their JSON.
func (w *world) is(got, want any) {
	w.t.Helper()
	a, err := json.Marshal(got)
	w.good(err)
	b, err := json.Marshal(want)
	w.good(err)
	if string(a) != string(b) {
		w.t.Errorf("got %s, want %s", a, b)
	}
}

// seen waits until the worker takes a user for present, or not.
func (w *world) seen(user string, present bool) {
	w.t.Helper()
	for end := time.Now().Add(workertest.Timeout); w.users.Present(user) != present; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("%s: present %v, want %v", user, !present, present)
		}
	}
}

// within has the handler of a conn do something for its next frame.
func (w *world) within(c *workertest.Conn, do func(context.Context, *worker.Conn) error) {
	w.t.Helper()
	w.now.do.Store(&do)
	c.SendText("do it")
	w.h.Settle()
}

// gone ends a conn as its client does, and returns what OnClose was told.
func (w *world) gone(c *workertest.Conn) worker.Close {
	w.t.Helper()
	c.Close(1000, "")
	w.h.Settle()
	return <-w.now.closed
}

// conns reads a list to its end, by the numbers of the conns.
func (w *world) conns(opts ...worker.ListOption) map[connid.ID]worker.ConnContext {
	w.t.Helper()
	all := map[connid.ID]worker.ConnContext{}
	l := w.s.Conns(w.ctx, opts...)
	for c := range l.All() {
		if _, twice := all[c.ID]; twice {
			w.t.Errorf("%v is listed twice", c.ID)
		}
		all[c.ID] = c.ConnContext
	}
	w.good(l.Err())
	return all
}

// ids checks who is among conns.
func (w *world) ids(got map[connid.ID]worker.ConnContext, want ...*workertest.Conn) {
	w.t.Helper()
	for _, c := range w.all() {
		if _, there := got[c.ID()]; there != slices.Contains(want, c) {
			w.t.Errorf("%v: listed %v, want %v", c.ID(), there, !there)
		}
	}
	if len(got) != len(want) {
		w.t.Errorf("%d conns are listed, want %d", len(got), len(want))
	}
}

// names reads a list of names, sorted.
func (w *world) names(l *worker.Listing[string]) []string {
	w.t.Helper()
	all := slices.Sorted(l.All())
	w.good(l.Err())
	return all
}
