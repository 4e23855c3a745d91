package e2e

import (
	"context"
	"slices"
	"testing"

	"github.com/parley-im/parley/deploy/client"
	"github.com/parley-im/parley/worker"
)

// porter lets clients in as who they say they are, and one of them only when it is told to.
type porter struct {
	worker.Base
	asked, open chan struct{}
}

func (p porter) OnOpen(ctx context.Context, c *worker.Conn) error {
	q := c.Facts().Values()
	if q.Has("waits") {
		close(p.asked)
		select {
		case <-p.open:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if user := q.Get("user"); user != "" {
		if err := c.Bind(ctx, user); err != nil {
			return err
		}
	}
	if err := c.Join(ctx, q["group"]...); err != nil {
		return err
	}
	return c.Reply(worker.Text("welcome"))
}

// porterAtTheDoor is one gateway with one worker of that handler, and what opens a conn there.
func porterAtTheDoor(t *testing.T) (p porter, send *worker.Sender, enters func(query string) *client.Conn) {
	t.Helper()
	c := cast{gateways: 1, workers: 1}
	c.withDefaults()
	s := oneProcess(t, c)
	p = porter{asked: make(chan struct{}), open: make(chan struct{})}
	s.Workers()[0].(*insideWorker).handler = p
	begin(t, s)
	eventually(t, func() bool { return s.Sender().Stats().InStep == 1 }, func() string { return "the sender is not in step" })
	return p, s.Sender().Sender(), func(query string) *client.Conn {
		conn, err := client.Dial(within(t, everything), s.URL(0)+query, client.Options{})
		if err != nil {
			t.Error(err)
			return nil
		}
		t.Cleanup(conn.Cut)
		return conn
	}
}

func hearsFrames(t *testing.T, who string, c *client.Conn, want ...string) {
	t.Helper()
	for _, text := range want {
		if m, err := c.ReadWithin(everything); err != nil || string(m.Payload) != text {
			t.Fatalf("%s heard %q, %v, want %q", who, m.Payload, err, text)
		}
	}
}

// GatewayWorker encoded a broadcast for its first client: if that one was still in its
// handshake all others heard nothing.
func TestBroadcastIsWholeThoughTheFirstClientIsNotInYet(t *testing.T) {
	t.Parallel()
	p, send, enters := porterAtTheDoor(t)
	first := make(chan *client.Conn, 1)
	go func() { first <- enters("?waits") }()
	<-p.asked
	others := []*client.Conn{enters(""), enters("?user=ann&group=g")}
	var r worker.Result
	must(t, send.ToAll(within(t, everything), worker.Text("to all"), worker.Await(&r)))
	if r.Hit != len(others) {
		t.Errorf("it hit %d conns, want %d", r.Hit, len(others))
	}
	for _, c := range others {
		hearsFrames(t, "another", c, "welcome", "to all")
	}
	close(p.open)
	late := <-first
	must(t, send.ToAll(within(t, everything), worker.Text("to all again")))
	hearsFrames(t, "the first", late, "welcome", "to all again")
}

// GatewayWorker ended its lists of all groups at the first client of a gateway that was
// nobody, or in no group.
func TestListsGoOnBehindConnsOfNobody(t *testing.T) {
	t.Parallel()
	_, send, enters := porterAtTheDoor(t)
	for _, query := range []string{"", "?user=ann", "", "?group=g", "", "?user=bob&group=g&group=h", "?user=cat&group=i", ""} {
		hearsFrames(t, query, enters(query), "welcome")
	}
	ctx := within(t, everything)
	for what, list := range map[string]*worker.Listing[string]{"ann bob cat": send.Users(ctx), "g h i": send.Groups(ctx), "bob": send.Users(ctx, worker.InGroups("g", "h"))} {
		got := slices.Sorted(list.All())
		if text, _ := inWords(cell{}, got); list.Err() != nil || text != what {
			t.Errorf("listed %q, %v, want %q", text, list.Err(), what)
		}
	}
	groups := 0
	conns := send.Conns(ctx, worker.WithGroups())
	n := 0
	for c := range conns.All() {
		n++
		groups += len(c.Groups)
	}
	if n != 8 || groups != 4 || conns.Err() != nil {
		t.Errorf("%d conns in %d groups, %v; want 8 in 4", n, groups, conns.Err())
	}
}
