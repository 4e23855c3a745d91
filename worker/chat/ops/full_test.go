package ops_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/delivery"
	"github.com/parley-im/parley/worker/chat/ops"
	"github.com/parley-im/parley/worker/chat/store/storetest"
	"github.com/parley-im/parley/worker/workertest"
)

// output is what a service logs.
type output struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

// lines returns those that tell of a conn that is full.
func (o *output) lines() (list []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for line := range strings.Lines(o.b.String()) {
		if strings.Contains(line, "too many groups") {
			list = append(list, line)
		}
	}
	return list
}

// cramped opens a stage whose gateways take a conn into so many groups, with hooks in its
// store.
func cramped(t *testing.T, groups int) (*stage, *hooks, *output, *delivery.Unjoined) {
	out := new(output)
	log := slog.New(slog.NewTextHandler(out, nil))
	unjoined := delivery.NewUnjoined(log)
	h := newHooks()
	s := atGateways(t, storetest.SQLite(t).Open(t), []workertest.Option{workertest.WithMaxGroups(groups)}, func(c *ops.Config) {
		h.Store, c.Store = c.Store, h
		c.Log, c.Unjoined = log, unjoined
	})
	return s, h, out, unjoined
}

func TestSessionOfAFullConnOpens(t *testing.T) {
	s, _, said, unjoined := cramped(t, 4)
	ann, bob := s.user("ann"), s.user("bob")
	var all []string
	for range 4 {
		all = append(all, string(s.wide(bob, ann)))
	}
	opened := ann.dial()
	if heads, _ := opened.at("heads").([]any); len(heads) != 1+4 { // and the lobby
		t.Errorf("got %s", opened.raw)
	}
	in := ann.Groups()
	if len(in) != 4 || !slices.Contains(in, ops.ExpiryGroup(tokenEnd(t, opened))) || !slices.Contains(in, ops.FamilyGroup(ann.who.Family)) {
		t.Errorf("it is in %q", in)
	}
	missed := slices.DeleteFunc(slices.Clone(all), func(id string) bool {
		return slices.Contains(in, delivery.Group(chat.ConversationID(id)))
	})
	lines := said.lines()
	if len(lines) != 1 || !strings.Contains(lines[0], "user="+string(ann.who.User)) || !strings.Contains(lines[0], "conversations=2") ||
		!slices.ContainsFunc(missed, func(id string) bool { return strings.Contains(lines[0], "conversation="+id) }) {
		t.Errorf("said %q of %q", lines, missed)
	}
	if n := unjoined.Count(); n != 2 {
		t.Errorf("counted %d", n)
	}
	// The same session again is no news; another conn is.
	ann.must("openSession", ann.opening())
	if got := said.lines(); len(got) != 1 {
		t.Errorf("said %q", got)
	}
	ann.another()
	if got := said.lines(); len(got) != 2 {
		t.Errorf("said %q", got)
	}
	// What it is not told of, it reads.
	bob.dial()
	for _, id := range missed {
		bob.must("sendMessage", params{"conversation": id, "requestId": request(), "text": "x"})
		if r := ann.must("getMessages", params{"conversation": id}); r.text("headSeq") != "2" {
			t.Errorf("got %s", r.raw)
		}
	}
}

// TestTokenOfAFullConnEnds has a conn that is full of something else when it opens a
// session, and when it renews it: the groups by which it is closed come first.
func TestTokenOfAFullConnEnds(t *testing.T) {
	s, _, _, _ := cramped(t, 2)
	ann := s.user("ann")
	ann.Conn = s.Dial("/")
	if err := s.Sender().Join(within(t), ann.ID(), "something", "more"); err != nil {
		t.Fatal(err)
	}
	opened := ann.must("openSession", ann.opening())
	belongs := func(r reply) {
		t.Helper()
		want := []string{ops.FamilyGroup(ann.who.Family), ops.ExpiryGroup(tokenEnd(t, r))}
		if got := ann.Groups(); !slices.Equal(got, want) {
			t.Errorf("it is in %q, want %q", got, want)
		}
	}
	belongs(opened)
	s.pass(5 * time.Minute)
	for _, method := range []string{"renew", "openSession"} {
		s.pass(2 * time.Minute)
		ann.token = ann.fresh()
		belongs(ann.must(method, ann.opening()))
	}
}

func TestLeavingIsAnsweredThoughAConnIsFull(t *testing.T) {
	s, h, said, unjoined := cramped(t, 3)
	ann, bob := s.user("ann"), s.online("bob")
	group := s.wide(bob, ann)
	ann.dial()
	h.on(h.after, "leave", func(ctx context.Context) error { // she is added again, and something takes the place
		_, err := s.store.AddMembers(ctx, bob.who, group, []chat.UserID{ann.who.User}, chat.RequestID(request()))
		if err == nil {
			_, err = s.Sender().LeaveUser(ctx, string(ann.who.User), delivery.Group(group))
		}
		if err == nil {
			err = s.Sender().Join(ctx, ann.ID(), "something")
		}
		return err
	})
	ann.must("leaveConversation", params{"conversation": group, "requestId": "l"})
	if got := said.lines(); len(got) != 1 || !strings.Contains(got[0], "conversation="+string(group)) || unjoined.Count() != 1 {
		t.Errorf("said %q, counted %d", got, unjoined.Count())
	}
}

func TestRoomThatFindsNoPlaceIsRefused(t *testing.T) {
	s, _, _, _ := cramped(t, 3)
	ann := s.online("ann")
	var rooms []string
	for i := range 2 {
		rooms = append(rooms, ann.must("createRoom", params{"name": fmt.Sprint("room ", i), "requestId": request()}).text("conversation", "id"))
	}
	ann.must("openConversation", params{"conversation": rooms[0]})
	if r := ann.refused("TOO_LARGE", "openConversation", params{"conversation": rooms[1]}); !strings.Contains(r.raw, "close") {
		t.Errorf("got %s", r.raw)
	}
	ann.must("closeConversation", params{"conversation": rooms[0]})
	ann.must("openConversation", params{"conversation": rooms[1]})
}
