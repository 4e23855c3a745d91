package delivery_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/delivery"
)

// outbox is a store that remembers what was finished.
type outbox struct {
	mu       sync.Mutex
	finished []chat.Progress
	left     []chat.Outgoing // to be claimed
	claims   int
	but      []int64 // as the last claim had it
	members  []chat.UserID
	fail     error
}

func (o *outbox) Claim(_ context.Context, limit int, but []int64) ([]chat.Outgoing, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.claims++
	o.but = but
	n := min(limit, len(o.left))
	list := o.left[:n]
	o.left = o.left[n:]
	return list, o.fail
}

func (o *outbox) Finish(_ context.Context, p []chat.Progress) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.finished = append(o.finished, p...)
	return o.fail
}

func (o *outbox) Lag(context.Context) (chat.Lag, error) { return chat.Lag{}, nil }

func (o *outbox) MemberIDs(context.Context, chat.ConversationID) ([]chat.UserID, error) {
	return o.members, nil
}

func (o *outbox) View(_ context.Context, c chat.Caller, id chat.ConversationID) (chat.View, error) {
	if !slices.Contains(o.members, c.User) {
		return chat.View{}, chat.ErrNoConversation
	}
	return chat.View{Conversation: chat.Conversation{ID: id, Type: chat.Group, Seq: 9}, Mark: chat.Mark{Role: chat.Member}}, nil
}

// looked returns how often somebody claimed.
func (o *outbox) looked() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.claims
}

func (o *outbox) done() []chat.Progress {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.finished)
}

// sender writes down what is sent; it cannot see what Then was given, so a test that
// needs acknowledgements uses a real worker.
type sender struct {
	mu    sync.Mutex
	calls []string
	last  worker.Frame // to a hub group
	fail  error

	joinFails error
	join      func(group string) // called before a user joins
}

func (s *sender) note(format string, args ...any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, fmt.Sprintf(format, args...))
	return s.fail
}

func (s *sender) said() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

func seqOf(f worker.Frame) string {
	var v struct {
		Params struct {
			Message struct{ Seq string }
			Change  struct{ Rev string }

			Conversation struct{ Head struct{ Seq string } }
		}
	}
	_ = json.Unmarshal(f.Payload(), &v)
	if head := v.Params.Conversation.Head.Seq; head != "" {
		return "head " + head
	}
	return v.Params.Message.Seq + v.Params.Change.Rev
}

func (s *sender) ToUsers(_ context.Context, users []string, f worker.Frame, _ ...worker.SendOption) error {
	return s.note("users %v %s", users, seqOf(f))
}

func (s *sender) ToGroup(_ context.Context, group string, f worker.Frame, _ ...worker.SendOption) error {
	s.mu.Lock()
	s.last = f
	s.mu.Unlock()
	return s.note("group %s %s", group, seqOf(f))
}

func (s *sender) JoinUser(_ context.Context, user string, groups ...string) (worker.Affected, error) {
	if s.join != nil {
		s.join(groups[0])
	}
	return worker.Affected{}, errors.Join(s.note("join %s %v", user, groups), s.joinFails)
}

func (s *sender) LeaveUser(_ context.Context, user string, groups ...string) (worker.Affected, error) {
	return worker.Affected{}, s.note("leave %s %v", user, groups)
}

func message(id int64, kind chat.Kind, width chat.Width, recipients ...chat.UserID) chat.Outgoing {
	return chat.Outgoing{
		ID: id, Kind: chat.OutMessage, Conversation: "c", Type: chat.Group, Width: width, Recipients: recipients,
		Message: &chat.Message{Conversation: "c", Seq: chat.Seq(id), Sender: "a", Kind: kind, Text: "x", Sent: time.UnixMilli(1)},
	}
}

// run runs a delivery for as long as do lasts.
func run(t *testing.T, cfg delivery.Config, do func(d *delivery.Delivery)) {
	t.Helper()
	d := delivery.New(cfg)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	do(d)
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestEachWidthFindsItsRecipients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sender{fail: errors.New("not sent")} // so that nothing waits for an acknowledgement
		run(t, delivery.Config{Outbox: &outbox{}, Sender: s, SweepEvery: -1}, func(d *delivery.Delivery) {
			left := message(4, chat.Left, chat.Narrow, "a")
			left.Removed = []chat.UserID{"gone"}
			d.Committed([]chat.Outgoing{
				message(1, chat.Text, chat.Narrow, "a", "b"), message(2, chat.Text, chat.Widening, "a", "b"), message(3, chat.Text, chat.Wide), left,
			})
			synctest.Wait()
		})
		want := []string{"users [a b] 1", "users [a b] 2", "group c:c 2", "group c:c 3", "users [a gone] 4"}
		if got := s.said(); !slices.Equal(got, want) {
			t.Errorf("got %q\nwant %q", got, want)
		}
	})
}

// change is an edit of message 1, which some in the hub group may not see if it is veiled.
func change(rev int64, width chat.Width, veiled bool, recipients ...chat.UserID) chat.Outgoing {
	o := chat.Outgoing{
		ID: rev, Kind: chat.OutChange, Conversation: "c", Type: chat.Group, Width: width, Recipients: recipients,
		Change: &chat.Change{Conversation: "c", Rev: chat.Rev(rev), Seq: 1, Kind: chat.Edited, Actor: "a", Text: "secret", Changed: time.UnixMilli(1)},
	}
	if veiled {
		o.Veiled = &chat.Conversation{ID: "c", Type: chat.Group, Name: "the five hundred", Members: 500, Seq: 9, Rev: chat.Rev(rev)}
	}
	return o
}

func TestHubGroupIsNotToldWhatNotAllOfItMaySee(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sender{fail: errors.New("not sent")} // so that nothing waits for an acknowledgement
		b := &bus{}
		run(t, delivery.Config{Outbox: &outbox{}, Sender: s, Publisher: b, SweepEvery: -1}, func(d *delivery.Delivery) {
			d.Committed([]chat.Outgoing{change(1, chat.Wide, false), change(2, chat.Wide, true), change(3, chat.Widening, true, "a", "b")})
			synctest.Wait()
		})
		want := []string{"group c:c 1", "group c:c head 9", "users [a b] 3", "group c:c head 9"}
		if got := s.said(); !slices.Equal(got, want) {
			t.Errorf("got %q\nwant %q", got, want)
		}
		// Other programs are told everything.
		for i, e := range b.events {
			if !strings.Contains(string(e.Payload), "secret") {
				t.Errorf("event %d: %s", i, e.Payload)
			}
		}
		if len(b.events) != 3 {
			t.Errorf("%d events, want 3", len(b.events))
		}
		if f := string(s.last.Payload()); strings.Contains(f, "secret") || !strings.Contains(f, `"rev":"3"`) || !strings.Contains(f, "the five hundred") {
			t.Errorf("told: %s", f)
		}
	})
}

func TestWhatIsNotSentIsNotFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, s := &outbox{}, &sender{fail: errors.New("not sent")}
		run(t, delivery.Config{Outbox: o, Sender: s, SweepEvery: -1}, func(d *delivery.Delivery) {
			d.Committed([]chat.Outgoing{message(1, chat.Text, chat.Narrow, "a")})
			time.Sleep(time.Minute)
			if got := d.Stats(); got.Unacknowledged != 1 || got.Fanned != 0 {
				t.Errorf("got %+v", got)
			}
		})
		if done := o.done(); len(done) != 0 {
			t.Errorf("finished %v", done)
		}
	})
}

func TestAddedOnesJoinBeforeTheyAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sender{}
		added := message(1, chat.Added, chat.Wide)
		added.Message.Users = []chat.UserID{"new"}
		left := message(2, chat.Left, chat.Wide)
		left.Removed = []chat.UserID{"old"}
		run(t, delivery.Config{Outbox: &outbox{members: []chat.UserID{"new"}}, Sender: s, SweepEvery: -1}, func(d *delivery.Delivery) {
			d.Committed([]chat.Outgoing{added, left})
			synctest.Wait()
			time.Sleep(time.Second)
		})
		want := []string{"join new [c:c]", "group c:c 1", "users [new] head 9", "leave old [c:c]", "users [old] 2", "group c:c 2"}
		if got := s.said(); !slices.Equal(got, want) {
			t.Errorf("got %q\nwant %q", got, want)
		}
	})
}

func TestOldNewsOfWhoCameAndLeftIsSetRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sender{}
		added := message(1, chat.Added, chat.Wide) // "left" has left since
		added.Message.Users = []chat.UserID{"left", "new"}
		left := message(2, chat.Left, chat.Wide) // "back" was added again since
		left.Removed = []chat.UserID{"back"}
		run(t, delivery.Config{Outbox: &outbox{members: []chat.UserID{"back", "new"}}, Sender: s, SweepEvery: -1}, func(d *delivery.Delivery) {
			d.Committed([]chat.Outgoing{added, left})
			synctest.Wait()
			time.Sleep(time.Second)
		})
		got := s.said()
		if len(got) == 9 {
			slices.Sort(got[:2]) // they join at once
		}
		want := []string{
			"join left [c:c]", "join new [c:c]", "leave left [c:c]", "group c:c 1", "users [new] head 9",
			"leave back [c:c]", "join back [c:c]", "users [back] 2", "group c:c 2",
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q\nwant %q", got, want)
		}
	})
}

func TestWideningIsFinishedWhenAllHaveJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, s := &outbox{members: []chat.UserID{"a", "b", "c"}}, &sender{}
		run(t, delivery.Config{Outbox: o, Sender: s, SweepEvery: -1}, func(d *delivery.Delivery) {
			d.Committed([]chat.Outgoing{{ID: 7, Kind: chat.OutWiden, Conversation: "c", Type: chat.Group, Width: chat.Widening, Published: true}})
			time.Sleep(time.Second)
		})
		if got := s.said(); len(got) != 3 {
			t.Errorf("joined %q", got)
		}
		if done := o.done(); len(done) != 1 || done[0] != (chat.Progress{ID: 7, Fanned: true, Published: true}) {
			t.Errorf("finished %+v", done)
		}
		s.fail = errors.New("a gateway is away")
		run(t, delivery.Config{Outbox: o, Sender: s, SweepEvery: -1}, func(d *delivery.Delivery) {
			d.Committed([]chat.Outgoing{{ID: 8, Kind: chat.OutWiden, Conversation: "c", Width: chat.Widening}})
			time.Sleep(time.Second)
		})
		if done := o.done(); len(done) != 1 {
			t.Errorf("not all have joined, and it is finished: %+v", done)
		}
	})
}

// bus publishes when it is told to.
type bus struct {
	mu     sync.Mutex
	events []delivery.Event
	done   []func(error)
	fail   error
}

func (b *bus) Publish(e delivery.Event, done func(error)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return b.fail
	}
	b.events, b.done = append(b.events, e), append(b.done, done)
	return nil
}

func (b *bus) answer(err error) {
	b.mu.Lock()
	done := b.done
	b.done = nil
	b.mu.Unlock()
	for _, d := range done {
		d(err)
	}
}

// nobody is a conversation whose members are all offline: nothing has to be
// acknowledged, so only the bus is waited for.
func nobody(id int64) chat.Outgoing {
	return message(id, chat.Text, chat.Narrow)
}

func TestMarksAreWrittenTogetherOrOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, b := &outbox{}, &bus{}
		run(t, delivery.Config{Outbox: o, Sender: &sender{}, Publisher: b, SweepEvery: -1}, func(d *delivery.Delivery) {
			d.Committed([]chat.Outgoing{nobody(1), nobody(2)})
			synctest.Wait()
			b.answer(nil)
			time.Sleep(100 * time.Millisecond)
			if done := o.done(); len(done) != 2 || !done[0].Fanned || !done[0].Published {
				t.Errorf("both marks are there: finished %+v", done)
			}
			d.Committed([]chat.Outgoing{nobody(3)})
			time.Sleep(time.Second) // the bus does not answer
			if done := o.done(); len(done) != 3 || done[2] != (chat.Progress{ID: 3, Fanned: true}) {
				t.Errorf("the bus is slow: finished %+v", done)
			}
			b.answer(nil)
			time.Sleep(time.Second)
			if done := o.done(); len(done) != 4 || !done[3].Published {
				t.Errorf("the bus was slow: finished %+v", done)
			}
			d.Committed([]chat.Outgoing{nobody(4)})
			synctest.Wait()
			b.answer(errors.New("full"))
			time.Sleep(time.Second)
			if done := o.done(); done[len(done)-1] != (chat.Progress{ID: 4, Fanned: true}) || d.Stats().Unpublished != 1 {
				t.Errorf("the bus refused: finished %+v, %+v", done, d.Stats())
			}
		})
		if e := b.events[0]; e.ID != "c/1" || e.Name != "message.created" {
			t.Errorf("the event: %+v", e)
		}
	})
}

func TestRescueDoesWhatIsLeftOfARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fanned := message(1, chat.Text, chat.Narrow, "a")
		fanned.Fanned, fanned.Rescued = true, true
		o, b, s := &outbox{left: []chat.Outgoing{fanned, nobody(2)}}, &bus{}, &sender{}
		run(t, delivery.Config{Outbox: o, Sender: s, Publisher: b, SweepEvery: time.Minute}, func(d *delivery.Delivery) {
			time.Sleep(2 * time.Minute) // the sweep finds them
			b.answer(nil)
			time.Sleep(time.Second)
			if got := d.Stats(); got.Rescued != 2 || got.Published != 2 {
				t.Errorf("got %+v", got)
			}
		})
		if got := s.said(); len(got) != 0 {
			t.Errorf("told again: %q", got)
		}
		done := o.done()
		for _, id := range []int64{1, 2} {
			if !slices.Contains(done, chat.Progress{ID: id, Fanned: true, Published: true}) && !slices.Contains(done, chat.Progress{ID: id, Published: true, Fanned: id == 1}) {
				t.Errorf("row %d: finished %+v", id, done)
			}
		}
	})
}

func TestFullQueueLeavesRowsToTheOutbox(t *testing.T) {
	d := delivery.New(delivery.Config{Outbox: &outbox{}, Sender: &sender{}, SweepEvery: -1})
	list := make([]chat.Outgoing, 20_000) // nobody takes them out: Run is not called
	for i := range list {
		list[i].ID = int64(i)
	}
	d.Committed(list)
	if got := d.Stats(); got.PassedOver == 0 || got.Queued+int(got.PassedOver) != len(list) {
		t.Errorf("got %+v of %d", got, len(list))
	}
}
