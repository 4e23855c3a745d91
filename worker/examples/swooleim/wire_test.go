package main

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/examples/clustertest"
)

func plain(func()) worker.Handler { return chat{} }

// client is one who talks.
type client struct{ *clustertest.Client }

func dial(t *testing.T, url string) client {
	t.Helper()
	return client{clustertest.Dial(t, url)}
}

// does says something that carries an id and waits until it is acknowledged.
func (c client) does(text, id string) {
	c.T.Helper()
	c.Say(text)
	c.Hears(`{"type":"ack","id":` + id + `}`)
}

// pair is two people on two gateways.
func pair(t *testing.T, c *clustertest.Cluster) (a, b client) {
	t.Helper()
	a, b = dial(t, c.URLs[0]), dial(t, c.URLs[1])
	a.does(`{"type":"auth","username":"a","id":"auth-a"}`, `"auth-a"`)
	b.does(`{"type":"auth","username":"b","id":"auth-b"}`, `"auth-b"`)
	return a, b
}

func TestDirectGroupAndEveryone(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{}, plain)
	a, b := pair(t, c)
	d := dial(t, c.URLs[0]) // has not said who it is

	a.Say(`{"type":"message","to":"b","message":"hello"}`)
	b.Hears(`{"type":"message","from":"a","message":"hello"}`)
	b.does(`{"type":"message","to":"a","message":"你好 <b>","id":1}`, `1`)
	a.Hears(`{"type":"message","from":"b","message":"你好 \u003cb\u003e"}`)

	for _, who := range []client{a, b, d} {
		who.does(`{"type":"joinGroup","group":"g","id":10}`, `10`)
	}
	a.Say(`{"type":"message","group":"g","message":"to the group"}`)
	for _, who := range []client{b, d} {
		who.Hears(`{"type":"message","from":"a","group":"g","message":"to the group"}`)
	}

	a.does(`{"type":"message","message":"to everyone","id":2}`, `2`) // and nothing of its own before
	for _, who := range []client{b, d} {
		who.Hears(`{"type":"message","from":"a","all":true,"message":"to everyone"}`)
	}
}

func TestEveryConnOfAUserGetsIt(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{}, plain)
	a, b := pair(t, c)
	phone := dial(t, c.URLs[0])
	phone.does(`{"type":"auth","username":"b","id":0}`, `0`)
	a.Say(`{"type":"message","to":"b","message":"twice at home"}`)
	b.Hears(`{"type":"message","from":"a","message":"twice at home"}`)
	phone.Hears(`{"type":"message","from":"a","message":"twice at home"}`)
}

func TestBeforeAuthFromIsANumber(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{}, plain)
	_, b := pair(t, c)
	d := dial(t, c.URLs[0])

	d.Say(`{"type":"message","to":"b","message":"psst"}`)
	var refused struct{ Type, Message string }
	if err := json.Unmarshal([]byte(d.Next()), &refused); err != nil || refused.Type != "error" || refused.Message == "" {
		t.Fatalf("a direct message before auth: %+v, %v", refused, err)
	}

	var numbers []int64
	for range 2 {
		d.Say(`{"type":"message","message":"who am I?"}`)
		var f struct{ From int64 }
		if err := json.Unmarshal([]byte(b.Next()), &f); err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, f.From)
	}
	if numbers[0] <= 0 || numbers[0] >= 1<<53 || numbers[0] != numbers[1] {
		t.Errorf("from is %v, want the same number below 2^53 twice", numbers)
	}

	d.does(`{"type":"auth","username":"d","id":1}`, `1`)
	d.does(`{"type":"message","to":"b","message":"now","id":2}`, `2`)
	b.Hears(`{"type":"message","from":"d","message":"now"}`)
	d.does(`{"type":"auth","username":"dora","id":3}`, `3`) // a second auth renames
	d.does(`{"type":"message","to":"b","message":"again","id":4}`, `4`)
	b.Hears(`{"type":"message","from":"dora","message":"again"}`)
	b.Say(`{"type":"message","to":"d","message":"still there?","id":5}`)
	b.Hears(`{"type":"error","id":5,"message":"d is not connected"}`)
}

func TestARepeatedIDIsDeliveredOnce(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{}, plain)
	a, b := pair(t, c)
	b.does(`{"type":"joinGroup","group":"g","id":0}`, `0`)
	for _, frame := range []struct{ said, heard string }{
		{`{"type":"message","to":"b","message":"one","id":"x1"}`, `{"type":"message","from":"a","message":"one"}`},
		{`{"type":"message","group":"g","message":"two","id":"x1b"}`, `{"type":"message","from":"a","group":"g","message":"two"}`},
		{`{"type":"message","message":"three","id":7}`, `{"type":"message","from":"a","all":true,"message":"three"}`},
	} {
		var f struct{ ID json.RawMessage }
		if err := json.Unmarshal([]byte(frame.said), &f); err != nil {
			t.Fatal(err)
		}
		id := string(f.ID)
		a.does(frame.said, id)
		a.does(frame.said, id)
		// The same person on a new conn at the other gateway, as after a lift.
		again := dial(t, c.URLs[1])
		again.does(`{"type":"auth","username":"a","id":"auth"}`, `"auth"`)
		again.does(frame.said, id)
		_ = again.Close()
		b.Hears(frame.heard)
		b.does(`{"type":"auth","username":"b","id":"nothing else came"}`, `"nothing else came"`)
	}
	// Another sender's id is another id.
	b.Say(`{"type":"message","to":"b","message":"mine","id":"x1"}`)
	b.Hears(`{"type":"message","from":"b","message":"mine"}`)
	b.Hears(`{"type":"ack","id":"x1"}`)
}

func TestACrashAfterHandingOnDeliversOnce(t *testing.T) {
	var once sync.Once
	c := clustertest.Start(t, clustertest.Config{}, func(kill func()) worker.Handler { return &crashing{kill: kill, once: &once} })
	a, b := pair(t, c)
	a.Say(`{"type":"message","to":"b","message":"crash","id":1}`)
	b.Hears(`{"type":"message","from":"a","message":"crash"}`)
	a.Hears(`{"type":"ack","id":1}`) // of the other worker
	a.does(`{"type":"message","to":"b","message":"after","id":2}`, `2`)
	b.Hears(`{"type":"message","from":"a","message":"after"}`)
}

// crashing dies once, between handing a message on and acknowledging its frame.
type crashing struct {
	chat
	kill func()
	once *sync.Once
}

func (h *crashing) OnMessage(ctx context.Context, c *worker.Conn, m worker.Message) error {
	err := h.chat.OnMessage(ctx, c, m)
	if strings.Contains(m.Text(), "crash") {
		h.once.Do(func() {
			h.kill()
			<-ctx.Done()
		})
	}
	return err
}

func TestGroupsForgetWhoLeft(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{}, plain)
	a, b := pair(t, c)
	for _, who := range []client{a, b} {
		who.does(`{"type":"joinGroup","group":"g","id":1}`, `1`)
	}
	count(t, c, "g", 2)
	_ = b.Close()
	count(t, c, "g", 1)
	again := dial(t, c.URLs[1])
	again.does(`{"type":"auth","username":"b","id":2}`, `2`)
	a.does(`{"type":"message","group":"g","message":"who is left?","id":3}`, `3`)
	a.does(`{"type":"message","to":"b","message":"not you","id":4}`, `4`)
	again.Hears(`{"type":"message","from":"a","message":"not you"}`)
	_ = a.Close()
	count(t, c, "g", 0)
}

// count waits until both workers count so many conns in a group.
func count(t *testing.T, c *clustertest.Cluster, group string, want int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), clustertest.Patience)
	defer cancel()
	for i, w := range c.Workers {
		for {
			got, _, err := w.Sender().GroupSize(ctx, group)
			if err != nil {
				t.Fatalf("worker %d counts %d in the group, want %d: %v", i, got.Conns, want, err)
			}
			if got.Conns == want {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

func TestWhatIsWrongGetsAnErrorAndEndsNothing(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{}, plain)
	a, _ := pair(t, c)
	for _, said := range mistakes {
		a.Say(said)
		a.error(said)
	}
	a.SayBinary([]byte(`{"type":"auth","username":"z"}`))
	a.error("a binary frame")
	a.does(`{"type":"auth","username":"a","id":9}`, `9`)
}

func (c client) error(about string) {
	c.T.Helper()
	var f struct{ Type, Message string }
	if got := c.Next(); json.Unmarshal([]byte(got), &f) != nil || f.Type != "error" || f.Message == "" {
		c.T.Errorf("%s: heard %s, want an error", about, got)
	}
}
