package ops_test

import (
	"context"
	"slices"
	"testing"
	"time"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/ops"
)

// everybody is a Presence: all are online.
type everybody struct{}

func (everybody) Look(_ chat.UserID, users []chat.UserID) (list []*chatv1.Presence) {
	for _, u := range users {
		list = append(list, &chatv1.Presence{User: string(u), Online: true, Owner: "o", Counter: 1 << 53})
	}
	return list
}

func (everybody) Whole() bool { return true }

// newcomer is a Presence that has not heard of everybody yet.
type newcomer struct{ everybody }

func (newcomer) Whole() bool { return false }

func TestWorkerThatDoesNotKnowYetSaysSo(t *testing.T) {
	s := newStage(t, func(c *ops.Config) { c.Presence = newcomer{} })
	ann, bob := s.online("ann"), s.online("bob")
	ann.direct(bob)
	_, err := s.service.GetPresence(ops.WithCaller(t.Context(), ann.who), &chatv1.GetPresenceRequest{Users: []string{string(bob.who.User)}})
	if err == nil || !fault.CodeOf(err).Temporary() {
		t.Errorf("got %v, want what may be asked again", err)
	}
}

func TestPresenceIsForThoseWhoShareAConversation(t *testing.T) {
	s := newStage(t, func(c *ops.Config) { c.Presence = everybody{} })
	ann, bob, cyd := s.online("ann"), s.online("bob"), s.online("cyd") // all of them in the lobby
	ann.direct(bob)
	r := ann.must("getPresence", params{"users": []chat.UserID{bob.who.User, cyd.who.User, "nobody", "", "' OR 1=1 --"}})
	list, _ := r.at("presences").([]any)
	if len(list) != 1 {
		t.Fatalf("got %s", r.raw)
	}
	if got, _ := list[0].(map[string]any); got["user"] != string(bob.who.User) || got["online"] != true || got["counter"] != "9007199254740992" {
		t.Errorf("got %s", r.raw)
	}
}

func TestTypingAsksTheStoreNowAndThen(t *testing.T) {
	s, h := hooked(t)
	ann, bob, cyd := s.online("ann"), s.online("bob"), s.online("cyd")
	id := ann.direct(bob)
	bob.heard()
	for i := range 3 {
		ann.must("setTyping", params{"conversation": id, "typing": i%2 == 0})
	}
	if got := bob.heard(); len(got) != 3 {
		t.Errorf("heard %s", got)
	}
	if n := h.count("audience"); n != 1 {
		t.Errorf("asked %d times within the same second", n)
	}
	cyd.refused("NOT_FOUND", "setTyping", params{"conversation": id, "typing": true})
	s.pass(6 * time.Second)
	ann.must("setTyping", params{"conversation": id})
	if n := h.count("audience"); n != 3 {
		t.Errorf("asked %d times, want again after a while, and for whoever may not", n)
	}
}

func TestConversationIsTypedInByItsMembers(t *testing.T) {
	s := newStage(t)
	ann, bob := s.user("ann"), s.online("bob")
	group := s.wide(bob, ann)
	ann.dial()
	bob.must("setTyping", params{"conversation": group, "typing": true})
	if got := ann.heard(); len(got) != 1 {
		t.Errorf("heard %s", got)
	}
	if got := bob.heard(); len(got) != 0 {
		t.Errorf("who types heard %s", got)
	}
}

func TestDoorWithoutASocketHasNoSessions(t *testing.T) {
	s := newStage(t)
	ann := s.user("ann")
	ctx := within(t)
	if _, err := s.service.ListHeads(ctx, &chatv1.ListHeadsRequest{}); code(err) != "UNAUTHENTICATED" {
		t.Errorf("nobody: got %v", err)
	}
	ctx = ops.WithCaller(ctx, ann.who)
	if got, err := s.service.ListHeads(ctx, &chatv1.ListHeadsRequest{}); err != nil || len(got.GetHeads()) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
	for name, call := range map[string]func(context.Context) error{
		"openSession": func(ctx context.Context) error {
			_, err := s.service.OpenSession(ctx, &chatv1.OpenSessionRequest{Token: ann.token, Device: "d"})
			return err
		},
		"renew": func(ctx context.Context) error {
			_, err := s.service.Renew(ctx, &chatv1.RenewRequest{Token: ann.token})
			return err
		},
		"openConversation": func(ctx context.Context) error {
			_, err := s.service.OpenConversation(ctx, &chatv1.OpenConversationRequest{Conversation: "c"})
			return err
		},
		"closeConversation": func(ctx context.Context) error {
			_, err := s.service.CloseConversation(ctx, &chatv1.CloseConversationRequest{Conversation: "c"})
			return err
		},
	} {
		if err := call(ctx); code(err) != "UNIMPLEMENTED" {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestAPageHasNoMoreThanItsBound(t *testing.T) {
	s := newStage(t)
	ann := s.online("ann")
	room := ann.must("createRoom", params{"name": "r", "requestId": "r"}).text("conversation", "id")
	for range 3 {
		ann.must("sendMessage", params{"conversation": room, "requestId": request(), "text": "x"})
	}
	for limit, want := range map[int]int{-1: 3, 0: 3, 2: 2, 1 << 30: 3} {
		r := ann.must("getMessages", params{"conversation": room, "limit": limit})
		if list, _ := r.at("messages").([]any); len(list) != want || r.at("more") != (want < 3) {
			t.Errorf("limit %d: got %s", limit, r.raw)
		}
	}
	ids := slices.Repeat([]string{string(ann.who.User)}, chat.MaxUsersPerRequest+1)
	for method, args := range map[string]params{
		"getUsers":    {"ids": ids},
		"getPresence": {"users": ids},
		"createGroup": {"name": "g", "users": ids, "requestId": "g"},
		"addMembers":  {"conversation": room, "users": ids, "requestId": "g"},
	} {
		ann.refused("TOO_LARGE", method, args)
	}
}
