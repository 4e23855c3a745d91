package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/delivery"
)

// The sender of these tests takes everything and acknowledges nothing, as if a gateway
// stood still: see sender.

func TestWhatWaitsForAGatewayIsBoundedAndOthersHearTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, s := &outbox{}, &sender{}
		run(t, delivery.Config{Outbox: o, Sender: s, SweepEvery: -1}, func(d *delivery.Delivery) {
			const many = 10_000
			for i := range int64(many) {
				d.Committed([]chat.Outgoing{message(i+1, chat.Text, chat.Narrow, "a")})
			}
			synctest.Wait()
			if got := d.Stats(); len(s.said()) != many || got.Awaited > 8192 || got.Awaited+int(got.Unacknowledged) != many {
				t.Errorf("sent %d, %+v", len(s.said()), got)
			}
		})
		if done := o.done(); len(done) != 0 {
			t.Errorf("%d rows are finished that nobody acknowledged", len(done))
		}
	})
}

func TestRowsThatAreUnderWayAreNotDoneTwiceHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := message(1, chat.Text, chat.Narrow, "a"), message(2, chat.Text, chat.Narrow, "a")
		again := []chat.Outgoing{one, two}
		for i := range again {
			again[i].Rescued = true
		}
		o, s := &outbox{left: again}, &sender{}
		run(t, delivery.Config{Outbox: o, Sender: s, SweepEvery: -1}, func(d *delivery.Delivery) {
			d.Committed([]chat.Outgoing{one})
			synctest.Wait()
			if _, err := d.Drain(t.Context()); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			if got := d.Stats().Rescued; got != 1 {
				t.Errorf("rescued %d", got)
			}
			// Others may claim what this process is at: they may reach whom it does not.
			if !slices.Equal(o.but, []int64{1}) {
				t.Errorf("all but %v were claimed", o.but)
			}
		})
		if got := s.said(); !slices.Equal(got, []string{"users [a] 1", "users [a] 2"}) {
			t.Errorf("told %q", got)
		}
	})
}

// A process that reaches nobody, because it has just begun or is cut off, would hold what
// it claims until others may have it again.
func TestWhoReachesNobodyTakesNoRowsOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := message(1, chat.Text, chat.Narrow, "a")
		m.Rescued = true
		o, s, reach := &outbox{left: []chat.Outgoing{m}}, &sender{}, new(atomic.Bool)
		run(t, delivery.Config{Outbox: o, Sender: s, Reach: reach.Load}, func(d *delivery.Delivery) {
			if more, err := d.Drain(t.Context()); more || err != nil {
				t.Errorf("drain: more is %v, %v", more, err)
			}
			time.Sleep(time.Minute)
			if n := o.looked(); n != 0 {
				t.Errorf("claimed %d times", n)
			}
			reach.Store(true)
			time.Sleep(10 * time.Second)
			if got := s.said(); !slices.Equal(got, []string{"users [a] 1"}) {
				t.Errorf("told %q", got)
			}
		})
	})
}

func TestWhoRetiresTakesNoRowsOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, s := &outbox{}, &sender{}
		run(t, delivery.Config{Outbox: o, Sender: s}, func(d *delivery.Delivery) {
			time.Sleep(10 * time.Second)
			d.Retire()
			d.Retire()
			before := o.looked()
			time.Sleep(time.Minute)
			if _, err := d.Drain(t.Context()); err != nil || before == 0 || o.looked() != before {
				t.Errorf("claimed %d times before and %d after, %v", before, o.looked()-before, err)
			}
			d.Committed([]chat.Outgoing{message(1, chat.Text, chat.Narrow, "a")}) // its own go out
			synctest.Wait()
			if got := s.said(); len(got) != 1 {
				t.Errorf("told %q", got)
			}
		})
	})
}

// Whatever becomes of the bus and of the one whose turn it is: a row is found within six
// seconds by any worker that lives.
func TestBackstopFindsARowWithinSixSeconds(t *testing.T) {
	for _, bus := range []delivery.Publisher{nil, &bus{}} {
		synctest.Test(t, func(t *testing.T) {
			o := &outbox{}
			run(t, delivery.Config{Outbox: o, Sender: &sender{}, Publisher: bus}, func(*delivery.Delivery) {
				last, seen := time.Now(), 0
				for end := time.Now().Add(10 * time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
					synctest.Wait()
					if n := o.looked(); n > seen {
						last, seen = time.Now(), n
					}
					if longest := chat.Lease + time.Since(last); longest > 6*time.Second {
						t.Fatalf("with a bus %v: a row may wait for %v", bus != nil, longest)
					}
				}
			})
		})
	}
}

func TestRescuesThatWaitForAGatewayAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, s := &outbox{}, &sender{}
		for i := range int64(5000) {
			m := message(i+1, chat.Text, chat.Narrow, "a")
			m.Rescued = true
			o.left = append(o.left, m)
		}
		run(t, delivery.Config{Outbox: o, Sender: s, SweepEvery: -1}, func(d *delivery.Delivery) {
			for range 100 {
				if _, err := d.Drain(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Wait()
			if n := len(s.said()); n == 0 || n > 1024 {
				t.Errorf("%d rows are under way", n)
			}
		})
	})
}

func TestRescueDoesNotHurryWhenItIsInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, s := &outbox{}, &sender{fail: errors.New("a gateway is away")}
		fill := func() {
			for i := range int64(256) {
				m := message(i+1, chat.Text, chat.Narrow, "a")
				m.Rescued = true
				o.left = append(o.left, m)
			}
		}
		run(t, delivery.Config{Outbox: o, Sender: s, SweepEvery: -1}, func(d *delivery.Delivery) {
			for i, want := range []bool{true, false} {
				fill()
				more, err := d.Drain(t.Context())
				if err != nil || more != want {
					t.Errorf("drain %d: more is %v, %v", i, more, err)
				}
				synctest.Wait()
			}
			s.mu.Lock()
			s.fail = nil
			s.mu.Unlock()
			for i, want := range []bool{false, true} { // the first look is at what was in vain
				o.left = nil
				for j := range int64(256) {
					o.left = append(o.left, chat.Outgoing{
						ID: 1000*int64(i+1) + j, Kind: chat.OutMessage, Conversation: "c", Rescued: true,
						Message: &chat.Message{Conversation: "c", Seq: 1, Kind: chat.Text},
					})
				}
				more, err := d.Drain(t.Context())
				if err != nil || more != want {
					t.Errorf("healed, drain %d: more is %v, %v", i, more, err)
				}
				synctest.Wait()
			}
		})
	})
}

func TestWhatAFullQueuePassedOverIsRescued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 20_000
		o := &outbox{}
		d := delivery.New(delivery.Config{Outbox: o, Sender: &sender{}}) // nobody is online: nothing to be acknowledged
		list := make([]chat.Outgoing, many)
		for i := range list {
			list[i] = nobody(int64(i + 1))
		}
		d.Committed(list)
		passed := int(d.Stats().PassedOver)
		if passed == 0 {
			t.Fatal("there was room for all")
		}
		o.left = slices.Clone(list[many-passed:]) // what their lease leaves to whoever claims them
		for i := range o.left {
			o.left[i].Rescued = true
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- d.Run(ctx) }()
		time.Sleep(10 * time.Second) // the sweep of a process without a bus
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		times := map[int64]int{}
		for _, p := range o.done() {
			times[p.ID]++
		}
		for i := range int64(many) {
			if times[i+1] != 1 {
				t.Fatalf("row %d was finished %d times", i+1, times[i+1])
			}
		}
	})
}

func TestProcessWithoutABusFinishesWhatWaitsForOneOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fanned := message(1, chat.Text, chat.Narrow, "a")
		fanned.Fanned, fanned.Rescued = true, true
		o, s := &outbox{left: []chat.Outgoing{fanned}}, &sender{}
		run(t, delivery.Config{Outbox: o, Sender: s}, func(*delivery.Delivery) { time.Sleep(10 * time.Second) })
		if done := o.done(); !slices.Equal(done, []chat.Progress{{ID: 1, Fanned: true, Published: true}}) {
			t.Errorf("finished %+v", done)
		}
		if got := s.said(); len(got) != 0 {
			t.Errorf("told again: %q", got)
		}
	})
}

// slow is an outbox that takes its time to write.
type slow struct{ *outbox }

func (s slow) Finish(ctx context.Context, p []chat.Progress) error {
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.outbox.Finish(ctx, p)
}

func TestProcessThatEndsWritesItsLastMarks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &outbox{}
		run(t, delivery.Config{Outbox: slow{o}, Sender: &sender{}, SweepEvery: -1}, func(d *delivery.Delivery) {
			d.Committed([]chat.Outgoing{nobody(1)})
			time.Sleep(500 * time.Millisecond) // the mark is on its way to the database
			d.Committed([]chat.Outgoing{nobody(2)})
		})
		if done := o.done(); len(done) != 2 {
			t.Errorf("finished %+v", done)
		}
	})
}

func TestConversationWaitsForNoOthersJoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sender{}
		held := make(chan struct{})
		s.join = func(group string) {
			if strings.HasSuffix(group, "stuck") {
				<-held
			}
		}
		run(t, delivery.Config{Outbox: &outbox{members: []chat.UserID{"new"}}, Sender: s, SweepEvery: -1}, func(d *delivery.Delivery) {
			added := func(id int64, c chat.ConversationID) chat.Outgoing {
				m := message(id, chat.Added, chat.Wide)
				m.Conversation, m.Message.Conversation, m.Message.Users = c, c, []chat.UserID{"new"}
				return m
			}
			text := message(2, chat.Text, chat.Wide)
			text.Conversation = "stuck"
			list := []chat.Outgoing{added(1, "stuck"), text}
			for i := range int64(30) { // some of them are not in its queue
				list = append(list, added(10+i, chat.ConversationID(fmt.Sprint("c-", i))))
			}
			d.Committed(list)
			synctest.Wait()
			said := s.said()
			if !slices.Contains(said, "group c:stuck 2") || slices.Contains(said, "group c:stuck 1") {
				t.Errorf("while conns join: %q", said)
			}
			others := 0
			for _, call := range said {
				if strings.HasPrefix(call, "group c:c-") {
					others++
				}
			}
			if others == 0 {
				t.Error("no other conversation went on")
			}
			close(held)
			synctest.Wait()
			said = s.said()
			line := slices.Index(said, "group c:stuck 1")
			if line < 0 || !slices.Contains(said[line:], "users [new] head 9") {
				t.Errorf("when they have joined: %q", said)
			}
		})
	})
}

func TestThoseWhoAreThereHearOfOneWhoCannotJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, s := &outbox{members: []chat.UserID{"new"}}, &sender{}
		s.joinFails = errors.New("a gateway is away")
		added := message(1, chat.Added, chat.Wide)
		added.Message.Users = []chat.UserID{"new"}
		run(t, delivery.Config{Outbox: o, Sender: s, SweepEvery: -1}, func(d *delivery.Delivery) {
			d.Committed([]chat.Outgoing{added})
			time.Sleep(time.Second)
			if got := d.Stats(); got.Unacknowledged != 1 || got.Fanned != 0 || got.Awaited != 0 {
				t.Errorf("got %+v", got)
			}
		})
		if got := s.said(); !slices.Equal(got, []string{"join new [c:c]", "group c:c 1"}) {
			t.Errorf("got %q", got)
		}
		if done := o.done(); len(done) != 0 {
			t.Errorf("finished %+v", done)
		}
	})
}
