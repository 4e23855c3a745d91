package bus

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/parley-im/parley/worker/chat/bus/bustest"
)

// TestRealServer is what matters most, with a server that is a process of its own and,
// as a rule, older than our client: Debian has 2.9.10.
func TestRealServer(t *testing.T) {
	url := bustest.Real(t)
	prefix := bustest.Prefix(t)
	js := visit(t, url)
	upper := strings.ToUpper(prefix)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		for _, stream := range []string{upper + "_EVENTS", upper + "_DRAIN"} {
			if err := js.DeleteStream(ctx, stream); err != nil {
				t.Errorf("%s is left behind: %v", stream, err)
			}
		}
	})
	c := &crew{}
	c.join(t, Config{URL: url, Prefix: prefix, EventBytes: 32 << 10}, 2)
	t.Cleanup(func() { // before the streams go, or they would be made anew
		for _, b := range c.nodes {
			b.end()
		}
	})
	a, b := c.nodes[0], c.nodes[1]

	var here heard
	b.Watch("membership", here.add)
	a.Invalidate("membership", "c1")
	eventually(t, "the other heard", func() bool { return here.has("c1") })

	publishAll(t, a.Bus, 20)
	publishAll(t, b.Bus, 20) // the same again
	var want []string
	for i := range 20 {
		want = append(want, string(event(i).Payload))
	}
	got := stored(t, js, upper+"_EVENTS")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want each once: %q", got, want)
	}

	c.turnsGoOn(t, 5, 0, 1)
	if err := js.DeleteConsumer(t.Context(), upper+"_DRAIN", "workers"); err != nil {
		t.Fatal(err)
	}
	c.turnsGoOn(t, 3, 0, 1)
	if err := js.DeleteStream(t.Context(), upper+"_DRAIN"); err != nil {
		t.Fatal(err)
	}
	c.turnsGoOn(t, 3, 0, 1)
	b.link.Load().nc.Close() // as if it were killed, perhaps with the turn
	c.turnsGoOn(t, 3, 0)
	b.ready(t)
	c.turnsGoOn(t, 3, 1)

	o := &outbox{b: a.Bus, due: make(map[int]bool)}
	for i := range 1000 {
		o.add(20 + i)
	}
	a.says(t, "is full: maximum bytes exceeded")
	st, err := js.Stream(t.Context(), upper+"_EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	cfg := st.CachedInfo().Config
	cfg.MaxBytes = -1
	if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	o.drain(t)
	a.ready(t)
	if n := stateOf(t, js, upper+"_EVENTS").Msgs; n != 1020 {
		t.Errorf("%d events are stored, want 1020", n)
	}

	if err := js.DeleteStream(t.Context(), upper+"_EVENTS"); err != nil {
		t.Fatal(err)
	}
	for i := range 40 { // no more than has room
		o.add(2000 + i)
	}
	o.drain(t)
	a.ready(t)
	if n := stateOf(t, js, upper+"_EVENTS").Msgs; n != 40 {
		t.Errorf("%d events are stored after the stream was deleted, want 40", n)
	}
}

func stateOf(t *testing.T, js jetstream.JetStream, stream string) jetstream.StreamState {
	t.Helper()
	s, err := js.Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	return s.CachedInfo().State
}
