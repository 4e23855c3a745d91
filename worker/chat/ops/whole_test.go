package ops_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/delivery"
	"github.com/parley-im/parley/worker/chat/store"
	"github.com/parley-im/parley/worker/chat/store/storetest"
)

// whole is a stage whose commits are delivered, as in parley-worker.
func whole(t *testing.T) *stage {
	t.Helper()
	var d *delivery.Delivery // there before the first call
	st := storetest.SQLite(t).Open(t, func(c *store.Config) { c.OnCommit = func(list []chat.Outgoing) { d.Committed(list) } })
	s := onStore(t, st)
	d = delivery.New(delivery.Config{Outbox: st, Sender: s.Sender(), SweepEvery: -1})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("delivery ended: %v", err)
		}
	})
	return s
}

// hears waits for a push of a method that has all of these, past others.
func (p *person) hears(method string, has ...string) {
	p.s.t.Helper()
	for {
		f := string(p.Next().Payload)
		if strings.Contains(f, `"method":"`+method+`"`) && !slices.ContainsFunc(has, func(part string) bool { return !strings.Contains(f, part) }) {
			return
		}
	}
}

func TestWhatIsSaidIsSeenByTheOthers(t *testing.T) {
	s := whole(t)
	ann, bob := s.online("ann"), s.online("bob")
	phone, cyd := ann.another(), s.online("cyd")
	id := ann.direct(bob)
	ann.must("sendMessage", params{"conversation": id, "requestId": "m", "text": "hello"})
	for _, p := range []*person{bob, phone} {
		p.hears("message", `"text":"hello"`, `"seq":"1"`)
	}
	ann.must("editMessage", params{"conversation": id, "seq": "1", "text": "hello!", "requestId": "e"})
	for _, p := range []*person{bob, phone} {
		p.hears("messageChanged", `"text":"hello!"`, `"rev":"1"`)
	}
	for _, p := range []*person{ann, cyd} { // who did it has the answer; others have no part in it
		if got := p.heard(); len(got) != 0 {
			t.Errorf("%s heard %s", p.name, got)
		}
	}
}

func TestWhoIsAddedToAWideGroupHearsItAndWhoLeftDoesNot(t *testing.T) {
	s := whole(t)
	ann, bob := s.online("ann"), s.online("bob")
	group := s.wide(bob)
	bob.must("addMembers", params{"conversation": group, "users": []chat.UserID{ann.who.User}, "requestId": "a"})
	ann.hears("message", `"kind":"MESSAGE_KIND_ADDED"`)
	bob.must("sendMessage", params{"conversation": group, "requestId": "m-1", "text": "welcome"})
	ann.hears("message", `"text":"welcome"`)
	ann.must("leaveConversation", params{"conversation": group, "requestId": "l"})
	bob.hears("message", `"kind":"MESSAGE_KIND_LEFT"`)
	phone := bob.another()
	bob.must("sendMessage", params{"conversation": group, "requestId": "m-2", "text": "she is gone"})
	phone.hears("message", `"text":"she is gone"`)
	for _, f := range ann.heard() {
		if strings.Contains(f, "she is gone") {
			t.Errorf("who left heard %s", f)
		}
	}
	bob.must("addMembers", params{"conversation": group, "users": []chat.UserID{ann.who.User}, "requestId": "b"})
	ann.hears("message", `"kind":"MESSAGE_KIND_ADDED"`)
	bob.must("sendMessage", params{"conversation": group, "requestId": "m-3", "text": "welcome back"})
	ann.hears("message", `"text":"welcome back"`)
}

func TestRoomsAreHeardByThoseWhoLook(t *testing.T) {
	s := whole(t)
	ann, bob, cyd := s.online("ann"), s.online("bob"), s.online("cyd")
	lobby := ann.must("joinRoom", params{"name": chat.Lobby}).text("conversation", "id")
	bob.must("openConversation", params{"conversation": lobby})
	ann.must("sendMessage", params{"conversation": lobby, "requestId": "m", "text": "hello, everybody"})
	bob.hears("message", `"text":"hello, everybody"`)
	if got := cyd.heard(); len(got) != 0 {
		t.Errorf("who looks away heard %s", got)
	}
}

// In a group chat of thousands everybody would hear of everybody's reading.
func TestReadingInAWideGroupIsToldToOnesOwnDevicesOnly(t *testing.T) {
	s := newStage(t)
	ann, bob := s.online("ann"), s.online("bob")
	other := ann.another()
	group := s.wide(bob, ann)
	seq := bob.must("sendMessage", params{"conversation": group, "requestId": request(), "text": "hello"}).text("message", "seq")
	bob.heard()
	other.heard()
	ann.must("markRead", params{"conversation": group, "seq": seq})
	if pushes := bob.heard(); len(pushes) != 0 {
		t.Errorf("another member: got %v", pushes)
	}
	if pushes := other.heard(); len(pushes) != 1 || !strings.Contains(pushes[0], `"receipt"`) {
		t.Errorf("another device of hers: got %v", pushes)
	}
}
