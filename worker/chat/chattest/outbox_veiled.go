package chattest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/parley-im/parley/worker/chat"
)

// editsAreVeiledFromWhoCameAfter grows a group chat beyond the bound of narrow ones, and
// has somebody come in late. The hub group cannot tell who is late, so a new text of an
// older message must not be what the group is told: not by who stores it, nor by who
// rescues the row.
func editsAreVeiledFromWhoCameAfter(t *testing.T, open Open) {
	heard := newEar()
	w := newWorldThatHears(t, open, heard.hear)
	old := w.send(w.a, w.users[0], w.group, "old", "before anybody came")
	rev := chat.Rev(0)
	change := func(what string, seq, base int64, veiled bool) chat.Outgoing {
		t.Helper()
		rev++
		a := chat.Amendment{Conversation: w.group, Seq: chat.Seq(seq), Base: chat.Rev(base), Request: chat.RequestID(fmt.Sprint("change-", rev)), Kind: chat.Recalled}
		if what != "" {
			a.Kind, a.Text = chat.Edited, what
		}
		w.amend(w.either(int(rev)), w.users[0], a)
		o, ok := heard.change(w.group, rev)
		if !ok || o.Change.Text != what {
			t.Fatalf("rev %d: heard %+v", rev, o)
		}
		wantVeiled(t, &o, veiled)
		return o
	}
	change("narrow", int64(old.Seq), 0, false) // by ids: who came later is not among them

	names := make([]string, chat.WideAbove)
	for i := range names {
		names[i] = fmt.Sprint("late-", i)
	}
	came := ids(w.people(names...))
	if _, err := w.a.AddMembers(t.Context(), w.users[0], w.group, came, "add"); err != nil {
		t.Fatal(err)
	}
	o := change("widening", int64(old.Seq), 1, true)
	if len(o.Recipients) != 2 {
		t.Errorf("while it widens, told by their ids: %v", o.Recipients)
	}
	w.widen(heard)
	change("wide", int64(old.Seq), 2, true)
	seen := w.send(w.a, w.users[0], w.group, "seen", "by everybody")
	change("by everybody still", int64(seen.Seq), 0, false)
	change("", int64(seen.Seq), 4, false)
	late := w.people("late")[0]
	if _, err := w.b.AddMembers(t.Context(), w.users[0], w.group, []chat.UserID{late.User}, "late"); err != nil {
		t.Fatal(err)
	}
	middle := w.send(w.b, w.users[0], w.group, "middle", "by the late one, too")
	change("and edited", int64(middle.Seq), 0, false)
	o = change("again", int64(old.Seq), 3, true)
	if v := o.Veiled; v != nil && (v.Seq != middle.Seq || v.Rev != rev || v.Name != w.look(w.a, late, w.group).Name || v.Members != chat.WideAbove+3) {
		t.Errorf("the group is told of %+v", *v)
	}
	change("", int64(old.Seq), 7, false) // a recall has nothing to hide

	last := w.send(w.a, w.users[0], w.group, "last", "one more")
	change("the last one", int64(middle.Seq), 6, false)
	if _, err := w.a.AddMembers(t.Context(), w.users[0], w.group, []chat.UserID{w.people("latest")[0].User}, "latest"); err != nil {
		t.Fatal(err)
	}
	// The rows are rescued when somebody is there who was not at the commit.
	found := make(map[chat.Rev]*chat.Outgoing)
	w.claim(func(got []chat.Outgoing) bool {
		for i := range got {
			if got[i].Kind == chat.OutChange && got[i].Conversation == w.group {
				found[got[i].Change.Rev] = &got[i]
			}
		}
		return len(found) == int(rev)
	})
	for r, o := range found {
		// Of a text that another one has replaced, nothing is told.
		wantVeiled(t, o, o.Change.Text != "")
		if r == rev && (o.Change.Text != "the last one" || o.Veiled == nil || o.Veiled.Seq <= last.Seq) {
			t.Errorf("rescued: %+v", o)
		}
	}
	w.empty(heard)

	// Whoever opened a room may see all of it.
	room := w.room("the hall")
	said := w.send(w.a, w.users[0], room, "said", "in the hall")
	if _, err := w.a.JoinRoom(t.Context(), late, room, ""); err != nil {
		t.Fatal(err)
	}
	w.amend(w.a, w.users[0], chat.Amendment{Conversation: room, Seq: said.Seq, Kind: chat.Edited, Text: "louder", Request: "louder"})
	o, _ = heard.change(room, 1)
	wantVeiled(t, &o, false)
	w.empty(heard)
}

// wantVeiled looks whether a hub group is told how far the conversation has come, and
// not the change.
func wantVeiled(t *testing.T, o *chat.Outgoing, want bool) {
	t.Helper()
	switch {
	case o.Change == nil:
		t.Errorf("no change: %+v", o)
	case (o.Veiled != nil) != want:
		t.Errorf("rev %d of seq %d, text %q: veiled %v, want %v", o.Change.Rev, o.Change.Seq, o.Change.Text, o.Veiled, want)
	case want && (o.Veiled.ID != o.Conversation || o.Veiled.Rev < o.Change.Rev):
		t.Errorf("rev %d is veiled by %+v", o.Change.Rev, *o.Veiled)
	}
}

// widen has the group chat that widens be wide, as if all conns had joined its hub group.
func (w *world) widen(heard *ear) {
	w.t.Helper()
	heard.mu.Lock()
	all := slices.Clone(heard.heard)
	heard.mu.Unlock()
	for _, o := range all {
		if o.Kind == chat.OutWiden && o.Conversation == w.group {
			for _, s := range []chat.Store{w.a, w.b} { // the one of them that widened it knows what it is
				w.finish(s, chat.Progress{ID: o.ID, Fanned: true, Published: true})
			}
		}
	}
	if v := w.look(w.a, w.users[0], w.group); v.Width != chat.Wide {
		w.t.Fatalf("it does not get wide: %+v", v)
	}
}
