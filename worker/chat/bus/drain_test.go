package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/parley-im/parley/worker/chat/bus/bustest"
)

// crew are workers that share the drain. At most one may have it.
type crew struct {
	nodes []*node
	turns []atomic.Int64
	now   atomic.Int64
	both  atomic.Int64 // times that two had it
	more  atomic.Bool
	fail  atomic.Bool
}

func newCrew(t *testing.T, url string, n int) *crew {
	c := &crew{}
	c.join(t, Config{URL: url}, n)
	return c
}

// join opens n workers.
func (c *crew) join(t *testing.T, cfg Config, n int) {
	t.Helper()
	c.turns = make([]atomic.Int64, n)
	for i := range n {
		cfg.Name = fmt.Sprint("w", i)
		c.nodes = append(c.nodes, open(t, cfg, func(b *Bus) {
			b.OnDrain(func(context.Context) (bool, error) {
				if c.now.Add(1) > 1 {
					c.both.Add(1)
				}
				defer c.now.Add(-1)
				c.turns[i].Add(1)
				if c.fail.Load() {
					return false, errors.New("the database is away")
				}
				return c.more.Load(), nil
			})
		}))
	}
	for _, b := range c.nodes {
		b.ready(t)
	}
}

// turnsGoOn waits until each of those has had n further turns.
func (c *crew) turnsGoOn(t *testing.T, n int64, those ...int) {
	t.Helper()
	before := make([]int64, len(c.turns))
	for i := range c.turns {
		before[i] = c.turns[i].Load()
	}
	eventually(t, fmt.Sprintf("%v have %d more turns", those, n), func() bool {
		for _, i := range those {
			if c.turns[i].Load()-before[i] < n {
				return false
			}
		}
		return true
	})
}

func TestOneWorkerAtATimeDrainsAndEachHasItsTurn(t *testing.T) {
	s := bustest.Start(t)
	c := newCrew(t, s.URL(), 4)
	c.turnsGoOn(t, 10, 0, 1, 2, 3)
	if n := c.both.Load(); n > 0 {
		t.Errorf("two had the turn at once, %d times", n)
	}
	sum := int64(0)
	for i, b := range c.nodes {
		b.end()
		sum += b.Stats().Drained
		if b.Stats().Drained != c.turns[i].Load() {
			t.Errorf("worker %d counts %d turns of %d", i, b.Stats().Drained, c.turns[i].Load())
		}
	}
	js := visit(t, s.URL())
	consumer, err := js.Consumer(t.Context(), "PARLEY_DRAIN", "workers")
	if err != nil {
		t.Fatal(err)
	}
	// A turn may have been handed to one that was just ending.
	if delivered := int64(consumer.CachedInfo().Delivered.Consumer); delivered < sum || delivered > sum+4 {
		t.Errorf("%d turns were handed out, %d were taken", delivered, sum)
	}
}

func TestTurnsComeAboutOncePerTickUnlessThereIsMore(t *testing.T) {
	s := bustest.Start(t)
	var turns atomic.Int64
	var more atomic.Bool
	b := open(t, Config{URL: s.URL()}, func(b *Bus) {
		b.pace.tick = 500 * time.Millisecond
		b.OnDrain(func(context.Context) (bool, error) { turns.Add(1); return more.Load(), nil })
	})
	eventually(t, "it has begun", func() bool { return turns.Load() > 0 })
	begin, before := time.Now(), turns.Load()
	eventually(t, "four turns", func() bool { return turns.Load() >= before+4 })
	if took := time.Since(begin); took < 1500*time.Millisecond {
		t.Errorf("four turns within %v, want 500 ms between them", took)
	}
	more.Store(true)
	eventually(t, "the next turn", func() bool { return turns.Load() >= before+5 })
	begin, before = time.Now(), turns.Load()
	eventually(t, "a hundred turns", func() bool { return turns.Load() >= before+100 })
	if took := time.Since(begin); took > 25*time.Second {
		t.Errorf("a hundred turns took %v although there was more to do", took)
	}
	b.end()
}

func TestHolderThatIsCutOffLosesItsTurn(t *testing.T) {
	s := bustest.Start(t)
	var holds atomic.Bool
	var other atomic.Int64
	held, ended := make(chan struct{}), make(chan struct{})
	a := open(t, Config{URL: s.URL(), Name: "a"}, func(b *Bus) {
		b.OnDrain(func(ctx context.Context) (bool, error) {
			if !holds.Swap(true) {
				close(held)
				<-ctx.Done()
				close(ended)
			}
			return false, ctx.Err()
		})
	})
	<-held
	b := open(t, Config{URL: s.URL(), Name: "b"}, func(b *Bus) {
		b.OnDrain(func(context.Context) (bool, error) { other.Add(1); return false, nil })
	})
	b.ready(t)
	if other.Load() != 0 {
		t.Error("the turn was had by two")
	}
	a.link.Load().nc.Close() // nothing is given back
	eventually(t, "the other has the turn", func() bool { return other.Load() > 0 })
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		t.Error("the drain of who was cut off goes on")
	}
}

func TestLongDrainKeepsItsTurn(t *testing.T) {
	s := bustest.Start(t)
	var now, both atomic.Int64
	var long sync.Once
	over := make(chan struct{})
	for _, name := range []string{"a", "b"} {
		open(t, Config{URL: s.URL(), Name: name}, func(b *Bus) {
			b.OnDrain(func(ctx context.Context) (bool, error) {
				if now.Add(1) > 1 {
					both.Add(1)
				}
				defer now.Add(-1)
				long.Do(func() {
					sleep(ctx, 3*hurried.ackWait)
					close(over)
				})
				return false, nil
			})
		})
	}
	select {
	case <-over:
	case <-time.After(30 * time.Second):
		t.Fatal("no drain ended")
	}
	if both.Load() > 0 {
		t.Error("it was handed to another although it was alive")
	}
}

func TestDrainThatHangsIsGivenToAnother(t *testing.T) {
	s := bustest.Start(t)
	var other atomic.Int64
	hangs, hung := make(chan struct{}), make(chan struct{})
	hang := sync.OnceFunc(func() { close(hung) })
	a := open(t, Config{URL: s.URL(), Name: "a"}, func(b *Bus) {
		b.pace.hold = 300 * time.Millisecond
		b.OnDrain(func(context.Context) (bool, error) { hang(); <-hangs; return false, nil }) // heeds no context
	})
	<-hung
	open(t, Config{URL: s.URL(), Name: "b"}, func(b *Bus) {
		b.OnDrain(func(context.Context) (bool, error) { other.Add(1); return false, nil })
	})
	eventually(t, "the other has turns", func() bool { return other.Load() > 2 })
	close(hangs)
	a.end()
}

func TestRetiredWorkerTakesNoTurns(t *testing.T) {
	s := bustest.Start(t)
	c := newCrew(t, s.URL(), 3)
	c.turnsGoOn(t, 2, 0, 1, 2)
	c.nodes[1].Retire()
	c.nodes[1].Retire()      // twice is once
	c.turnsGoOn(t, 2, 0, 2)  // one that was handed to it at that moment is over
	was := c.turns[1].Load() // and none comes after
	c.turnsGoOn(t, 20, 0, 2) //
	publishAll(t, c.nodes[1].Bus, 3)
	if got := c.turns[1].Load(); got != was {
		t.Errorf("it had %d turns after it retired", got-was)
	}
}

func TestRetiringHolderHandsOverAtOnce(t *testing.T) {
	s := bustest.Start(t)
	held := make(chan struct{})
	hold := sync.OnceFunc(func() { close(held) })
	var other atomic.Int64
	a := open(t, Config{URL: s.URL(), Name: "a"}, func(b *Bus) {
		b.pace.ackWait, b.pace.tick = time.Hour, time.Hour // only what is given back moves
		b.OnDrain(func(ctx context.Context) (bool, error) { hold(); <-ctx.Done(); return false, ctx.Err() })
	})
	<-held
	open(t, Config{URL: s.URL(), Name: "b"}, func(b *Bus) {
		b.OnDrain(func(context.Context) (bool, error) { other.Add(1); return false, nil })
	})
	a.Retire()
	eventually(t, "the other has the turn", func() bool { return other.Load() > 0 })
	if n := a.log.count("cannot be drained"); n != 0 {
		t.Error("its end was logged as a failure")
	}
}

func TestDrainHealsWhateverIsDeleted(t *testing.T) {
	s := bustest.Start(t)
	c := newCrew(t, s.URL(), 2)
	js := visit(t, s.URL())
	for _, broken := range []struct {
		what string
		do   func() error
	}{
		{"consumer deleted", func() error { return js.DeleteConsumer(t.Context(), "PARLEY_DRAIN", "workers") }},
		{"stream deleted", func() error { return js.DeleteStream(t.Context(), "PARLEY_DRAIN") }},
		{"message purged", func() error {
			st, err := js.Stream(t.Context(), "PARLEY_DRAIN")
			if err != nil {
				return err
			}
			return st.Purge(t.Context())
		}},
		{"restarted", func() error { s.Restart(); return nil }},
		{"restarted empty", func() error { s.Wipe(); return nil }},
		{"away for long", func() error {
			s.Stop()
			for _, b := range c.nodes {
				b.says(t, "no connection")
			}
			s.Restart()
			return nil
		}},
	} {
		c.turnsGoOn(t, 2, 0, 1)
		if err := broken.do(); err != nil {
			t.Fatalf("%s: %v", broken.what, err)
		}
		c.turnsGoOn(t, 3, 0, 1)
		for _, b := range c.nodes {
			b.ready(t)
		}
	}
	st, err := js.Stream(t.Context(), "PARLEY_DRAIN")
	if err != nil {
		t.Fatal(err)
	}
	if n := st.CachedInfo().State.Msgs; n != 1 {
		t.Errorf("%d messages in the stream, want 1", n)
	}
	if c.nodes[0].Stats().Remade+c.nodes[1].Stats().Remade == 0 {
		t.Error("nothing was counted as made anew")
	}
}

func TestFailingDrainIsCountedLoggedOnceAndGoesOn(t *testing.T) {
	s := bustest.Start(t)
	c := newCrew(t, s.URL(), 1)
	c.fail.Store(true)
	c.more.Store(true)
	c.turnsGoOn(t, 5, 0)
	c.fail.Store(false)
	c.turnsGoOn(t, 2, 0)
	if got := c.nodes[0].Stats().DrainErrors; got < 4 {
		t.Errorf("%d errors were counted, want 4 or more", got)
	}
	if n := c.nodes[0].log.count("cannot be drained"); n != 1 {
		t.Errorf("%d lines about it, want 1", n)
	}
}

func TestConsumerThatTellsNobodyIsMadeAnew(t *testing.T) {
	s := bustest.Start(t)
	js := visit(t, s.URL())
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "PARLEY_DRAIN", Subjects: []string{"parley.task.drain"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "parley.task.drain", nil); err != nil {
		t.Fatal(err)
	}
	// It has passed the message by, as one that was restored from a backup might.
	if _, err := js.CreateConsumer(t.Context(), "PARLEY_DRAIN", jetstream.ConsumerConfig{Durable: "workers", DeliverPolicy: jetstream.DeliverNewPolicy, AckPolicy: jetstream.AckExplicitPolicy}); err != nil {
		t.Fatal(err)
	}
	c := newCrew(t, s.URL(), 2)
	c.turnsGoOn(t, 3, 0, 1)
	if n := c.nodes[0].Stats().Remade + c.nodes[1].Stats().Remade; n == 0 {
		t.Error("it was not counted")
	}
}

func TestStandstillIsWaitingWithoutDelivery(t *testing.T) {
	begin := time.Now()
	waiting := func(delivered uint64) *jetstream.ConsumerInfo {
		return &jetstream.ConsumerInfo{Created: begin, NumWaiting: 1, Delivered: jetstream.SequenceInfo{Consumer: delivered}}
	}
	held := waiting(1)
	held.NumAckPending = 1
	alone := waiting(1)
	alone.NumWaiting = 0
	paused := waiting(1)
	paused.Paused = true
	anew := waiting(1)
	anew.Created = begin.Add(time.Second)
	for _, c := range []struct {
		name  string
		then  *jetstream.ConsumerInfo
		after time.Duration
		want  bool
	}{
		{"nothing delivered for long", waiting(1), 5 * time.Second, true},
		{"nothing delivered for a moment", waiting(1), 4 * time.Second, false},
		{"something delivered", waiting(2), time.Hour, false},
		{"somebody at work", held, 34 * time.Second, false},
		{"somebody at work for ever", held, 35 * time.Second, true},
		{"nobody waits", alone, time.Hour, false},
		{"paused by an operator", paused, time.Hour, false},
		{"made anew by another", anew, time.Hour, false},
	} {
		var s standstill
		if s.judge(waiting(1), begin, standard) {
			t.Errorf("%s: the first look is no standstill", c.name)
		}
		if got := s.judge(c.then, begin.Add(c.after), standard); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}
