package delivery_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/delivery"
	"github.com/parley-im/parley/worker/workertest"
)

var errFull = fault.New(fault.TooLarge, "hub: conn is in too many groups")

func TestOnlyWhatIsFullIsCrowded(t *testing.T) {
	away := fault.New(fault.Unavailable, "")
	for _, test := range []struct {
		err  error
		want bool
	}{
		{nil, false}, {errFull, true}, {away, false}, {errors.New("x"), false},
		{fmt.Errorf("join: %w", errFull), true},
		{errors.Join(errFull), true}, {errors.Join(errFull, errFull), true},
		{errors.Join(errFull, away), false}, {errors.Join(away, errFull), false},
		{fmt.Errorf("join: %w", errors.Join(errFull, away)), false},
	} {
		if got := delivery.Crowded(test.err); got != test.want {
			t.Errorf("%v: %v", test.err, got)
		}
	}
}

func TestConnThatIsFullHoldsUpNoRow(t *testing.T) {
	for _, test := range []struct {
		name     string
		err      error
		finished bool
	}{{"full", errors.Join(errFull), true}, {"full, and a gateway is away", errors.Join(errFull, errors.New("away")), false}} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o, s := &outbox{members: []chat.UserID{"a", "b"}}, &sender{joinFails: test.err}
				var said strings.Builder
				unjoined := delivery.NewUnjoined(slog.New(slog.NewTextHandler(&said, nil)))
				run(t, delivery.Config{Outbox: o, Sender: s, SweepEvery: -1, Unjoined: unjoined}, func(d *delivery.Delivery) {
					row := chat.Outgoing{ID: 7, Kind: chat.OutWiden, Conversation: "c", Type: chat.Group, Width: chat.Widening, Published: true}
					for range 2 {
						d.Committed([]chat.Outgoing{row})
						time.Sleep(time.Second)
					}
				})
				if done := o.done(); (len(done) == 2) != test.finished {
					t.Errorf("finished %+v", done)
				}
				if !test.finished {
					return
				}
				// Each is counted, and said once.
				for _, u := range o.members {
					if n := strings.Count(said.String(), "conversation=c conversations=1 user="+string(u)); n != 1 {
						t.Errorf("said %d times of %s: %s", n, u, said.String())
					}
				}
				if n := unjoined.Count(); n != 4 {
					t.Errorf("counted %d", n)
				}
			})
		})
	}
}

func TestWhoIsAddedAndFullIsToldOfTheConversation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, s := &outbox{members: []chat.UserID{"new"}}, &sender{joinFails: errFull}
		added := message(1, chat.Added, chat.Wide)
		added.Message.Users = []chat.UserID{"new"}
		run(t, delivery.Config{Outbox: o, Sender: s, SweepEvery: -1}, func(d *delivery.Delivery) {
			d.Committed([]chat.Outgoing{added})
			synctest.Wait()
			if got := d.Stats(); got.Unacknowledged != 0 || got.Awaited != 1 {
				t.Errorf("got %+v", got)
			}
			time.Sleep(time.Second)
		})
		if got := s.said(); !slices.Equal(got, []string{"join new [c:c]", "group c:c 1", "users [new] head 9"}) {
			t.Errorf("got %q", got)
		}
	})
}

// TestGroupChatWidensAroundAFullConn does it with a store and gateways.
func TestGroupChatWidensAroundAFullConn(t *testing.T) {
	c := newCluster(t, workertest.WithMaxGroups(1))
	p := c.process("a", 50*time.Millisecond)
	users := c.users(p.Store, "ann", "bob")
	crowd := c.crowd(p.Store, chat.WideAbove-1)
	ann := c.online(users[0])
	var groups []chat.ConversationID
	for range 2 {
		groups = append(groups, c.group(p.Store, append(users[:2:2], crowd...)...))
		c.empty(p.Store)
	}
	if got := ann.Groups(); !slices.Equal(got, []string{delivery.Group(groups[0])}) {
		t.Errorf("she is in %q", got)
	}
	for _, id := range groups {
		if v, err := p.View(t.Context(), chat.Caller{User: users[0]}, id); err != nil || v.Width != chat.Wide {
			t.Errorf("%+v, %v", v, err)
		}
	}
}
