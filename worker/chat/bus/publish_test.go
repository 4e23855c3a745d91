package bus

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/bus/bustest"
	"github.com/parley-im/parley/worker/chat/delivery"
)

func event(i int) delivery.Event {
	return delivery.Event{ID: fmt.Sprint("c/", i), Name: "message.created", Payload: []byte(fmt.Sprint(i))}
}

func TestEventsComeOnceAndInTheOrderOfPublishing(t *testing.T) {
	s := bustest.Start(t)
	b := open(t, Config{URL: s.URL()}, nil)
	b.ready(t)
	const n = 2000
	var want []string
	var told sync.WaitGroup
	publish := func(e delivery.Event) {
		told.Add(1)
		if err := b.Publish(e, func(err error) {
			if err != nil {
				t.Errorf("%s: %v", e.ID, err)
			}
			told.Done()
		}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		publish(event(i))
		if i%10 == 0 {
			publish(event(i / 2)) // a repeat
		}
		want = append(want, fmt.Sprint(i))
	}
	told.Wait()
	if got := stored(t, visit(t, s.URL()), "PARLEY_EVENTS"); !slices.Equal(got, want) {
		t.Errorf("got %d events %.80v…, want %d in order", len(got), got, n)
	}
	if st := b.Stats(); st.Published != n+n/10 || st.Pending != 0 || st.PendingBytes != 0 || st.Failed != 0 {
		t.Errorf("stats: %+v", st)
	}
}

func TestSubjectNamesRealmAndEvent(t *testing.T) {
	s := bustest.Start(t)
	b := open(t, Config{URL: s.URL(), Prefix: "acme"}, nil)
	b.ready(t)
	js := visit(t, s.URL())
	for _, c := range []struct {
		realm chat.Realm
		want  string
	}{{"", "acme._.event.message.created"}, {"blue", "acme.blue.event.message.created"}} {
		e := event(1)
		e.Realm, e.ID = c.realm, "c/"+c.want
		done := make(chan error, 1)
		if err := b.Publish(e, func(err error) { done <- err }); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		st, err := js.Stream(t.Context(), "ACME_EVENTS")
		if err != nil {
			t.Fatal(err)
		}
		m, err := st.GetLastMsgForSubject(t.Context(), c.want)
		if err != nil {
			t.Fatalf("%s: %v", c.want, err)
		}
		if id := m.Header.Get("Nats-Msg-Id"); id != e.ID {
			t.Errorf("id %q, want %q", id, e.ID)
		}
	}
	for _, bad := range []delivery.Event{{ID: "1", Name: "a.*"}, {ID: "1", Name: "a b"}, {ID: "1"}, {Name: "a"}, {ID: "1", Name: "a", Realm: "b.c"}} {
		if err := b.Publish(bad, func(error) { t.Error("done was called") }); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

func TestNATSMayComeLater(t *testing.T) {
	s := bustest.Stopped(t)
	b := open(t, Config{URL: s.URL()}, nil)
	b.says(t, "no connection to NATS since")
	for range 3 {
		if err := b.Publish(event(1), func(error) { t.Error("done was called") }); !errors.Is(err, errDown) {
			t.Errorf("got %v, want %v", err, errDown)
		}
	}
	if got := b.Stats(); got.Failed != 3 || got.Connected {
		t.Errorf("stats: %+v", got)
	}
	eventually(t, "it was logged", func() bool { return b.log.count("no connection to nats") > 0 })
	first := b.Ready().Error()
	// The client tries about twice a second; we see it by the port being refused anew.
	eventually(t, "it has tried again", func() bool { return strings.Contains(b.Ready().Error(), "refused") })
	if since, _, _ := strings.Cut(first, ": "); !strings.HasPrefix(b.Ready().Error(), since) {
		t.Errorf("the beginning moved from %q to %q", first, b.Ready())
	}
	s.Restart()
	b.ready(t)
	publishAll(t, b.Bus, 1)
	if n := b.log.count("no connection to nats"); n != 1 {
		t.Errorf("%d lines say that it is away, want 1", n)
	}
	if n := b.log.count("connected to nats"); n != 1 {
		t.Errorf("%d lines say that it is there, want 1", n)
	}
}

// publishAll publishes events as the outbox does: what fails comes again.
func publishAll(t *testing.T, b *Bus, n int) {
	t.Helper()
	o := outbox{b: b, due: make(map[int]bool)}
	for i := range n {
		o.due[i] = true
	}
	o.drain(t)
}

// outbox keeps what was not published. It counts calls of done.
type outbox struct {
	b           *Bus
	mu          sync.Mutex
	due         map[int]bool
	taken, told atomic.Int64
}

func (o *outbox) drain(t *testing.T) {
	t.Helper()
	eventually(t, "all was published", func() bool {
		for _, i := range o.left() {
			o.publish(i)
		}
		return len(o.left()) == 0
	})
	eventually(t, "all was told", func() bool { return o.taken.Load() == o.told.Load() })
}

// add is a commit: it is due, and published.
func (o *outbox) add(i int) {
	o.mu.Lock()
	o.due[i] = true
	o.mu.Unlock()
	o.publish(i)
}

func (o *outbox) left() (list []int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range o.due {
		list = append(list, i)
	}
	slices.Sort(list)
	return list
}

func (o *outbox) publish(i int) {
	err := o.b.Publish(event(i), func(err error) {
		o.told.Add(1)
		if err == nil {
			o.mu.Lock()
			delete(o.due, i)
			o.mu.Unlock()
		}
	})
	if err == nil {
		o.taken.Add(1)
	}
}

func TestNothingIsLostSilentlyThroughTwoOutages(t *testing.T) {
	s := bustest.Start(t)
	b := open(t, Config{URL: s.URL()}, nil)
	b.ready(t)
	o := &outbox{b: b.Bus, due: make(map[int]bool)}
	const n = 6000
	for i := range n {
		if i == n/3 || i == 2*n/3 {
			s.Stop() // events are under way
			b.says(t, "no connection")
		}
		if i == n/3+500 || i == 2*n/3+500 {
			s.Restart()
			b.ready(t)
		}
		o.add(i)
	}
	o.drain(t)
	got := stored(t, visit(t, s.URL()), "PARLEY_EVENTS")
	slices.Sort(got)
	if twice := len(got) - len(slices.Compact(slices.Clone(got))); twice > 0 {
		t.Errorf("%d came twice", twice)
	}
	if len(slices.Compact(got)) != n {
		t.Errorf("%d of %d arrived", len(slices.Compact(got)), n)
	}
	if st := b.Stats(); st.Failed < 1000 || st.Reconnects != 2 || st.Pending != 0 {
		t.Errorf("stats: %+v; want what was published meanwhile as failed, and 2 reconnects", st)
	}
}

func TestFullQueueRefusesAtOnce(t *testing.T) {
	s := bustest.Start(t)
	b := open(t, Config{URL: s.URL()}, nil)
	b.ready(t)
	hold, held := make(chan struct{}), make(chan struct{})
	var told atomic.Int64
	if err := b.Publish(event(0), func(error) { close(held); <-hold }); err != nil { // nobody is told meanwhile
		t.Fatal(err)
	}
	<-held
	for i := 1; i < maxPending; i++ {
		if err := b.Publish(event(i), func(error) { told.Add(1) }); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	if err := b.Publish(event(maxPending), func(error) { t.Error("done was called") }); !errors.Is(err, errFull) {
		t.Errorf("got %v, want %v", err, errFull)
	}
	close(hold)
	eventually(t, "all were told", func() bool { return told.Load() == maxPending-1 })
	publishAll(t, b.Bus, maxPending+1)
}

func TestBytesUnderWayAreBounded(t *testing.T) {
	s := bustest.Start(t)
	b := open(t, Config{URL: s.URL()}, nil)
	b.ready(t)
	hold := make(chan struct{})
	big := make([]byte, 1<<19)
	n := 0
	for {
		e := event(n)
		e.Payload = big
		err := b.Publish(e, func(error) { <-hold })
		if errors.Is(err, errFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if n++; n > 64 {
			t.Fatal("more than 32 MiB are under way")
		}
	}
	close(hold)
	eventually(t, "all were told", func() bool { return b.Stats().PendingBytes == 0 })
	if n < 60 {
		t.Errorf("only %d were taken", n)
	}
}

func TestEveryEventIsToldBeforeRunReturns(t *testing.T) {
	s := bustest.Start(t)
	b := open(t, Config{URL: s.URL()}, nil)
	b.ready(t)
	var told, good atomic.Int64
	for i := range 1000 {
		if err := b.Publish(event(i), func(err error) {
			told.Add(1)
			if err == nil {
				good.Add(1)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	b.end()
	if told.Load() != 1000 || good.Load() != 1000 {
		t.Errorf("%d were told, %d as published, of 1000", told.Load(), good.Load())
	}
	if err := b.Publish(event(1), func(error) { t.Error("done was called") }); !errors.Is(err, errStopped) {
		t.Errorf("got %v, want %v", err, errStopped)
	}
	if b.Ready() == nil {
		t.Error("it is ready after its end")
	}
}

func TestEventsOfAConnectionClosedForGoodAreTold(t *testing.T) {
	s := bustest.Start(t)
	b := open(t, Config{URL: s.URL()}, nil)
	b.ready(t)
	var told atomic.Int64
	taken := int64(0)
	for i := range 2000 {
		if i == 1000 {
			b.link.Load().nc.Close()
		}
		if b.Publish(event(i), func(error) { told.Add(1) }) == nil {
			taken++
		}
	}
	eventually(t, "all were told", func() bool { return told.Load() == taken })
	b.ready(t)
	publishAll(t, b.Bus, 2000)
	if got := stored(t, visit(t, s.URL()), "PARLEY_EVENTS"); len(got) != 2000 {
		t.Errorf("%d of 2000 arrived", len(got))
	}
}

func TestRunIsForOnce(t *testing.T) {
	b := open(t, Config{URL: bustest.Stopped(t).URL()}, nil)
	b.says(t, "no connection")
	done := make(chan error, 1)
	go func() { done <- b.Run(t.Context()) }()
	select {
	case err := <-done:
		if err == nil {
			t.Error("it ran twice")
		}
	case <-time.After(30 * time.Second):
		t.Error("it runs twice")
	}
}
