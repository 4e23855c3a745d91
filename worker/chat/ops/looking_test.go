package ops_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/parley-im/parley/worker/chat"
)

// looking is who looks at a room, by name, and how many conns do.
func (p *person) looking(room string) (names []string, conns int) {
	p.s.t.Helper()
	p.s.pass(2 * time.Second) // it is remembered for a moment
	r := p.must("listLooking", params{"conversation": room})
	users, _ := r.at("users").([]any)
	for _, u := range users {
		names = append(names, u.(map[string]any)["name"].(string))
	}
	n, _ := r.at("looking").(float64)
	slices.Sort(names)
	return names, int(n)
}

func (p *person) seesLooking(room string, conns int, want ...string) {
	p.s.t.Helper()
	if names, n := p.looking(room); !slices.Equal(names, want) || n != conns {
		p.s.t.Errorf("%d conns of %q look, want %d of %q", n, names, conns, want)
	}
}

func TestThoseWhoLookAtARoomAreNamedOnce(t *testing.T) {
	s := newStage(t)
	ann, bob := s.online("ann"), s.online("bob")
	room := ann.must("createRoom", params{"name": "hall", "requestId": request()}).text("conversation", "id")
	ann.seesLooking(room, 0)
	open := params{"conversation": room}
	tab := bob.another() // at the other gateway
	for _, p := range []*person{ann, bob, tab} {
		p.must("openConversation", open)
	}
	ann.seesLooking(room, 3, "ann", "bob")
	s.online("cyd").seesLooking(room, 3, "ann", "bob") // who is not in it, and does not look
	tab.must("closeConversation", open)
	ann.seesLooking(room, 2, "ann", "bob")
	bob.must("closeConversation", open)
	ann.seesLooking(room, 1, "ann")
}

func TestAtMostAHundredWhoLookAreNamed(t *testing.T) {
	s := newStage(t)
	ann := s.online("ann")
	room := ann.must("createRoom", params{"name": "hall", "requestId": request()}).text("conversation", "id")
	for i := range 120 {
		s.online(fmt.Sprint("many-", i)).must("openConversation", params{"conversation": room})
	}
	names, n := ann.looking(room)
	if len(slices.Compact(names)) != 100 || n != 120 {
		t.Errorf("%d users of %d conns are named, want 100 of 120", len(names), n)
	}
}

// TestOnlyRoomsAreLookedAt: elsewhere there is presence.
func TestOnlyRoomsAreLookedAt(t *testing.T) {
	s := newStage(t)
	ann, bob, eve := s.online("ann"), s.online("bob"), s.online("eve")
	direct := ann.direct(bob)
	group := ann.must("createGroup", params{"name": "g", "users": []chat.UserID{bob.who.User}, "requestId": request()}).text("conversation", "id")
	for _, id := range []string{direct, group} {
		ann.refused("FORBIDDEN", "listLooking", params{"conversation": id})
		eve.refused("NOT_FOUND", "listLooking", params{"conversation": id})
	}
	ann.refused("INVALID", "listLooking", nil)
	ann.refused("NOT_FOUND", "listLooking", params{"conversation": "01900000-0000-7000-8000-000000000000"})
}

func TestGatewayThatStandsStillIsLeftOut(t *testing.T) {
	s := newStage(t)
	ann, bob := s.online("ann"), s.online("bob") // at one gateway each
	room := ann.must("createRoom", params{"name": "hall", "requestId": request()}).text("conversation", "id")
	for _, p := range []*person{ann, bob} {
		p.must("openConversation", params{"conversation": room})
	}
	thaw := s.FreezeGateway(1)
	defer thaw()
	if ann.ID().Gateway == bob.ID().Gateway {
		t.Fatal("both are at one gateway")
	}
	names, n := ann.looking(room)
	if n != 1 || len(names) != 1 {
		t.Errorf("%d conns of %q look, want one", n, names)
	}
}
