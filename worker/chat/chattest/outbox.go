package chattest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/worker/chat"
)

// Outbox holds a store to what chat.Outbox promises. All that open opens is of one
// database, which is the suite's alone: it claims whatever it finds there.
func Outbox(t *testing.T, open Open) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Open)
	}{
		{"WhatIsDoneGoes", whatIsDoneGoes},
		{"WhatALostOwnerLeftIsClaimedOnce", whatALostOwnerLeftIsClaimedOnce},
		{"WhatAProcessIsAtIsLeftToOthers", whatAProcessIsAtIsLeftToOthers},
		{"WhatWaitsForTheBusIsLeftAlone", whatWaitsForTheBusIsLeftAlone},
		{"AGroupChatThatGrowsBecomesWide", aGroupChatThatGrowsBecomesWide},
		{"EditsAreVeiledFromWhoCameAfter", editsAreVeiledFromWhoCameAfter},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open) })
	}
}

// lag reads how far the outbox is behind.
func (w *world) lag() chat.Lag {
	w.t.Helper()
	l, err := w.b.Lag(w.t.Context())
	if err != nil {
		w.t.Error(err)
	}
	return l
}

func (w *world) finish(s chat.Store, p ...chat.Progress) {
	w.t.Helper()
	if err := s.Finish(w.t.Context(), p); err != nil {
		w.t.Error(err)
	}
}

// empty finishes all that an ear has heard of.
func (w *world) empty(e *ear) {
	w.t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	var p []chat.Progress
	for _, o := range e.heard {
		p = append(p, chat.Progress{ID: o.ID, Fanned: true, Published: true})
	}
	w.finish(w.a, p...)
	if l := w.lag(); l != (chat.Lag{}) {
		w.t.Errorf("after all was finished: %+v", l)
	}
}

func whatIsDoneGoes(t *testing.T, open Open) {
	heard := newEar()
	w := newWorldThatHears(t, open, heard.hear)
	w.empty(heard)
	var rows []chat.Outgoing
	for i := range 6 {
		m := w.send(w.a, w.users[0], w.group, fmt.Sprint("m-", i), "hello")
		o, _ := heard.message(w.group, m.Seq)
		rows = append(rows, o)
	}
	want := func(what string, unfanned, unpublished int64) {
		t.Helper()
		l := w.lag()
		if l.Unfanned != unfanned || l.Unpublished != unpublished || (l.OldestUnfanned > 0) != (unfanned > 0) || (l.OldestUnpublished > 0) != (unpublished > 0) || l.OldestUnfanned > time.Minute {
			t.Errorf("%s: %+v, want %d and %d", what, l, unfanned, unpublished)
		}
	}
	want("six messages", 6, 6)
	w.finish(w.a, chat.Progress{ID: rows[0].ID, Fanned: true, Published: true}, chat.Progress{ID: rows[1].ID, Fanned: true, Published: true})
	want("two done", 4, 4)
	w.finish(w.a, chat.Progress{ID: rows[2].ID, Fanned: true}, chat.Progress{ID: rows[3].ID, Published: true}, chat.Progress{ID: rows[4].ID, Fanned: true, Published: true})
	want("one more done, two half", 2, 2)
	w.finish(w.b, chat.Progress{ID: rows[2].ID, Published: true}, chat.Progress{ID: rows[3].ID, Fanned: true})
	want("the other halves, by another process", 1, 1)
	w.finish(w.b, chat.Progress{ID: rows[0].ID, Fanned: true}, chat.Progress{ID: rows[5].ID})
	w.finish(w.b)
	want("what is gone already, and nothing", 1, 1)
	// Both halves at the same moment: none may stay for ever.
	for i := range 30 {
		m := w.send(w.a, w.users[0], w.group, fmt.Sprint("h-", i), "hello")
		o, _ := heard.message(w.group, m.Seq)
		var all sync.WaitGroup
		all.Go(func() { w.finish(w.a, chat.Progress{ID: o.ID, Fanned: true}) })
		all.Go(func() { w.finish(w.b, chat.Progress{ID: o.ID, Published: true}) })
		all.Wait()
	}
	want("thirty by two halves at once", 1, 1)
	w.empty(heard)
}

// claim claims until done says so, from both stores at once, and returns all that was
// claimed.
func (w *world) claim(done func([]chat.Outgoing) bool) (claimed []chat.Outgoing) {
	w.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var mu sync.Mutex
		var all sync.WaitGroup
		for _, s := range []chat.Store{w.a, w.b, w.a, w.b} {
			all.Go(func() {
				got, err := s.Claim(w.t.Context(), 3, nil)
				if err != nil {
					w.t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				claimed = append(claimed, got...)
			})
		}
		all.Wait()
		if w.t.Failed() || done(claimed) {
			return claimed
		}
		if time.Now().After(end) {
			w.t.Fatalf("claimed in 20 s: %d rows", len(claimed))
		}
	}
}

func whatALostOwnerLeftIsClaimedOnce(t *testing.T, open Open) {
	heard := newEar()
	w := newWorldThatHears(t, open, heard.hear, "leaver")
	w.empty(heard)
	start := time.Now()
	var first chat.Stored
	for i := range 20 {
		m := w.send(w.a, w.users[0], w.group, fmt.Sprint("m-", i), fmt.Sprint(i))
		if i == 0 {
			first = m
		}
	}
	w.amend(w.a, w.users[0], chat.Amendment{Conversation: w.group, Seq: first.Seq, Kind: chat.Edited, Text: "edited", Request: "edit"})
	w.send(w.a, w.users[1], w.direct, "direct", "hello")
	w.leave(w.a, w.users[2], w.group)
	if got, err := w.b.Claim(t.Context(), 100, nil); time.Since(start) < chat.Lease && (err != nil || len(got) != 0) {
		t.Errorf("claimed from a living owner: %+v, %v", got, err)
	}
	began := make(map[int64]int)
	claimed := w.claim(func(got []chat.Outgoing) bool { return len(got) >= 23 })
	if took := time.Since(start); took < chat.Lease-100*time.Millisecond {
		t.Errorf("all was claimed after %v, the lease is %v", took, chat.Lease)
	}
	two := []chat.UserID{w.users[0].User, w.users[1].User}
	slices.Sort(two)
	texts, changes, lines := 0, 0, 0
	for _, o := range claimed {
		if began[o.ID]++; began[o.ID] > 1 {
			t.Errorf("claimed twice: %+v", o)
		}
		if !o.Rescued || o.Fanned || o.Published || o.Stored.IsZero() || o.Origin != "" || fmt.Sprint(o.Recipients) != fmt.Sprint(two) {
			t.Errorf("claimed: %+v", o)
		}
		switch {
		case o.Kind == chat.OutChange:
			changes++
			if o.Change == nil || o.Message != nil || o.Change.Rev != 1 || o.Change.Text != "edited" || o.Type != chat.Group {
				t.Errorf("the change: %+v", o)
			}
		case o.Message == nil:
			t.Errorf("no message: %+v", o)
		case o.Message.Kind == chat.Left:
			lines++
			if len(o.Removed) != 1 || o.Removed[0] != w.users[2].User {
				t.Errorf("the line: %+v", o)
			}
		default:
			texts++
			was, ok := heard.message(o.Conversation, o.Message.Seq)
			if !ok || was.ID != o.ID || was.Type != o.Type || was.Message.Sender != o.Message.Sender || !was.Message.Sent.Equal(o.Message.Sent) ||
				was.Message.Text != o.Message.Text && o.Message.Seq != first.Seq {
				t.Errorf("claimed %+v, what was told is %+v", o, was)
			}
		}
	}
	if texts != 21 || changes != 1 || lines != 1 {
		t.Errorf("claimed %d messages, %d changes, %d lines of the system", texts, changes, lines)
	}
	// What a new owner leaves is claimed again.
	w.claim(func(got []chat.Outgoing) bool { return len(got) >= 23 })
	w.empty(heard)
}

// Who looks and is at a row itself does not prolong its lease: another one, who may reach
// whom this one cannot, has it at once.
func whatAProcessIsAtIsLeftToOthers(t *testing.T, open Open) {
	heard := newEar()
	w := newWorldThatHears(t, open, heard.hear)
	w.empty(heard)
	var at []int64
	for i := range 3 {
		m := w.send(w.a, w.users[0], w.group, fmt.Sprint("m-", i), "hello")
		o, _ := heard.message(w.group, m.Seq)
		at = append(at, o.ID)
	}
	over := func() bool { return w.lag().OldestUnfanned > chat.Lease+500*time.Millisecond } // of all three
	for end := time.Now().Add(20 * time.Second); !over(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the leases do not end")
		}
	}
	for _, limit := range []int{100, 1} {
		if got, err := w.a.Claim(t.Context(), limit, at); err != nil || len(got) != 0 {
			t.Errorf("it is at all of them and claimed %+v, %v", got, err)
		}
	}
	if got, err := w.a.Claim(t.Context(), 1, at[:2]); err != nil || len(got) != 1 || got[0].ID != at[2] {
		t.Errorf("it is at two of three and claimed %+v, %v", got, err)
	}
	if got, err := w.b.Claim(t.Context(), 100, nil); err != nil || len(got) != 2 {
		t.Errorf("another one claimed %+v, %v", got, err)
	}
	w.empty(heard)
}

func whatWaitsForTheBusIsLeftAlone(t *testing.T, open Open) {
	heard := newEar()
	w := newWorldThatHears(t, open, heard.hear)
	w.empty(heard)
	fanned := w.send(w.a, w.users[0], w.group, "fanned", "hello")
	w.send(w.a, w.users[0], w.group, "unfanned", "hello")
	o, _ := heard.message(w.group, fanned.Seq)
	w.finish(w.a, chat.Progress{ID: o.ID, Fanned: true})
	claimed := w.claim(func(got []chat.Outgoing) bool { return len(got) > 0 }) // the other one
	for _, c := range claimed {
		if c.ID == o.ID {
			t.Errorf("claimed while it waits for the bus: %+v", c)
		}
	}
	w.empty(heard)
}

func aGroupChatThatGrowsBecomesWide(t *testing.T, open Open) {
	heard := newEar()
	w := newWorldThatHears(t, open, heard.hear)
	names := make([]string, chat.WideAbove-1)
	for i := range names {
		names[i] = fmt.Sprint("member-", i)
	}
	var ids []chat.UserID
	for _, c := range w.people(names...) {
		ids = append(ids, c.User)
	}
	w.empty(heard)
	if _, err := w.a.AddMembers(t.Context(), w.users[0], w.group, ids, "add"); err != nil {
		t.Fatal(err)
	}
	m := w.send(w.b, w.users[0], w.group, "widening", "hello")
	if o, _ := heard.message(w.group, m.Seq); o.Width != chat.Widening || len(o.Recipients) != chat.WideAbove+1 {
		t.Errorf("while it widens: width %v, %d recipients", o.Width, len(o.Recipients))
	}
	widen := func(list []chat.Outgoing) (o chat.Outgoing, ok bool) {
		i := slices.IndexFunc(list, func(o chat.Outgoing) bool { return o.Kind == chat.OutWiden })
		if i < 0 {
			return o, false
		}
		return list[i], true
	}
	if _, ok := widen(heard.heard); !ok {
		t.Fatal("nobody was told that it widens")
	}
	// Its owner is lost; another makes it wide.
	o, _ := widen(w.claim(func(got []chat.Outgoing) bool { _, ok := widen(got); return ok }))
	if o.Conversation != w.group || !o.Rescued || o.Message != nil || o.Change != nil {
		t.Errorf("claimed: %+v", o)
	}
	for _, s := range []chat.Store{w.a, w.b} { // the one of them that claimed it knows what it is
		w.finish(s, chat.Progress{ID: o.ID, Fanned: true, Published: true})
	}
	m = w.send(w.a, w.users[0], w.group, "wide", "hello")
	if o, _ := heard.message(w.group, m.Seq); o.Width != chat.Wide || o.Recipients != nil {
		t.Errorf("when it is wide: width %v, %d recipients", o.Width, len(o.Recipients))
	}
	if v := w.look(w.b, w.users[1], w.group); v.Width != chat.Wide {
		t.Errorf("view: %+v", v)
	}
	// Rights are those of its members still, and nobody else's.
	stranger := w.people("stranger")[0]
	if _, err := w.trySend(w.a, stranger, w.group, "stranger", "hello"); err == nil {
		t.Error("a stranger wrote into a wide group chat")
	}
	w.send(w.b, chat.Caller{User: ids[0]}, w.group, "member", "hello")
	w.empty(heard)
}
