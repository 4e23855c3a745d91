package ops_test

import (
	"context"
	"slices"
	"testing"

	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/delivery"
)

func TestWhoLeftIsOutOfTheHubGroupWhenItIsAnswered(t *testing.T) {
	s := newStage(t)
	ann, bob := s.user("ann"), s.online("bob")
	group := s.wide(bob, ann)
	ann.dial()
	other := ann.another() // at the other gateway
	for _, c := range []*person{ann, other} {
		if !slices.Contains(c.Groups(), delivery.Group(group)) {
			t.Fatalf("it is in %q", c.Groups())
		}
	}
	ann.must("leaveConversation", params{"conversation": group, "requestId": "l"})
	for _, c := range []*person{ann, other} {
		if slices.Contains(c.Groups(), delivery.Group(group)) {
			t.Errorf("it is still in %q", c.Groups())
		}
	}
}

func TestWhoIsAddedAgainIsInTheHubGroupWhateverComesLate(t *testing.T) {
	s, h := hooked(t)
	ann, bob := s.user("ann"), s.online("bob")
	group := s.wide(bob, ann)
	ann.dial()
	h.on(h.after, "leave", func(ctx context.Context) error { return s.added(ctx, bob, ann, group) })
	ann.must("leaveConversation", params{"conversation": group, "requestId": "l-1"})
	if !slices.Contains(ann.Groups(), delivery.Group(group)) {
		t.Errorf("added before the leave was answered: it is in %q", ann.Groups())
	}
	if r := ann.must("leaveConversation", params{"conversation": group, "requestId": "l-1"}); r.at("duplicate") != true {
		t.Fatalf("got %s", r.raw)
	}
	if !slices.Contains(ann.Groups(), delivery.Group(group)) {
		t.Errorf("after a repeat of the leave: it is in %q", ann.Groups())
	}
}

// added is what one does who adds another, and what package delivery does with the line
// that it leaves.
func (s *stage) added(ctx context.Context, by, who *person, group chat.ConversationID) error {
	_, err := s.store.AddMembers(ctx, by.who, group, []chat.UserID{who.who.User}, chat.RequestID(request()))
	if err == nil {
		_, err = s.Sender().JoinUser(ctx, string(who.who.User), delivery.Group(group))
	}
	return err
}

func TestWhoLeavesAndComesBackWhileASessionOpensIsInTheHubGroup(t *testing.T) {
	s, h := hooked(t)
	ann, bob := s.user("ann"), s.online("bob")
	group := s.wide(bob, ann)
	phone := ann.another()
	h.on(h.after, "groups", func(context.Context) error {
		phone.must("leaveConversation", params{"conversation": group, "requestId": "l"})
		h.on(h.after, "groups", func(ctx context.Context) error { return s.added(ctx, bob, ann, group) })
		return nil
	})
	ann.dial()
	for name, c := range map[string]*person{"the new conn": ann, "the phone": phone} {
		if !slices.Contains(c.Groups(), delivery.Group(group)) {
			t.Errorf("%s is in %q", name, c.Groups())
		}
	}
}

func TestWhoLeavesWhileASessionOpensIsNotInTheHubGroup(t *testing.T) {
	s, h := hooked(t)
	ann, bob := s.user("ann"), s.online("bob")
	group := s.wide(bob, ann)
	phone := ann.another()
	h.on(h.after, "groups", func(context.Context) error {
		phone.must("leaveConversation", params{"conversation": group, "requestId": "l"})
		return nil
	})
	ann.dial()
	if slices.Contains(ann.Groups(), delivery.Group(group)) {
		t.Errorf("it is in %q", ann.Groups())
	}
}

func TestRoomIsHeardWhileItIsLookedAt(t *testing.T) {
	s := newStage(t)
	ann, bob := s.online("ann"), s.online("bob")
	room := ann.must("createRoom", params{"name": "Garden", "requestId": "r"}).text("conversation", "id")
	hub := delivery.Group(chat.ConversationID(room))
	if slices.Contains(ann.Groups(), hub) {
		t.Error("who made it looks at it unasked")
	}
	ann.must("openConversation", params{"conversation": room})
	if r := bob.must("openConversation", params{"conversation": room}); r.at("looking") != 2.0 {
		t.Errorf("got %s", r.raw)
	}
	if !slices.Contains(bob.Groups(), hub) {
		t.Errorf("it is in %q", bob.Groups())
	}
	bob.must("closeConversation", params{"conversation": room})
	ann.must("leaveConversation", params{"conversation": room, "requestId": "l"})
	for _, c := range []*person{ann, bob} {
		if slices.Contains(c.Groups(), hub) {
			t.Errorf("%s is still in %q", c.name, c.Groups())
		}
	}
}

func TestConversationOfTwoIsNoHubGroup(t *testing.T) {
	s := newStage(t)
	ann, bob := s.online("ann"), s.online("bob")
	id := ann.direct(bob)
	before := ann.Groups()
	r := ann.must("openConversation", params{"conversation": id})
	ann.must("closeConversation", params{"conversation": id})
	if r.at("looking") != nil || !slices.Equal(ann.Groups(), before) {
		t.Errorf("got %s, and it is in %q", r.raw, ann.Groups())
	}
}
