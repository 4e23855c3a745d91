package store

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// scenario is a ground and a batch, made of bytes: a few conversations, users, request
// ids and texts, so that they meet often.
type scenario struct {
	ground ground
	sends  []*send
}

func newScenario(b []byte) scenario {
	next := func(n int) int {
		if len(b) == 0 {
			return 0
		}
		v := int(b[0]) % n
		b = b[1:]
		return v
	}
	g := ground{now: int64(next(50)), conversations: map[string]*conversation{}, stored: map[string]*message{}}
	roles := map[[2]string]chat.Role{}
	for i := range 3 {
		c := &conversation{
			ID: fmt.Sprint("c", i), Realm: []string{"", "other"}[next(8)/7], Type: int8(1 + next(3)),
			Seq: int64(next(9)), SentAt: int64(next(50)), ChangedAt: int64(next(50)),
		}
		c.Counted = c.Seq / 2
		if next(8) < 7 {
			g.conversations[c.ID] = c
		}
		for j := range 4 {
			roles[[2]string{c.ID, fmt.Sprint("u", j)}] = chat.Role(next(3))
		}
	}
	g.role = func(c, u string) chat.Role { return roles[[2]string{c, u}] }
	s := scenario{ground: g}
	for range next(12) {
		p := newSend(chat.Caller{User: chat.UserID(fmt.Sprint("u", next(4)))}, chat.Draft{
			Conversation: chat.ConversationID(fmt.Sprint("c", next(4))),
			Request:      chat.RequestID(fmt.Sprint("r", next(4))),
			Text:         fmt.Sprint("t", next(2)),
		})
		if c := g.conversations[string(p.draft.Conversation)]; c != nil && c.Seq > 0 && next(6) == 0 {
			g.stored[p.key] = &message{
				ConversationID: c.ID, Seq: c.Seq, SenderID: string(p.caller.User), Kind: int8(chat.Text), RequestKey: &p.key, BodyHash: bodyHash(chat.Text, fmt.Sprint("t", next(2))),
			}
		}
		s.sends = append(s.sends, p)
	}
	return s
}

// apply is the ground after a plan.
func (g ground) apply(p planned) ground {
	after := g
	after.conversations, after.stored = maps.Clone(g.conversations), maps.Clone(g.stored)
	for _, c := range p.conversations {
		after.conversations[c.ID] = c
	}
	for i := range p.messages {
		after.stored[*p.messages[i].RequestKey] = &p.messages[i]
	}
	return after
}

func told(a answer) string { return fmt.Sprintf("%+v %v", a.stored, a.err) }

// check holds a batch against the same sends one after the other.
func (s scenario) check(t *testing.T) {
	t.Helper()
	before := map[string]conversation{}
	for id, c := range s.ground.conversations {
		before[id] = *c
	}
	got := plan(s.sends, s.ground)
	for id, c := range s.ground.conversations {
		if before[id] != *c {
			t.Fatalf("the plan changed its ground: %+v, was %+v", *c, before[id])
		}
	}

	g := s.ground
	var messages []message
	marks := map[[2]string]member{}
	for i, p := range s.sends {
		one := plan([]*send{p}, g)
		g = g.apply(one)
		messages = append(messages, one.messages...)
		for _, m := range one.marks {
			marks[[2]string{m.ConversationID, m.UserID}] = m
		}
		if a, b := told(got.answers[i]), told(one.answers[0]); a != b {
			t.Errorf("send %d: in the batch %s, alone %s", i, a, b)
		}
		if (got.answers[i].err == nil) != (got.answers[i].stored.Seq > 0) {
			t.Errorf("send %d: an error and a number, or neither: %s", i, told(got.answers[i]))
		}
	}
	if a, b := len(got.messages), len(messages); a != b {
		t.Fatalf("messages of the batch: %d, one after the other: %d", a, b)
	}
	sent := map[string]int64{}
	seqs := map[string]int64{}
	for i := range messages {
		a, b := got.messages[i], messages[i]
		if *a.RequestKey != *b.RequestKey {
			t.Errorf("message %d has another request", i)
		}
		a.RequestKey, b.RequestKey = nil, nil
		if a != b {
			t.Errorf("message %d: in the batch %+v, alone %+v", i, a, b)
		}
		if from := s.sends[got.from[i]]; string(from.draft.Request) != a.RequestID {
			t.Errorf("message %d is said to come from %v", i, from.draft)
		}
		if seqs[a.ConversationID] == 0 {
			seqs[a.ConversationID], sent[a.ConversationID] = before[a.ConversationID].Seq, before[a.ConversationID].SentAt
		}
		if a.Seq != seqs[a.ConversationID]+1 || a.SentAt < sent[a.ConversationID] {
			t.Errorf("message %d: seq %d at %d after %d at %d", i, a.Seq, a.SentAt, seqs[a.ConversationID], sent[a.ConversationID])
		}
		seqs[a.ConversationID], sent[a.ConversationID] = a.Seq, a.SentAt
	}
	for _, c := range got.conversations {
		if *c != *g.conversations[c.ID] || c.Seq != seqs[c.ID] {
			t.Errorf("conversation: in the batch %+v, alone %+v, last message %d", *c, *g.conversations[c.ID], seqs[c.ID])
		}
	}
	if !slices.IsSortedFunc(got.conversations, func(a, b *conversation) int { return cmp.Compare(a.ID, b.ID) }) {
		t.Error("the conversations are not in order of id")
	}
	if len(got.marks) != len(marks) {
		t.Errorf("marks of the batch: %v, one after the other: %v", got.marks, marks)
	}
	for _, m := range got.marks {
		if m != marks[[2]string{m.ConversationID, m.UserID}] {
			t.Errorf("mark: in the batch %+v, alone %+v", m, marks[[2]string{m.ConversationID, m.UserID}])
		}
	}
}

func TestABatchIsItsSendsOneAfterTheOther(t *testing.T) {
	stored, repeated, refused := 0, 0, 0
	for seed := range uint64(5000) {
		r := rand.New(rand.NewPCG(seed, 1))
		b := make([]byte, 120)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		s := newScenario(b)
		s.check(t)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
		for _, a := range plan(s.sends, s.ground).answers {
			switch {
			case a.err != nil:
				refused++
			case a.stored.Duplicate:
				repeated++
			default:
				stored++
			}
		}
	}
	if stored < 1000 || repeated < 1000 || refused < 1000 {
		t.Errorf("the scenarios are one-sided: %d stored, %d repeated, %d refused", stored, repeated, refused)
	}
}

func FuzzPlan(f *testing.F) {
	f.Add([]byte("two sends with one request in one conversation, and one of a stranger"))
	f.Fuzz(func(t *testing.T, b []byte) { newScenario(b).check(t) })
}

func TestABadSendTakesNoNumberAndStopsNobody(t *testing.T) {
	g := ground{
		now:           1000,
		conversations: map[string]*conversation{"c": {ID: "c", Type: int8(chat.Group), Seq: 7, Counted: 5, SentAt: 2000}},
		stored:        map[string]*message{},
		role: func(_, u string) chat.Role {
			if u == "stranger" {
				return chat.Stranger
			}
			return chat.Member
		},
	}
	draft := func(conversation, request, text string) chat.Draft {
		return chat.Draft{Conversation: chat.ConversationID(conversation), Request: chat.RequestID(request), Text: text}
	}
	picture := func(request, file string, late bool) chat.Draft {
		return chat.Draft{Conversation: "c", Request: chat.RequestID(request), Image: &chat.Image{File: file}, Late: late}
	}
	member, stranger := chat.Caller{User: "member"}, chat.Caller{User: "stranger"}
	got := plan([]*send{
		newSend(member, draft("c", "1", "first")),
		newSend(stranger, draft("c", "1", "not allowed")),
		newSend(member, draft("nowhere", "1", "first")),
		newSend(chat.Caller{User: "member", Realm: "other"}, draft("c", "3", "first")),
		newSend(member, draft("c", "1", "first")),
		newSend(member, draft("c", "1", "another text")),
		newSend(member, draft("c", "2", "second")),
		newSend(member, picture("3", "cat", false)),
		newSend(member, picture("3", "cat", true)),
		newSend(member, picture("3", "dog", false)),
		newSend(member, draft("c", "3", bodyOf(&chat.Draft{Image: &chat.Image{File: "cat"}}))),
		newSend(member, picture("1", "cat", false)),
		newSend(member, picture("4", "cat", true)),
		newSend(stranger, picture("4", "cat", true)),
	}, g)
	want := []struct {
		seq       chat.Seq
		duplicate bool
		err       error
	}{
		{8, false, nil},
		{0, false, fault.NotFound},
		{0, false, fault.NotFound},
		{0, false, fault.NotFound},
		{8, true, nil},
		{0, false, fault.Conflict},
		{9, false, nil},
		{10, false, nil},
		{10, true, nil}, // too late to be stored, and it has been
		{0, false, fault.Conflict},
		{0, false, fault.Conflict},
		{0, false, fault.Conflict},
		{0, false, fault.Invalid},
		{0, false, fault.NotFound},
	}
	for i, w := range want {
		a := got.answers[i]
		if a.stored.Seq != w.seq || a.stored.Duplicate != w.duplicate || (a.err != nil) != (w.err != nil) || w.err != nil && fault.CodeOf(a.err) != w.err {
			t.Errorf("send %d: got %s, want %+v", i, told(a), w)
		}
	}
	if c := got.conversations[0]; c.Seq != 10 || c.Counted != 8 || c.SentAt != 2000 || c.ChangedAt != 1000 {
		t.Errorf("counters: %+v", *c)
	}
}

// A request key is in databases: it may never be made in another way.
func TestRequestKeysStayWhatTheyAre(t *testing.T) {
	if got, want := requestKey("conversation", "sender", "request"), "XXGfwm94FL6VXzY2jB9dpg"; got != want {
		t.Errorf("key: %s, want %s", got, want)
	}
	if requestKey("a", "bc", "d") == requestKey("ab", "c", "d") {
		t.Error("parts run together")
	}
	// The same is true of what tells one body from another.
	picture := bodyOf(&chat.Draft{Image: &chat.Image{Type: "image/png", Width: 2, Height: 1, Bytes: 3, Name: "猫<.png", File: "f"}})
	if want := `{"type":"image/png","width":2,"height":1,"bytes":3,"name":"猫\u003c.png","file":"f"}`; picture != want {
		t.Errorf("body: %s, want %s", picture, want)
	}
	if got, want := bodyHash(chat.Text, "hello"), "nAFawYu3BIH0Z7sfrbT55g"; got != want {
		t.Errorf("hash of a text: %s, want %s", got, want)
	}
	if got, want := bodyHash(chat.Picture, picture), "Y-CQGxnKsj4096OvAxO_Aw"; got != want {
		t.Errorf("hash of a picture: %s, want %s", got, want)
	}
}
