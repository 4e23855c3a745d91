package delivery_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/delivery"
	"github.com/parley-im/parley/worker/chat/store"
	"github.com/parley-im/parley/worker/chat/store/storetest"
	"github.com/parley-im/parley/worker/workertest"
)

// binds is a handler whose conns are those of the user in the query.
type binds struct{}

func (binds) OnOpen(ctx context.Context, c *worker.Conn) error {
	return c.Bind(ctx, c.Facts().Values().Get("user"))
}
func (binds) OnMessage(context.Context, *worker.Conn, worker.Message) error { return nil }
func (binds) OnClose(context.Context, *worker.Conn, worker.Close)           {}

// cluster is two gateways, a worker that reaches them, and a database.
type cluster struct {
	*workertest.Harness
	t        *testing.T
	database storetest.Database
	requests atomic.Int64
}

func newCluster(t *testing.T, opts ...workertest.Option) *cluster {
	t.Helper()
	c := &cluster{t: t, database: storetest.SQLite(t)}
	c.Harness = workertest.New(t, binds{}, append(opts, workertest.WithGateways(2))...)
	c.until("both gateways to be in step", func() bool { return c.Worker().Stats().InStep == 2 })
	return c
}

func (c *cluster) until(what string, is func() bool) {
	c.t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("waited for %s", what)
		}
	}
}

// process is a store of the cluster's database, and what it leaves is delivered.
type process struct {
	*store.Store
	*delivery.Delivery
	c    *cluster
	stop func()
}

// process starts one. sweep is how often it looks for what others left, negative: never.
func (c *cluster) process(name string, sweep time.Duration) *process {
	c.t.Helper()
	p := &process{c: c}
	p.Store = c.database.Open(c.t, func(cfg *store.Config) {
		cfg.Owner, cfg.OnCommit = name, func(list []chat.Outgoing) { p.Committed(list) } // there before the first call
	})
	p.Delivery = delivery.New(delivery.Config{Outbox: p.Store, Sender: c.Sender(), SweepEvery: sweep})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	p.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			c.t.Errorf("%s ended: %v", name, err)
		}
	})
	c.t.Cleanup(p.stop)
	return p
}

// lost is a process that dies between each commit and telling anybody.
func (c *cluster) lost(name string) *store.Store {
	return c.database.Open(c.t, func(cfg *store.Config) { cfg.Owner = name })
}

func (c *cluster) request() chat.RequestID {
	return chat.RequestID(fmt.Sprint("r-", c.requests.Add(1)))
}

// users makes accounts.
func (c *cluster) users(s *store.Store, names ...string) (ids []chat.UserID) {
	c.t.Helper()
	for _, name := range names {
		a, _, err := s.AddUser(c.t.Context(), chat.NewUser{User: chat.User{Name: name}, PasswordHash: "none", Request: "r"})
		if err != nil {
			c.t.Fatal(err)
		}
		ids = append(ids, a.ID)
	}
	return ids
}

// crowd makes so many accounts.
func (c *cluster) crowd(s *store.Store, n int) []chat.UserID {
	c.t.Helper()
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("one of many %d", i)
	}
	return c.users(s, names...)
}

// group makes a group chat of users, the first of whom owns it.
func (c *cluster) group(s *store.Store, users ...chat.UserID) chat.ConversationID {
	c.t.Helper()
	made, err := s.AddConversation(c.t.Context(), chat.Caller{User: users[0]}, chat.NewConversation{
		Type: chat.Group, Name: "group", Users: users[1:], Request: c.request(),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return made.ID
}

// say sends a message; it may be called from any goroutine. Like any client it sends the
// same again when it is told that the store is away: on a busy machine five seconds are
// soon over.
func (c *cluster) say(s *store.Store, from chat.UserID, id chat.ConversationID, origin string) chat.Seq {
	draft := chat.Draft{Conversation: id, Request: c.request(), Text: "hello", Origin: origin}
	for end := time.Now().Add(time.Minute); ; {
		m, err := s.Send(c.t.Context(), chat.Caller{User: from}, draft)
		if err == nil {
			return m.Seq
		}
		if !fault.CodeOf(err).Temporary() || time.Now().After(end) {
			c.t.Errorf("send: %v", err)
			return 0
		}
	}
}

// empty waits until nothing is left to be done.
func (c *cluster) empty(s *store.Store) {
	c.t.Helper()
	var lag chat.Lag
	c.until(fmt.Sprintf("the outbox to be empty (%+v)", lag), func() bool {
		var err error
		if lag, err = s.Lag(c.t.Context()); err != nil {
			c.t.Fatal(err)
		}
		return lag == (chat.Lag{})
	})
}

func (c *cluster) online(u chat.UserID) *workertest.Conn {
	c.t.Helper()
	return c.Dial("/?user=" + string(u))
}

// push is what a conn was told.
type push struct {
	Method string
	Params struct {
		Message struct {
			Seq chat.Seq `json:",string"`
		}
		Conversation struct {
			Head struct {
				Seq chat.Seq `json:",string"`
			}
		}
	}
}

func read(t *testing.T, f workertest.Frame) (p push) {
	t.Helper()
	if err := json.Unmarshal(f.Payload, &p); err != nil {
		t.Fatalf("%v in %s", err, f.Payload)
	}
	return p
}

// hears takes messages until it has been told of last, and returns what it was told.
func (c *cluster) hears(conn *workertest.Conn, last chat.Seq) (seqs []chat.Seq) {
	c.t.Helper()
	for !slices.Contains(seqs, last) {
		if p := read(c.t, conn.Next()); p.Method == "message" {
			seqs = append(seqs, p.Params.Message.Seq)
		}
	}
	return seqs
}

func from(first, last chat.Seq) (seqs []chat.Seq) {
	for ; first <= last; first++ {
		seqs = append(seqs, first)
	}
	return seqs
}
