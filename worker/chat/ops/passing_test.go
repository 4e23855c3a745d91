package ops_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/worker/chat/ops"
)

// types says that somebody types, as a notification: nobody waits for an answer.
func (p *person) types(conversation string, typing bool) {
	p.SendText(fmt.Sprintf(`{"jsonrpc":"2.0","method":"setTyping","params":{"conversation":%q,"typing":%v}}`, conversation, typing))
}

func TestTypingIsPassedOnNowAndThen(t *testing.T) {
	s := newStage(t)
	ann, bob := s.online("ann"), s.online("bob")
	tab, id := ann.another(), ann.direct(bob)
	bob.heard()
	for _, step := range []struct {
		name   string
		after  time.Duration
		by     *person
		typing bool
		heard  int
	}{
		{"it begins", 0, ann, true, 1},
		{"at once again", 0, ann, true, 0},
		{"soon again", 2900 * time.Millisecond, ann, true, 0},
		{"in time to go on", 100 * time.Millisecond, ann, true, 1},
		{"it stops", 0, ann, false, 1},
		{"it has stopped", 0, ann, false, 0},
		{"it begins anew", 0, ann, true, 1},
		{"another tab", 0, tab, true, 1},
	} {
		s.pass(step.after)
		for range 10 {
			step.by.types(id, step.typing)
		}
		step.by.heard() // all of it is handled
		if got := bob.heard(); len(got) != step.heard || step.heard > 0 && !strings.Contains(got[0], `"method":"typing"`) {
			t.Errorf("%s: heard %q, want %d", step.name, got, step.heard)
		}
	}
}

func TestTypingStormIsAFewPushes(t *testing.T) {
	const storm = 3000
	for name, say := range map[string]func(ann *person, ids []string, i int){
		"the same":                 func(ann *person, ids []string, _ int) { ann.types(ids[0], true) },
		"changes":                  func(ann *person, ids []string, i int) { ann.types(ids[0], i%2 == 0) },
		"in several conversations": func(ann *person, ids []string, i int) { ann.types(ids[i%len(ids)], i/len(ids)%2 == 0) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			ann, bob := s.online("ann"), s.online("bob")
			var ids []string
			for i := range 20 {
				r := ann.must("createGroup", params{"name": fmt.Sprint("g ", i), "users": []any{bob.who.User}, "requestId": request()})
				ids = append(ids, r.text("conversation", "id"))
			}
			bob.heard()
			for i := range storm {
				say(ann, ids, i)
			}
			ann.heard()
			if got := bob.heard(); len(got) == 0 || len(got) > ops.TypingAtOnce {
				t.Errorf("heard %d", len(got))
			}
			s.pass(10 * time.Second)
			ann.types(ids[1], true)
			ann.heard()
			if got := bob.heard(); len(got) != 1 {
				t.Errorf("after a pause: heard %q", got)
			}
			ann.refused("NOT_FOUND", "setTyping", params{"conversation": "no-such", "typing": true})
		})
	}
}

func TestTypingOfADoorWithoutASocketIsBoundedToo(t *testing.T) {
	s := newStage(t)
	ann, bob := s.user("ann"), s.online("bob")
	id := bob.direct(ann)
	bob.heard()
	for i := range 100 {
		if _, err := s.service.SetTyping(ops.WithCaller(within(t), ann.who), &chatv1.SetTypingRequest{Conversation: id, Typing: i%2 == 0}); err != nil {
			t.Fatal(err)
		}
	}
	if got := bob.heard(); len(got) != ops.TypingAtOnce {
		t.Errorf("heard %d", len(got))
	}
}

func TestMarkThatHasNotMovedIsNotTold(t *testing.T) {
	s := newStage(t)
	ann, bob := s.online("ann"), s.online("bob")
	tab, id := ann.another(), ann.direct(bob)
	const many = 3 * ops.ReceiptsAtOnce
	for range many {
		bob.must("sendMessage", params{"conversation": id, "requestId": request(), "text": "x"})
	}
	bob.heard()
	tab.heard()
	for _, seq := range []string{"2", "2", "1", "2"} {
		ann.must("markRead", params{"conversation": id, "seq": seq})
	}
	for name, c := range map[string]*person{"bob": bob, "the other tab": tab} {
		if got := c.heard(); len(got) != 1 {
			t.Errorf("%s heard %q", name, got)
		}
	}
	// A mark that creeps is told others now and then, and one's own devices each time.
	for seq := 3; seq <= many; seq++ {
		ann.must("markRead", params{"conversation": id, "seq": fmt.Sprint(seq)})
	}
	if got := bob.heard(); len(got) != ops.ReceiptsAtOnce-1 {
		t.Errorf("bob heard %d", len(got))
	}
	if got := tab.heard(); len(got) != many-2 {
		t.Errorf("the other tab heard %d", len(got))
	}
}

func TestWhoIsInItAlreadyIsToldNothing(t *testing.T) {
	s := newStage(t)
	ann, bob, cyd := s.online("ann"), s.online("bob"), s.online("cyd")
	id := ann.must("createGroup", params{"name": "g", "users": []any{bob.who.User}, "requestId": request()}).text("conversation", "id")
	bob.heard()
	for range 3 {
		ann.must("addMembers", params{"conversation": id, "users": []any{bob.who.User}, "requestId": request()})
	}
	if got := bob.heard(); len(got) != 0 {
		t.Errorf("heard %q", got)
	}
	ann.must("addMembers", params{"conversation": id, "users": []any{bob.who.User, cyd.who.User}, "requestId": request()})
	if got := cyd.heard(); len(got) != 1 {
		t.Errorf("who came heard %q", got)
	}
}
