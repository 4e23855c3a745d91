package ops_test

import (
	"context"
	"strings"
	"testing"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

func TestConversationsAreAnsweredWithTheirLastMessage(t *testing.T) {
	s, h := hooked(t)
	ann, bob := s.online("ann"), s.online("bob")
	id := ann.direct(bob)
	room := ann.must("createRoom", params{"name": "hall", "requestId": request()}).text("conversation", "id")
	if r := ann.must("getConversation", params{"conversation": id}); r.at("conversation", "preview") != nil {
		t.Errorf("before anybody wrote: %s", r.raw)
	}
	for _, in := range []string{id, room} {
		ann.must("sendMessage", params{"conversation": in, "requestId": request(), "text": strings.Repeat("关", 200)})
	}
	before := h.count("previews")
	list := bob.must("listConversations", nil)
	if n := h.count("previews") - before; n != 1 {
		t.Errorf("a page cost %d reads of previews", n)
	}
	answers := []reply{
		bob.must("getConversation", params{"conversation": id}), bob.must("createDirect", params{"user": ann.who.User}),
		bob.must("openConversation", params{"conversation": id}), bob.must("openConversation", params{"conversation": room}), bob.must("joinRoom", params{"conversation": room}),
	}
	for _, c := range list.at("conversations").([]any) {
		if c := c.(map[string]any); c["id"] == id {
			answers = append(answers, reply{Result: map[string]any{"conversation": c}, raw: list.raw})
		}
	}
	if len(answers) != 6 {
		t.Fatalf("the list has no direct conversation: %s", list.raw)
	}
	for _, r := range answers {
		p, _ := r.at("conversation", "preview").(map[string]any)
		if p["text"] != strings.Repeat("关", chat.PreviewRunes) || p["seq"] != "1" || p["sender"] != string(ann.who.User) || p["kind"] != "MESSAGE_KIND_TEXT" || p["sentAt"] == nil {
			t.Errorf("got %v in %s", p, r.raw)
		}
	}
	// What has happened is answered, also if its preview cannot be read.
	away := func(context.Context) error { return fault.New(fault.Unavailable, "") }
	h.on(h.before, "previews", away)
	bob.refused("UNAVAILABLE", "listConversations", nil)
	h.on(h.before, "previews", away)
	if r := bob.must("createDirect", params{"user": ann.who.User}); r.at("conversation", "preview") != nil || r.at("conversation", "id") != id {
		t.Errorf("got %s", r.raw)
	}
}

// TestPushesHaveNoPreview: who gets them may not see what whoever asked may.
func TestPushesHaveNoPreview(t *testing.T) {
	s := newStage(t)
	ann, bob := s.online("ann"), s.online("bob")
	group := ann.must("createGroup", params{"name": "g", "requestId": request()}).text("conversation", "id")
	ann.must("sendMessage", params{"conversation": group, "requestId": request(), "text": "a secret"})
	ann.must("addMembers", params{"conversation": group, "users": []chat.UserID{bob.who.User}, "requestId": request()})
	pushes := strings.Join(bob.heard(), "\n")
	if !strings.Contains(pushes, "conversationChanged") || strings.Contains(pushes, "preview") || strings.Contains(pushes, "secret") {
		t.Errorf("got %s", pushes)
	}
	// What was said before is not shown; the line that added bob is.
	r := bob.must("getConversation", params{"conversation": group})
	if r.text("conversation", "preview", "kind") != "MESSAGE_KIND_ADDED" || strings.Contains(r.raw, "secret") {
		t.Errorf("got %s", r.raw)
	}
}
