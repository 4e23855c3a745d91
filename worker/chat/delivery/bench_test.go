package delivery_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/delivery"
	"github.com/parley-im/parley/worker/chat/store"
	"github.com/parley-im/parley/worker/chat/store/storetest"
	"github.com/parley-im/parley/worker/workertest"
)

// crowdOf is a worker with a store, and groups of 20 users who are all online at two
// gateways in memory.
type crowdOf struct {
	*store.Store
	deliver *delivery.Delivery
	members [][]chat.Caller // by group
	groups  []chat.ConversationID
	commits atomic.Pointer[chat.OnCommit]
}

const perGroup = 20

func newCrowd(b *testing.B, d storetest.Database, groups int) *crowdOf {
	b.Helper()
	c := &crowdOf{}
	nothing := chat.OnCommit(func([]chat.Outgoing) {})
	c.commits.Store(&nothing)
	c.Store = d.Open(b, func(cfg *store.Config) {
		cfg.Relaxed, cfg.Log = false, slog.New(slog.DiscardHandler)
		cfg.OnCommit = func(list []chat.Outgoing) { (*c.commits.Load())(list) }
	})
	h := workertest.New(b, worker.Base{}, workertest.WithGateways(2))
	c.deliver = delivery.New(delivery.Config{Outbox: c.Store, Sender: h.Sender(), SweepEvery: -1, Log: slog.New(slog.DiscardHandler)})
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = c.deliver.Run(ctx) }) // it fails never
	b.Cleanup(func() { stop(); running.Wait() })
	for g := range groups {
		var members []chat.Caller
		var others []chat.UserID
		for i := range perGroup {
			a, _, err := c.AddUser(b.Context(), chat.NewUser{User: chat.User{Name: fmt.Sprintf("u%d.%d", g, i)}, PasswordHash: "none", Request: "r"})
			if err != nil {
				b.Fatal(err)
			}
			members = append(members, chat.Caller{User: a.ID})
			if i > 0 {
				others = append(others, a.ID)
			}
			conn := h.Dial("/")
			if err := h.Sender().Bind(b.Context(), conn.ID(), string(a.ID)); err != nil {
				b.Fatal(err)
			}
		}
		made, err := c.AddConversation(b.Context(), members[0], chat.NewConversation{Type: chat.Group, Name: "g", Users: others, Request: "g"})
		if err != nil {
			b.Fatal(err)
		}
		c.members, c.groups = append(c.members, members), append(c.groups, made.ID)
	}
	return c
}

// say lets 64 senders send n messages, and returns when all are stored.
func (c *crowdOf) say(b *testing.B, n int, round string) {
	var all sync.WaitGroup
	var next atomic.Int64
	text := strings.Repeat("x", 100)
	for range 64 {
		all.Go(func() {
			for {
				i := next.Add(1)
				if i > int64(n) {
					return
				}
				g := rand.IntN(len(c.groups))
				_, err := c.Send(b.Context(), c.members[g][rand.IntN(perGroup)], chat.Draft{
					Conversation: c.groups[g], Request: chat.RequestID(fmt.Sprint(round, i)), Text: text,
				})
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkSendToGroups measures sends into groups of 20 whose members are all online:
// stored and nothing else, and stored, fanned out and acknowledged by both gateways, in
// turns on one store. The gateways are in this process and cost a part of it.
func BenchmarkSendToGroups(b *testing.B) {
	for name, database := range map[string]func(testing.TB) storetest.Database{
		"sqlite": storetest.SQLite, "postgres": storetest.Postgres, "mysql": storetest.MySQL,
	} {
		b.Run(name, func(b *testing.B) {
			groups := 50
			if testing.Short() {
				groups = 2
			}
			c := newCrowd(b, database(b), groups)
			round := 0
			b.Run("stored", func(b *testing.B) {
				for b.Loop() {
					round++
					c.say(b, 2000, fmt.Sprint("s", round, "-"))
				}
				b.ReportMetric(2000*float64(b.N)/b.Elapsed().Seconds(), "sends/s")
			})
			b.Run("delivered", func(b *testing.B) {
				deliver := chat.OnCommit(c.deliver.Committed)
				c.commits.Store(&deliver)
				for b.Loop() {
					round++
					before := c.deliver.Stats().Fanned
					c.say(b, 2000, fmt.Sprint("d", round, "-"))
					for end := time.Now().Add(time.Minute); c.deliver.Stats().Fanned < before+2000; time.Sleep(time.Millisecond) {
						if time.Now().After(end) {
							b.Fatalf("not all were acknowledged: %+v", c.deliver.Stats())
						}
					}
				}
				b.ReportMetric(2000*float64(b.N)/b.Elapsed().Seconds(), "sends/s")
				b.ReportMetric(2000*perGroup*float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
			})
		})
	}
}
