package bus

import (
	"slices"
	"sync"
	"testing"

	"github.com/parley-im/parley/worker/chat/bus/bustest"
)

// heard are the keys that a watcher was told.
type heard struct {
	mu   sync.Mutex
	keys []string
}

func (h *heard) add(key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.keys = append(h.keys, key)
}

// take returns what was told, and forgets it.
func (h *heard) take() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := h.keys
	h.keys = nil
	return k
}

func (h *heard) has(key string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Contains(h.keys, key)
}

func TestInvalidationReachesOthersAndNotItself(t *testing.T) {
	s := bustest.Start(t)
	var own, other, otherTopic, gone heard
	a := open(t, Config{URL: s.URL(), Name: "a"}, func(b *Bus) { b.Watch("membership", own.add) })
	b := open(t, Config{URL: s.URL(), Name: "b"}, func(b *Bus) {
		b.Watch("membership", other.add)
		b.Watch("account", otherTopic.add)
		b.Watch("membership", gone.add)()
	})
	a.ready(t)
	b.ready(t)
	for _, h := range []*heard{&own, &other, &otherTopic} {
		if got := h.take(); !slices.Equal(got, []string{""}) {
			t.Errorf("at the first connection: %q, want everything", got)
		}
	}
	a.Invalidate("membership", "c1")
	a.Invalidate("membership", "c2")
	a.Invalidate("account", "u1")
	eventually(t, "the other heard", func() bool { return otherTopic.has("u1") })
	if got := other.take(); !slices.Equal(got, []string{"c1", "c2"}) {
		t.Errorf("the other heard %q", got)
	}
	if got := otherTopic.take(); !slices.Equal(got, []string{"u1"}) {
		t.Errorf("the other topic heard %q", got)
	}
	b.Invalidate("membership", "c3")
	eventually(t, "the first heard", func() bool { return own.has("c3") })
	if got := own.take(); !slices.Equal(got, []string{"c3"}) {
		t.Errorf("the first heard %q, want only what others said", got)
	}
	if got := gone.take(); len(got) > 0 {
		t.Errorf("a watcher that was stopped heard %q", got)
	}
	if st := a.Stats(); st.Invalidations != 3 || st.Heard != 1 || st.Unsaid != 0 {
		t.Errorf("stats: %+v", st)
	}
}

func TestOutageTellsWatchersEverything(t *testing.T) {
	s := bustest.Start(t)
	var here heard
	b := open(t, Config{URL: s.URL()}, func(b *Bus) { b.Watch("membership", here.add) })
	b.ready(t)
	for range 2 {
		here.take()
		s.Stop()
		b.says(t, "no connection")
		if got := here.take(); len(got) > 0 {
			t.Errorf("while it is away: %q", got)
		}
		s.Restart()
		b.ready(t)
		if got := here.take(); !slices.Equal(got, []string{""}) {
			t.Errorf("when it is back: %q, want everything, once", got)
		}
	}
}

func TestWhatCouldNotBeSaidIsSaidAsEverything(t *testing.T) {
	s := bustest.Start(t)
	var other, quiet heard
	a := open(t, Config{URL: s.URL(), Name: "a"}, nil)
	b := open(t, Config{URL: s.URL(), Name: "b"}, func(b *Bus) {
		b.Watch("membership", other.add)
		b.Watch("account", quiet.add)
	})
	a.ready(t)
	b.ready(t)
	other.take()
	quiet.take()
	// Only a is cut off: b's own connection tells its watchers nothing.
	if err := a.link.Load().nc.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a is cut off", func() bool { return !a.Stats().Connected || a.Stats().Reconnects > 0 })
	a.Invalidate("membership", "c1")
	eventually(t, "the other heard", func() bool { return other.has("") || other.has("c1") })
	// What is said right before the connection breaks is in doubt as well.
	a.ready(t)
	other.take()
	a.Invalidate("membership", "c2")
	if err := a.link.Load().nc.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other heard everything", func() bool { return other.has("") })
	if got := quiet.take(); len(got) > 0 {
		t.Errorf("a topic of which nothing was said heard %q", got)
	}
}

func TestFullQueueOfInvalidationsBecomesEverything(t *testing.T) {
	b, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	b.open = true // and nobody sends
	for range maxInvalidations {
		b.Invalidate("membership", "c")
	}
	if b.topics["membership"].unsaid || b.Stats().Unsaid != 0 {
		t.Fatal("it was full before its bound")
	}
	b.Invalidate("membership", "one more") // does not wait
	if !b.topics["membership"].unsaid || b.Stats().Unsaid != 1 {
		t.Error("what found no room was forgotten")
	}
}

func TestWatcherThatIsTooSlowHearsEverything(t *testing.T) {
	s := bustest.Start(t)
	var other heard
	block := make(chan struct{})
	a := open(t, Config{URL: s.URL(), Name: "a"}, nil)
	b := open(t, Config{URL: s.URL(), Name: "b"}, nil)
	a.ready(t)
	b.ready(t)
	b.Watch("membership", func(key string) { <-block; other.add(key) })
	eventually(t, "b's client drops", func() bool {
		for range 500 {
			a.Invalidate("membership", "c")
		}
		n, err := b.link.Load().invals.Dropped()
		return err == nil && n > 0
	})
	close(block)
	eventually(t, "it heard everything", func() bool { return other.has("") })
}

func TestTopicIsOneWord(t *testing.T) {
	b, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "a.b", "*", "a b", "A"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q was taken", bad)
				}
			}()
			b.Invalidate(bad, "k")
		}()
	}
	b.Invalidate("membership", "k") // before Run is no mistake
}
