package main

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/websocket"

	"github.com/parley-im/parley/worker"
)

func plain(func()) worker.Handler { return chat{} }

// pair is two people on two gateways.
func pair(t *testing.T, c *cluster) (a, b *client) {
	t.Helper()
	a, b = dial(t, c.urls[0]), dial(t, c.urls[1])
	a.does(`{"type":"auth","username":"a","id":"auth-a"}`, `"auth-a"`)
	b.does(`{"type":"auth","username":"b","id":"auth-b"}`, `"auth-b"`)
	return a, b
}

func TestDirectGroupAndEveryone(t *testing.T) {
	c := start(t, plain)
	a, b := pair(t, c)
	d := dial(t, c.urls[0]) // has not said who it is

	a.say(`{"type":"message","to":"b","message":"hello"}`)
	b.hears(`{"type":"message","from":"a","message":"hello"}`)
	b.does(`{"type":"message","to":"a","message":"你好 <b>","id":1}`, `1`)
	a.hears(`{"type":"message","from":"b","message":"你好 \u003cb\u003e"}`)

	for _, who := range []*client{a, b, d} {
		who.does(`{"type":"joinGroup","group":"g","id":10}`, `10`)
	}
	a.say(`{"type":"message","group":"g","message":"to the group"}`)
	for _, who := range []*client{b, d} {
		who.hears(`{"type":"message","from":"a","group":"g","message":"to the group"}`)
	}

	a.does(`{"type":"message","message":"to everyone","id":2}`, `2`) // and nothing of its own before
	for _, who := range []*client{b, d} {
		who.hears(`{"type":"message","from":"a","all":true,"message":"to everyone"}`)
	}
}

func TestEveryConnOfAUserGetsIt(t *testing.T) {
	c := start(t, plain)
	a, b := pair(t, c)
	phone := dial(t, c.urls[0])
	phone.does(`{"type":"auth","username":"b","id":0}`, `0`)
	a.say(`{"type":"message","to":"b","message":"twice at home"}`)
	b.hears(`{"type":"message","from":"a","message":"twice at home"}`)
	phone.hears(`{"type":"message","from":"a","message":"twice at home"}`)
}

func TestBeforeAuthFromIsANumber(t *testing.T) {
	c := start(t, plain)
	_, b := pair(t, c)
	d := dial(t, c.urls[0])

	d.say(`{"type":"message","to":"b","message":"psst"}`)
	var refused struct{ Type, Message string }
	if err := json.Unmarshal([]byte(d.next()), &refused); err != nil || refused.Type != "error" || refused.Message == "" {
		t.Fatalf("a direct message before auth: %+v, %v", refused, err)
	}

	var numbers []int64
	for range 2 {
		d.say(`{"type":"message","message":"who am I?"}`)
		var f struct{ From int64 }
		if err := json.Unmarshal([]byte(b.next()), &f); err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, f.From)
	}
	if numbers[0] <= 0 || numbers[0] >= 1<<53 || numbers[0] != numbers[1] {
		t.Errorf("from is %v, want the same number below 2^53 twice", numbers)
	}

	d.does(`{"type":"auth","username":"d","id":1}`, `1`)
	d.does(`{"type":"message","to":"b","message":"now","id":2}`, `2`)
	b.hears(`{"type":"message","from":"d","message":"now"}`)
	d.does(`{"type":"auth","username":"dora","id":3}`, `3`) // a second auth renames
	d.does(`{"type":"message","to":"b","message":"again","id":4}`, `4`)
	b.hears(`{"type":"message","from":"dora","message":"again"}`)
	b.say(`{"type":"message","to":"d","message":"still there?","id":5}`)
	b.hears(`{"type":"error","id":5,"message":"d is not connected"}`)
}

func TestARepeatedIDIsDeliveredOnce(t *testing.T) {
	c := start(t, plain)
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
		again := dial(t, c.urls[1])
		again.does(`{"type":"auth","username":"a","id":"auth"}`, `"auth"`)
		again.does(frame.said, id)
		_ = again.Close()
		b.hears(frame.heard)
		b.does(`{"type":"auth","username":"b","id":"nothing else came"}`, `"nothing else came"`)
	}
	// Another sender's id is another id.
	b.say(`{"type":"message","to":"b","message":"mine","id":"x1"}`)
	b.hears(`{"type":"message","from":"b","message":"mine"}`)
	b.hears(`{"type":"ack","id":"x1"}`)
}

func TestACrashAfterHandingOnDeliversOnce(t *testing.T) {
	var once sync.Once
	c := start(t, func(kill func()) worker.Handler { return &crashing{kill: kill, once: &once} })
	a, b := pair(t, c)
	a.say(`{"type":"message","to":"b","message":"crash","id":1}`)
	b.hears(`{"type":"message","from":"a","message":"crash"}`)
	a.hears(`{"type":"ack","id":1}`) // of the other worker
	a.does(`{"type":"message","to":"b","message":"after","id":2}`, `2`)
	b.hears(`{"type":"message","from":"a","message":"after"}`)
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
	c := start(t, plain)
	a, b := pair(t, c)
	for _, who := range []*client{a, b} {
		who.does(`{"type":"joinGroup","group":"g","id":1}`, `1`)
	}
	c.count(t, "g", 2)
	_ = b.Close()
	c.count(t, "g", 1)
	again := dial(t, c.urls[1])
	again.does(`{"type":"auth","username":"b","id":2}`, `2`)
	a.does(`{"type":"message","group":"g","message":"who is left?","id":3}`, `3`)
	a.does(`{"type":"message","to":"b","message":"not you","id":4}`, `4`)
	again.hears(`{"type":"message","from":"a","message":"not you"}`)
	_ = a.Close()
	c.count(t, "g", 0)
}

// count waits until both workers count so many conns in a group.
func (c *cluster) count(t *testing.T, group string, want int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for i, w := range c.workers {
		for {
			got, _, err := w.Sender().GroupCount(ctx, group)
			if err != nil {
				t.Fatalf("worker %d counts %d in the group, want %d: %v", i, got, want, err)
			}
			if got == want {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

func TestWhatIsWrongGetsAnErrorAndEndsNothing(t *testing.T) {
	c := start(t, plain)
	a, _ := pair(t, c)
	for _, said := range mistakes {
		a.say(said)
		a.error(said)
	}
	if err := websocket.Message.Send(a.Conn, []byte(`{"type":"auth","username":"z"}`)); err != nil {
		t.Fatal(err)
	}
	a.error("a binary frame")
	a.does(`{"type":"auth","username":"a","id":9}`, `9`)
}

func (c *client) error(about string) {
	c.t.Helper()
	var f struct{ Type, Message string }
	if got := c.next(); json.Unmarshal([]byte(got), &f) != nil || f.Type != "error" || f.Message == "" {
		c.t.Errorf("%s: heard %s, want an error", about, got)
	}
}
