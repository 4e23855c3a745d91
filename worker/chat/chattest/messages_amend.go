package chattest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// amendments holds a store to what it promises of changes of older messages.
func amendments(t *testing.T, open Open) {
	for name, test := range map[string]func(*testing.T, Open){
		"AnEditIsBasedOnTheNewestRev":        anEditIsBasedOnTheNewestRev,
		"ARecallTakesTheTextAway":            aRecallTakesTheTextAway,
		"WhoMayChangeWhat":                   whoMayChangeWhat,
		"ARepeatedChangeIsAnsweredLikeFirst": aRepeatedChange,
		"RevsHaveNoGaps":                     revsHaveNoGaps,
		"ChangesAreToldSinceARev":            changesAreToldSinceARev,
	} {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}

func anEditIsBasedOnTheNewestRev(t *testing.T, open Open) {
	heard := newEar()
	w := newWorldThatHears(t, open, heard.hear)
	owner := w.users[0]
	m := w.send(w.a, owner, w.group, "m", "first")
	before := w.look(w.b, w.users[1], w.group)
	edit := chat.Amendment{Conversation: w.group, Seq: m.Seq, Kind: chat.Edited, Text: "second", Request: "e-1", Origin: "conn"}
	got := w.amend(w.a, owner, edit)
	if got.Conversation != w.group || got.Rev != 1 || got.Seq != m.Seq || got.Kind != chat.Edited || got.Actor != owner.User || got.Text != "second" || got.Duplicate || got.Changed.Before(m.Sent) {
		t.Errorf("answer: %+v", got)
	}
	o, ok := heard.change(w.group, 1)
	if !ok || fmt.Sprint(*o.Change) != fmt.Sprint(got.Change) || len(o.Recipients) != 2 || o.Origin != "conn" || o.ID == 0 {
		t.Errorf("told: %+v", o)
	}
	edit.Text, edit.Request = "third", "e-2"
	if _, err := w.b.Amend(t.Context(), owner, edit); err == nil || fault.CodeOf(err) != fault.Conflict {
		t.Errorf("an edit of what was edited since: %v", err)
	}
	edit.Base = 1
	if got := w.amend(w.b, owner, edit); got.Rev != 2 {
		t.Errorf("an edit of the newest: %+v", got)
	}
	page, err := w.a.Messages(t.Context(), w.users[1], w.group, chat.Range{After: m.Seq - 1, Limit: 1})
	if err != nil || page.Messages[0].Text != "third" || page.Messages[0].Rev != 2 || page.Messages[0].Recalled || page.HeadRev != 2 || !page.Messages[0].Sent.Equal(m.Sent) {
		t.Errorf("read back: %+v, %v", page, err)
	}
	after := w.look(w.b, w.users[1], w.group)
	if after.Seq != before.Seq || after.Counted != before.Counted || after.ReadSeq != before.ReadSeq || after.Unread() != before.Unread() || after.Rev != 2 {
		t.Errorf("the head went from %+v to %+v", before, after)
	}
}

func aRecallTakesTheTextAway(t *testing.T, open Open) {
	w := newWorld(t, open)
	owner, friend := w.users[0], w.users[1]
	m := w.send(w.a, friend, w.group, "m", "secret")
	got := w.amend(w.a, friend, chat.Amendment{Conversation: w.group, Seq: m.Seq, Kind: chat.Recalled, Request: "r-1"})
	if got.Rev != 1 || got.Kind != chat.Recalled || got.Text != "" || got.Duplicate {
		t.Errorf("answer: %+v", got)
	}
	page, err := w.b.Messages(t.Context(), owner, w.group, chat.Range{After: m.Seq - 1, Limit: 1})
	if err != nil || page.Messages[0].Text != "" || !page.Messages[0].Recalled || page.Messages[0].Rev != 1 {
		t.Errorf("read back: %+v, %v", page, err)
	}
	// Recalled is recalled: again it is the change there is, whoever asks.
	for i, c := range []chat.Caller{friend, owner} {
		again := w.amend(w.b, c, chat.Amendment{Conversation: w.group, Seq: m.Seq, Kind: chat.Recalled, Request: chat.RequestID(fmt.Sprint("again-", i))})
		if !again.Duplicate || fmt.Sprint(again.Change) != fmt.Sprint(got.Change) {
			t.Errorf("recalled again: %+v, want %+v", again, got.Change)
		}
	}
	for _, base := range []chat.Rev{0, 1} {
		_, err := w.a.Amend(t.Context(), friend, chat.Amendment{Conversation: w.group, Seq: m.Seq, Kind: chat.Edited, Base: base, Text: "back", Request: "edit"})
		if err == nil || fault.CodeOf(err) != fault.Conflict {
			t.Errorf("an edit of what was recalled: %v", err)
		}
	}
	if v := w.look(w.a, owner, w.group); v.Rev != 1 {
		t.Errorf("rev %d after one recall", v.Rev)
	}
	if again := w.send(w.b, friend, w.group, "m", "secret"); !again.Duplicate || again.Text != "" || !again.Recalled {
		t.Errorf("the send, repeated: %+v", again)
	}
}

func whoMayChangeWhat(t *testing.T, open Open) {
	w := newWorld(t, open)
	owner, friend := w.users[0], w.users[1]
	stranger := w.people("stranger")[0]
	room := w.room("changes")
	if _, err := w.a.JoinRoom(t.Context(), friend, room, ""); err != nil {
		t.Fatal(err)
	}
	const edit, recall = chat.Edited, chat.Recalled
	codes := []struct {
		what string
		of   chat.Caller // who sent it
		by   chat.Caller
		in   chat.ConversationID
		kind chat.ChangeKind
		want int
	}{
		{"edit own", friend, friend, w.group, edit, fine},
		{"owner edits another's", friend, owner, w.group, edit, int(fault.Forbidden)},
		{"edit the owner's", owner, friend, w.group, edit, int(fault.Forbidden)},
		{"recall own", friend, friend, w.group, recall, fine},
		{"owner recalls another's", friend, owner, w.group, recall, fine},
		{"recall the owner's", owner, friend, w.group, recall, int(fault.Forbidden)},
		{"recall the other's in a direct", friend, owner, w.direct, recall, int(fault.Forbidden)},
		{"recall own in a direct", friend, friend, w.direct, recall, fine},
		{"owner of a room recalls another's", friend, owner, room, recall, fine},
		{"stranger in a group", owner, stranger, w.group, recall, int(fault.NotFound)},
		{"stranger in a room", owner, stranger, room, recall, int(fault.Forbidden)},
		{"another realm", owner, chat.Caller{Realm: "elsewhere", User: owner.User}, w.group, edit, int(fault.NotFound)},
	}
	for i, c := range codes {
		m := w.send(w.a, c.of, c.in, fmt.Sprint("m-", i), "hello")
		_, err := w.b.Amend(t.Context(), c.by, chat.Amendment{Conversation: c.in, Seq: m.Seq, Kind: c.kind, Text: textOf(c.kind), Request: chat.RequestID(fmt.Sprint("c-", i))})
		if code(err) != c.want {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	for _, c := range []struct {
		what string
		seq  chat.Seq
		kind chat.ChangeKind
		want int
	}{
		{"edit a line of the system", 1, edit, int(fault.Forbidden)},
		{"recall a line of the system", 1, recall, int(fault.Forbidden)},
		{"edit what is not there", 999, edit, int(fault.NotFound)},
		{"recall what is not there", 999, recall, int(fault.NotFound)},
		{"recall nothing", 0, recall, int(fault.NotFound)},
	} {
		_, err := w.b.Amend(t.Context(), owner, chat.Amendment{Conversation: w.group, Seq: c.seq, Kind: c.kind, Text: textOf(c.kind), Request: "line"})
		if code(err) != c.want {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	// What was before somebody came is not there, not even for an owner.
	m := w.send(w.a, friend, w.group, "before", "hello")
	w.leave(w.a, friend, w.group)
	if _, err := w.a.AddMembers(t.Context(), owner, w.group, []chat.UserID{friend.User}, "back"); err != nil {
		t.Fatal(err)
	}
	_, err := w.b.Amend(t.Context(), friend, chat.Amendment{Conversation: w.group, Seq: m.Seq, Kind: edit, Text: "x", Request: "back"})
	if code(err) != int(fault.NotFound) {
		t.Errorf("my own from before I left: %v", err)
	}
}

// fine is the code of no error.
const fine = -1

func code(err error) int {
	if err == nil {
		return fine
	}
	return int(fault.CodeOf(err))
}

func textOf(k chat.ChangeKind) string {
	if k == chat.Edited {
		return "edited"
	}
	return ""
}

func aRepeatedChange(t *testing.T, open Open) {
	w := newWorld(t, open)
	owner := w.users[0]
	m := w.send(w.a, owner, w.group, "m", "first")
	edit := chat.Amendment{Conversation: w.group, Seq: m.Seq, Kind: chat.Edited, Text: "second", Request: "e-1"}
	answers := make([]chat.Amended, 20)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = w.amend([]chat.Store{w.a, w.b}[i%2], owner, edit) })
	}
	all.Wait()
	fresh := 0
	for _, a := range answers {
		if !a.Duplicate {
			fresh++
		}
		if fmt.Sprint(a.Change) != fmt.Sprint(answers[0].Change) {
			t.Errorf("answers differ: %+v and %+v", a.Change, answers[0].Change)
		}
	}
	if v := w.look(w.a, owner, w.group); fresh != 1 || v.Rev != 1 {
		t.Errorf("%d of 20 were told to be the first, the rev is %d", fresh, v.Rev)
	}
	other := edit
	other.Text = "another"
	if _, err := w.a.Amend(t.Context(), owner, other); code(err) != int(fault.Conflict) {
		t.Errorf("the same request with another text: %v", err)
	}
	other = edit
	other.Kind, other.Text = chat.Recalled, ""
	if _, err := w.a.Amend(t.Context(), owner, other); code(err) != int(fault.Conflict) {
		t.Errorf("the same request with another kind: %v", err)
	}
	// Changed again since: the repeat is told without the text that is no more.
	w.amend(w.a, owner, chat.Amendment{Conversation: w.group, Seq: m.Seq, Kind: chat.Edited, Base: 1, Text: "third", Request: "e-2"})
	if again := w.amend(w.b, owner, edit); !again.Duplicate || again.Rev != 1 || again.Text != "" || !again.Changed.Equal(answers[0].Changed) {
		t.Errorf("a repeat after another change: %+v", again)
	}
}

func revsHaveNoGaps(t *testing.T, open Open) {
	w := newWorld(t, open)
	var messages []chat.Stored
	for i := range 40 {
		messages = append(messages, w.send(w.a, w.users[i%2], w.group, fmt.Sprint("m-", i), "hello"))
	}
	var all sync.WaitGroup
	for k := range 4 {
		all.Go(func() {
			for i := k * 10; i < k*10+10; i++ {
				kind := chat.ChangeKind(1 + i%2)
				w.amend([]chat.Store{w.a, w.b}[k%2], w.users[i%2], chat.Amendment{
					Conversation: w.group, Seq: messages[i].Seq, Kind: kind, Text: textOf(kind), Request: chat.RequestID(fmt.Sprint("c-", i)),
				})
			}
		})
		all.Go(func() { // sends take numbers of the same row
			for i := range 10 {
				w.send([]chat.Store{w.a, w.b}[k%2], w.users[0], w.group, fmt.Sprint("s-", k, "-", i), "hello")
			}
		})
	}
	all.Wait()
	got, err := w.a.Changes(t.Context(), w.users[0], w.group, 0, 100)
	if err != nil || len(got.Changes) != 40 || got.HeadRev != 40 || got.More || got.RefetchFrom != 0 {
		t.Fatalf("changes: %+v, %v", got, err)
	}
	for i, c := range got.Changes {
		if c.Rev != chat.Rev(i+1) {
			t.Errorf("change %d has the rev %d", i+1, c.Rev)
		}
	}
	if v := w.look(w.b, w.users[0], w.group); v.Seq != 81 || v.Rev != 40 || v.Counted != 80 {
		t.Errorf("head: %+v", v.Conversation)
	}
}

func changesAreToldSinceARev(t *testing.T, open Open) {
	w := newWorld(t, open)
	owner := w.users[0]
	one, two := w.send(w.a, owner, w.group, "one", "one"), w.send(w.a, owner, w.group, "two", "two")
	change := func(seq chat.Seq, kind chat.ChangeKind, base chat.Rev, text string) {
		t.Helper()
		w.amend(w.a, owner, chat.Amendment{Conversation: w.group, Seq: seq, Kind: kind, Base: base, Text: text, Request: chat.RequestID(fmt.Sprint("c-", seq, "-", base, "-", kind))})
	}
	change(one.Seq, chat.Edited, 0, "one better") // 1
	change(two.Seq, chat.Edited, 0, "two better") // 2
	change(one.Seq, chat.Edited, 1, "one best")   // 3
	change(two.Seq, chat.Recalled, 0, "")         // 4
	tell := func(c chat.Caller, after chat.Rev, limit int) string {
		t.Helper()
		got, err := w.b.Changes(t.Context(), c, w.group, after, limit)
		if err != nil || got.HeadRev < 4 || got.RefetchFrom != 0 {
			t.Errorf("changes after %d: %+v, %v", after, got, err)
		}
		s := ""
		for _, c := range got.Changes {
			s += fmt.Sprintf("%d: %d %q, ", c.Rev, c.Seq, c.Text)
		}
		return s + fmt.Sprint(got.More)
	}
	for _, c := range []struct {
		after chat.Rev
		limit int
		want  string
	}{
		{0, 10, `1: 2 "", 2: 3 "", 3: 2 "one best", 4: 3 "", false`},
		{2, 10, `3: 2 "one best", 4: 3 "", false`},
		{1, 1, `2: 3 "", true`},
		{3, 1, `4: 3 "", false`},
		{4, 10, `false`},
		{9, 10, `false`},
	} {
		if got := tell(w.users[1], c.after, c.limit); got != c.want {
			t.Errorf("after %d, %d at most: %s, want %s", c.after, c.limit, got, c.want)
		}
	}
	// Who comes later hears of the revs, and of no text that was not for them.
	late := w.people("late")[0]
	if _, err := w.a.AddMembers(t.Context(), owner, w.group, []chat.UserID{late.User}, "add"); err != nil {
		t.Fatal(err)
	}
	if got, want := tell(late, 2, 10), `3: 2 "", 4: 3 "", false`; got != want {
		t.Errorf("late: %s, want %s", got, want)
	}
	change(one.Seq, chat.Edited, 3, "one more")
	if got, want := tell(late, 4, 10), `5: 2 "", false`; got != want {
		t.Errorf("late: %s, want %s", got, want)
	}
}
