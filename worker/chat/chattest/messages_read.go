package chattest

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

func pagesOfMessages(t *testing.T, open Open) {
	w := newWorld(t, open)
	for i := range 19 { // the line of the system is the first
		w.send(w.a, w.users[i%2], w.group, fmt.Sprint("p-", i), fmt.Sprint(i))
	}
	for _, c := range []struct {
		r    chat.Range
		want string
		more bool
	}{
		{chat.Range{Limit: 3}, "[18 19 20]", true},
		{chat.Range{Limit: 20}, "[1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20]", false},
		{chat.Range{Before: 10, Limit: 3}, "[7 8 9]", true},
		{chat.Range{Before: 4, Limit: 3}, "[1 2 3]", false},
		{chat.Range{Before: 1, Limit: 3}, "[]", false},
		{chat.Range{After: 9, Limit: 3}, "[10 11 12]", true},
		{chat.Range{After: 17, Limit: 3}, "[18 19 20]", false},
		{chat.Range{After: 20, Limit: 3}, "[]", false},
		{chat.Range{After: 9, Before: 12, Limit: 3}, "[10 11]", false},
		{chat.Range{After: 8, Before: 13, Limit: 3}, "[9 10 11]", true},
		{chat.Range{After: 11, Before: 12, Limit: 3}, "[]", false},
	} {
		page, err := w.b.Messages(t.Context(), w.users[1], w.group, c.r)
		if err != nil || seqs(page.Messages) != c.want || page.More != c.more || page.Head != 20 || page.FirstSeq != 1 {
			t.Errorf("%+v: %s more %v, head %d, first %d, %v; want %s more %v", c.r, seqs(page.Messages), page.More, page.Head, page.FirstSeq, err, c.want, c.more)
		}
	}
}

func whoMayReadWhat(t *testing.T, open Open) {
	w := newWorld(t, open)
	late := w.people("late")[0]
	room := w.room("reading")
	for i := range 3 {
		w.send(w.a, w.users[0], w.group, fmt.Sprint("g-", i), "before")
		w.send(w.a, w.users[0], room, fmt.Sprint("r-", i), "before")
	}
	read := func(c chat.Caller, id chat.ConversationID) (chat.Page, error) {
		return w.b.Messages(t.Context(), c, id, chat.Range{Limit: 100})
	}
	for name, c := range map[string]chat.Caller{"a stranger": late, "another realm": {Realm: "elsewhere", User: w.users[0].User}} {
		if page, err := read(c, w.group); fault.CodeOf(orNotFound(err)) != fault.NotFound || err == nil || page.Messages != nil {
			t.Errorf("%s: %+v, %v", name, page, err)
		}
		if ch, err := w.b.Changes(t.Context(), c, w.group, 0, 10); err == nil || fault.CodeOf(err) != fault.NotFound || ch.HeadRev != 0 {
			t.Errorf("changes for %s: %+v, %v", name, ch, err)
		}
	}
	// A room is everybody's, and whoever joins sees no less than before.
	for range 2 {
		page, err := read(late, room)
		if err != nil || page.FirstSeq != 1 || len(page.Messages) != 3 {
			t.Errorf("a room: %+v, %v", page, err)
		}
		if _, err := w.a.JoinRoom(t.Context(), late, room, ""); err != nil {
			t.Error(err)
		}
	}
	// Whoever comes late sees the line that says so, and what is after it.
	if _, err := w.a.AddMembers(t.Context(), w.users[0], w.group, []chat.UserID{late.User}, "add"); err != nil {
		t.Fatal(err)
	}
	w.send(w.a, w.users[0], w.group, "g-after", "after")
	for _, r := range []chat.Range{{Limit: 100}, {After: 1, Limit: 100}, {Before: 100, Limit: 100}} {
		page, err := w.b.Messages(t.Context(), late, w.group, r)
		if err != nil || page.FirstSeq != 5 || seqs(page.Messages) != "[5 6]" || page.More {
			t.Errorf("late, %+v: %s of %d, %v", r, seqs(page.Messages), page.FirstSeq, err)
		}
	}
	if page, err := w.b.Messages(t.Context(), late, w.group, chat.Range{Before: 5, Limit: 100}); err != nil || len(page.Messages) != 0 || page.More {
		t.Errorf("late, before: %+v, %v", page, err)
	}
	w.leave(w.a, late, w.group)
	if _, err := read(late, w.group); err == nil || fault.CodeOf(err) != fault.NotFound {
		t.Errorf("somebody who left reads: %v", err)
	}
}

// orNotFound lets a code be asked of no error.
func orNotFound(err error) error {
	if err == nil {
		return fault.NotFound
	}
	return err
}

func marksOnlyRise(t *testing.T, open Open) {
	w := newWorld(t, open)
	for i := range 9 {
		w.send(w.a, w.users[0], w.group, fmt.Sprint("m-", i), "hello")
	}
	friend := w.users[1]
	for _, step := range []struct {
		seq, want chat.Seq
		moved     bool
		unread    int64
	}{
		{3, 3, true, 7}, {3, 3, false, 7}, {2, 3, false, 7}, {0, 3, false, 7}, {-5, 3, false, 7}, {7, 7, true, 3}, {99, 10, true, 0}, {99, 10, false, 0}, {1, 10, false, 0},
	} {
		v, moved, err := w.b.MarkRead(t.Context(), friend, w.group, step.seq)
		if err != nil || v.ReadSeq != step.want || moved != step.moved || v.Unread() != step.unread {
			t.Errorf("mark %d: at %d, moved %v, unread %d, %v; want %+v", step.seq, v.ReadSeq, moved, v.Unread(), err, step)
		}
		if v := w.look(w.a, friend, w.group); v.ReadSeq != step.want || v.Unread() != step.unread {
			t.Errorf("view after mark %d: at %d, unread %d; want %+v", step.seq, v.ReadSeq, v.Unread(), step)
		}
	}
	for name, c := range map[string]chat.Caller{"a stranger": w.people("stranger")[0], "another realm": {Realm: "elsewhere", User: friend.User}} {
		if _, _, err := w.a.MarkRead(t.Context(), c, w.group, 1); err == nil || fault.CodeOf(err) != fault.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	room := w.room("marks")
	if _, _, err := w.a.MarkRead(t.Context(), friend, room, 1); err == nil || fault.CodeOf(err) != fault.Forbidden {
		t.Errorf("a stranger to a room: %v", err)
	}

	// Many devices at once: each answer is at least what was asked for, and moved is true
	// for each step once.
	for i := range 30 {
		w.send(w.a, w.users[0], w.group, fmt.Sprint("many-", i), "hello")
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var stops []chat.Seq
	for i := range 30 {
		all.Go(func() {
			seq := chat.Seq(11 + i*7%30)
			v, moved, err := []chat.Store{w.a, w.b}[i%2].MarkRead(t.Context(), friend, w.group, seq)
			if err != nil || v.ReadSeq < seq {
				t.Errorf("mark %d: at %d, %v", seq, v.ReadSeq, err)
			}
			if moved {
				mu.Lock()
				defer mu.Unlock()
				stops = append(stops, seq)
			}
		})
	}
	all.Wait()
	if v := w.look(w.a, friend, w.group); v.ReadSeq != 40 || v.Unread() != 0 {
		t.Errorf("afterwards the mark is at %d, %d unread", v.ReadSeq, v.Unread())
	}
	slices.Sort(stops)
	if len(stops) == 0 || stops[len(stops)-1] != 40 || len(slices.Compact(slices.Clone(stops))) != len(stops) {
		t.Errorf("the mark is said to have moved to %v", stops)
	}
}

func unreadIsASubtraction(t *testing.T, open Open) {
	w := newWorld(t, open)
	owner, friend := w.users[0], w.users[1]
	unread := func(what string, want ...int64) {
		t.Helper()
		for i, c := range []chat.Caller{owner, friend} {
			if v := w.look(w.b, c, w.group); v.Unread() != want[i] {
				t.Errorf("%s: user %d has %d unread, want %d (%+v)", what, i, v.Unread(), want[i], v)
			}
		}
	}
	unread("a line of the system", 0, 0)
	w.send(w.a, owner, w.group, "u-1", "one")
	second := w.send(w.a, owner, w.group, "u-2", "two")
	unread("two of the owner", 0, 2)
	w.send(w.a, friend, w.group, "u-3", "mine moves my mark past all before")
	unread("one of the friend", 1, 0)
	w.send(w.a, owner, w.group, "u-4", "four")
	unread("one of the owner", 0, 1)
	w.amend(w.a, owner, chat.Amendment{Conversation: w.group, Seq: second.Seq, Kind: chat.Recalled, Request: "recall"})
	unread("a recall lowers nobody's", 0, 1)
	w.send(w.a, owner, w.group, "u-1", "one")
	unread("a repeat moves nothing", 0, 1)
	late := w.people("late")[0]
	if _, err := w.a.AddMembers(t.Context(), owner, w.group, []chat.UserID{late.User}, "add"); err != nil {
		t.Fatal(err)
	}
	unread("somebody came", 0, 1)
	if v := w.look(w.b, late, w.group); v.Unread() != 0 {
		t.Errorf("who came has %d unread", v.Unread())
	}
	w.send(w.a, owner, w.group, "u-5", "five")
	if v := w.look(w.b, late, w.group); v.Unread() != 1 {
		t.Errorf("who came has %d unread, want 1", v.Unread())
	}
	unread("five", 0, 2)
	// Reading up to a message in the middle leaves what is behind it.
	if v, _, err := w.a.MarkRead(t.Context(), friend, w.group, 5); err != nil || v.Unread() != 1 {
		t.Errorf("marked 5: %d unread, %v", v.Unread(), err)
	}
}

func whoHearsPassingThings(t *testing.T, open Open) {
	w := newWorld(t, open, "third")
	room := w.room("typing")
	both := []chat.UserID{w.users[0].User, w.users[1].User}
	slices.Sort(both)
	three := append(slices.Clone(both), w.users[2].User)
	slices.Sort(three)
	for _, c := range []struct {
		id    chat.ConversationID
		kind  chat.Type
		width chat.Width
		want  []chat.UserID
		op    chat.Op
	}{
		{w.direct, chat.Direct, chat.Narrow, both, chat.OpType},
		{w.group, chat.Group, chat.Narrow, three, chat.OpType},
		{w.group, chat.Group, chat.Narrow, three, chat.OpMarkRead},
		{room, chat.Room, chat.Wide, nil, chat.OpMarkRead},
	} {
		for range 2 { // read, and remembered
			o, err := w.b.Audience(t.Context(), w.users[0], c.id, c.op)
			if err != nil || o.Conversation != c.id || o.Type != c.kind || o.Width != c.width || fmt.Sprint(o.Recipients) != fmt.Sprint(c.want) {
				t.Errorf("%v by %v: %+v, %v", c.kind, c.op, o, err)
			}
		}
	}
	w.leave(w.a, w.users[2], w.group)
	if o, err := w.b.Audience(t.Context(), w.users[0], w.group, chat.OpType); err != nil || fmt.Sprint(o.Recipients) != fmt.Sprint(both) {
		t.Errorf("after somebody left: %+v, %v", o, err)
	}
	if _, err := w.b.Audience(t.Context(), w.users[2], w.group, chat.OpType); err == nil || fault.CodeOf(err) != fault.NotFound {
		t.Errorf("for somebody who left: %v", err)
	}
	if _, err := w.b.Audience(t.Context(), w.users[0], room, chat.OpType); err == nil || fault.CodeOf(err) != fault.Forbidden {
		t.Errorf("typing in a room: %v", err)
	}
}

// aMarkStandsWhateverHappensBesides: the owner leaves, which makes the friend the owner,
// while the friend reads on; another device of the friend joins a room once more.
func aMarkStandsWhateverHappensBesides(t *testing.T, open Open) {
	w := newWorld(t, open)
	owner, friend := w.users[0], w.users[1]
	for i := range 25 {
		made, err := w.a.AddConversation(t.Context(), owner, chat.NewConversation{Type: chat.Group, Name: "to be left", Users: []chat.UserID{friend.User}, Request: chat.RequestID(fmt.Sprint("left-", i))})
		if err != nil {
			t.Fatal(err)
		}
		m := w.send(w.a, owner, made.ID, fmt.Sprint("m-", i), "hello")
		var all sync.WaitGroup
		all.Go(func() { w.leave(w.a, owner, made.ID) })
		all.Go(func() {
			if _, moved, err := w.b.MarkRead(t.Context(), friend, made.ID, m.Seq); err != nil || !moved {
				t.Errorf("mark: moved %v, %v", moved, err)
			}
		})
		all.Wait()
		if v := w.look(w.b, friend, made.ID); v.ReadSeq < m.Seq || v.Role != chat.Owner {
			t.Errorf("round %d: the mark is at %d of %d, the role %v", i, v.ReadSeq, m.Seq, v.Role)
		}
	}
	room := w.room("joined twice")
	for i := range 25 {
		var all sync.WaitGroup
		for _, s := range []chat.Store{w.a, w.b} {
			all.Go(func() {
				if _, err := s.JoinRoom(t.Context(), friend, room, ""); err != nil {
					t.Error(err)
					return
				}
				m := w.send(s, friend, room, fmt.Sprint("r-", i), "hello")
				if v := w.look(s, friend, room); v.ReadSeq < m.Seq || v.Role != chat.Member {
					t.Errorf("round %d: the mark is at %d of %d, the role %v", i, v.ReadSeq, m.Seq, v.Role)
				}
			})
		}
		all.Wait()
		if v := w.look(w.a, friend, room); v.ReadSeq != v.Seq {
			t.Errorf("round %d: the mark is at %d of %d", i, v.ReadSeq, v.Seq)
		}
		w.leave(w.a, friend, room)
	}
}
