package bus

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/parley-im/parley/worker/chat/bus/bustest"
)

func TestFullStreamRefusesAndSaysSoAndHealsWhenPurged(t *testing.T) {
	s := bustest.Start(t)
	b := open(t, Config{URL: s.URL(), EventBytes: 64 << 10}, nil)
	b.ready(t)
	js := visit(t, s.URL())
	o := &outbox{b: b.Bus, due: make(map[int]bool)}
	const n = 3000
	for i := range n {
		o.due[i] = true
	}
	for _, i := range o.left() {
		o.publish(i)
	}
	b.says(t, "stream PARLEY_EVENTS is full: maximum bytes exceeded; events wait in the outbox")
	eventually(t, "all was told", func() bool { return o.taken.Load() == o.told.Load() })
	kept := len(stored(t, js, "PARLEY_EVENTS"))
	if left := len(o.left()); left == 0 || left+kept != n || b.Stats().Full != int64(left) {
		t.Errorf("%d are stored, %d left, stats %+v; want %d together", kept, left, b.Stats(), n)
	}
	if got := b.log.count("what=refused"); got != 1 {
		t.Errorf("it was logged %d times, want once", got)
	}
	st, err := js.Stream(t.Context(), "PARLEY_EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.ready(t) // though nothing was published
	cfg := st.CachedInfo().Config
	cfg.MaxBytes = 8 << 20
	if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	o.drain(t)
	if got := len(stored(t, js, "PARLEY_EVENTS")); got != n-kept {
		t.Errorf("%d came after the purge, want %d", got, n-kept)
	}
	b.ready(t)
}

func TestLimitsOfAnOperatorStay(t *testing.T) {
	s := bustest.Start(t)
	js := visit(t, s.URL())
	want := jetstream.StreamConfig{
		Name: "PARLEY_EVENTS", Subjects: []string{"parley.*.event.>"}, MaxBytes: 1 << 20, MaxMsgs: 77, Discard: jetstream.DiscardOld,
		Storage: jetstream.FileStorage, Replicas: 1,
	}
	if _, err := js.CreateStream(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	b := open(t, Config{URL: s.URL(), EventBytes: 2048}, nil)
	b.ready(t)
	publishAll(t, b.Bus, 10)
	st, err := js.Stream(t.Context(), "PARLEY_EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	if got := st.CachedInfo().Config; got.MaxBytes != want.MaxBytes || got.MaxMsgs != want.MaxMsgs || got.Discard != want.Discard || got.MaxAge != 0 {
		t.Errorf("the stream was changed to %+v", got)
	}
	if b.Stats().Made != 0 {
		t.Errorf("%d were made", b.Stats().Made)
	}
}

func TestEventsNeedTheirStreamAndNotAnothers(t *testing.T) {
	s := bustest.Start(t)
	js := visit(t, s.URL())
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"parley.>"}}); err != nil {
		t.Fatal(err)
	}
	b := open(t, Config{URL: s.URL()}, nil)
	b.says(t, "stream PARLEY_EVENTS is missing and cannot be made")
	done := make(chan error, 1)
	if err := b.Publish(event(1), func(err error) { done <- err }); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err == nil {
		t.Error("an event went into a stream that is not ours")
	}
	if err := js.DeleteStream(t.Context(), "OTHER"); err != nil {
		t.Fatal(err)
	}
	b.ready(t)
	publishAll(t, b.Bus, 3)
}

func TestDeletedStreamIsMadeAnew(t *testing.T) {
	s := bustest.Start(t)
	b := open(t, Config{URL: s.URL()}, nil)
	b.ready(t)
	publishAll(t, b.Bus, 10)
	js := visit(t, s.URL())
	if err := js.DeleteStream(t.Context(), "PARLEY_EVENTS"); err != nil {
		t.Fatal(err)
	}
	publishAll(t, b.Bus, 50) // what fails comes again
	if got := len(stored(t, js, "PARLEY_EVENTS")); got != 50 {
		t.Errorf("%d are stored, want 50", got)
	}
	b.ready(t)
	if got := b.Stats(); got.Remade != 1 || got.Made != 2 {
		t.Errorf("stats: %+v; want the stream made twice, once of them anew", got)
	}
	if n := b.log.count("was gone from nats"); n != 1 {
		t.Errorf("%d lines say that the stream was gone, want 1", n)
	}
}

func TestStoreThatComesBackEmptyIsFilledAnew(t *testing.T) {
	s := bustest.Start(t)
	b := open(t, Config{URL: s.URL()}, nil)
	b.ready(t)
	publishAll(t, b.Bus, 10)
	s.Wipe()
	publishAll(t, b.Bus, 20)
	if got := len(stored(t, visit(t, s.URL()), "PARLEY_EVENTS")); got != 20 {
		t.Errorf("%d are stored, want 20", got)
	}
}

func TestRaisedLimitIsNoticedWithoutFurtherEvents(t *testing.T) {
	s := bustest.Start(t)
	b := open(t, Config{URL: s.URL(), EventBytes: 16 << 10}, func(b *Bus) {
		b.pace.check, b.pace.recheck = time.Second, time.Second // refusal and success fall between two looks
	})
	b.ready(t)
	js := visit(t, s.URL())
	o := &outbox{b: b.Bus, due: make(map[int]bool)}
	for i := range 500 {
		o.add(i)
	}
	b.says(t, "is full")
	st, err := js.Stream(t.Context(), "PARLEY_EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	cfg := st.CachedInfo().Config
	cfg.MaxBytes = -1
	if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	o.drain(t)
	b.ready(t)
}
