package chattest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/worker/chat"
)

func whoSharesAConversation(t *testing.T, open Open) {
	w := newWorld(t, open)
	p := w.people("me", "by direct", "by group", "has left", "by room", "nobody")
	room := w.add(w.a, p[0], chat.Room, "shared "+w.tag, "room", p[4])
	g := w.add(w.a, p[0], chat.Group, "group", "group", p[2], p[3])
	if _, err := w.a.OpenDirect(t.Context(), p[1], p[0].User); err != nil {
		t.Fatal(err)
	}
	w.leave(w.b, p[3], g.ID)
	shared := func(c chat.Caller, users ...chat.Caller) []chat.UserID {
		t.Helper()
		got, err := w.b.Shared(t.Context(), c, ids(users))
		if err != nil {
			t.Error(err)
		}
		slices.Sort(got)
		return got
	}
	want := ids(p[1:3])
	slices.Sort(want)
	if got := shared(p[0], p[1:]...); !slices.Equal(got, want) {
		t.Errorf("shared with %v, want %v; the room is %s", got, want, room.ID)
	}
	if got := shared(p[2], p[0], p[1], p[3]); !slices.Equal(got, ids(p[:1])) {
		t.Errorf("shared with %v, want %s", got, p[0].User)
	}
	for _, c := range p[3:] {
		if got := shared(c, p[0], p[1], p[2]); len(got) != 0 {
			t.Errorf("who shares nothing shares with %v", got)
		}
	}
	if got := shared(p[0]); len(got) != 0 {
		t.Errorf("with nobody: %v", got)
	}
}

func groupsAreNotNarrow(t *testing.T, open Open) {
	w := newWorld(t, open)
	crowd := w.crowd("crowd", chat.WideAbove)
	owner := w.inRealm("crowd", "owner")[0]
	narrow := w.add(w.a, owner, chat.Group, "narrow", "narrow", crowd[1:]...)
	wide := w.add(w.a, owner, chat.Group, "wide", "wide", crowd...)
	w.add(w.a, owner, chat.Room, "room", "room", crowd[0])
	if narrow.Width != chat.Narrow || narrow.Members != chat.WideAbove || wide.Width != chat.Widening || wide.Members != chat.WideAbove+1 {
		t.Errorf("%d members: %v, %d members: %v", narrow.Members, narrow.Width, wide.Members, wide.Width)
	}
	for _, c := range []chat.Caller{owner, crowd[0]} {
		if got, err := w.b.Groups(t.Context(), c); err != nil || !slices.Equal(got, []chat.ConversationID{wide.ID}) {
			t.Errorf("groups: %v, %v, want %s", got, err, wide.ID)
		}
	}
	// It stays as wide as it was.
	w.leave(w.b, crowd[0], wide.ID)
	if v := w.look(w.a, owner, wide.ID); v.Width != chat.Widening || v.Members != chat.WideAbove {
		t.Errorf("after one has left: %+v", v)
	}
	if got, err := w.b.Groups(t.Context(), crowd[0]); err != nil || len(got) != 0 {
		t.Errorf("groups of who left: %v, %v", got, err)
	}
	// The one who crosses the line widens it, too.
	made, err := w.b.AddMembers(t.Context(), owner, narrow.ID, ids(crowd[:1]), "cross")
	if err != nil || made.Width != chat.Widening || made.Members != chat.WideAbove+1 {
		t.Errorf("%+v, %v", made, err)
	}
}

// page reads one page of heads.
func (w *world) page(s chat.Store, c chat.Caller, since chat.Cursor, limit int) chat.Heads {
	w.t.Helper()
	h, err := s.Heads(w.t.Context(), c, since, limit)
	if err != nil || len(h.Views) > limit || h.More && len(h.Views) < limit {
		w.t.Fatalf("a page of %d heads: %d, more %v, %v", limit, len(h.Views), h.More, err)
	}
	return h
}

// heads reads all pages since a cursor; the last tells the next cursor.
func (w *world) heads(c chat.Caller, since chat.Cursor, limit int) (views []chat.View, last chat.Heads) {
	w.t.Helper()
	for i := 0; ; i++ {
		last = w.page(w.either(i), c, since, limit)
		views = append(views, last.Views...)
		if !last.More || w.t.Failed() {
			return views, last
		}
		since = last.Next
	}
}

func headsTellEverything(t *testing.T, open Open) {
	w := newWorld(t, open)
	p := w.people("reader", "writer")
	for i := range 5 {
		g := w.add(w.a, p[1], chat.Group, fmt.Sprint("g-", i), fmt.Sprint("g-", i), p[0])
		w.send(w.a, p[1], g.ID, "1", "hello")
	}
	gone := w.add(w.a, p[1], chat.Group, "gone", "gone", p[0])
	w.leave(w.b, p[0], gone.ID)
	want, _, err := w.a.Views(t.Context(), p[0], "", 100)
	if err != nil || len(want) != 6 {
		t.Fatalf("%d conversations, %v", len(want), err)
	}
	for _, limit := range []int{1, 2, 6, 100} {
		got, last := w.heads(p[0], chat.Cursor{}, limit)
		if !slices.Equal(got, want) {
			t.Errorf("by pages of %d: %+v, want %+v", limit, got, want)
		}
		if !last.Complete || last.Next.After != "" || last.Next.Until != 0 || last.Next.Since <= 0 {
			t.Errorf("by pages of %d: the last is %+v", limit, last)
		}
	}
	// A page more changes nothing of the moment that the look stands for.
	first := w.page(w.a, p[0], chat.Cursor{}, 1)
	w.aMomentLater(p[1])
	if second := w.page(w.b, p[0], first.Next, 1); second.Next.Until != first.Next.Until || first.Next.Until == 0 || !second.Complete {
		t.Errorf("pages of two looks: %+v and %+v", first, second)
	}
}

func headsTellWhatChanged(t *testing.T, open Open) {
	w := newWorld(t, open)
	p := w.people("reader", "writer")
	old := w.add(w.a, p[1], chat.Group, "old", "old", p[0])
	m := w.send(w.a, p[1], old.ID, "1", "hello").Sent.UnixMilli()
	w.aMomentLater(p[1])
	names := func(since int64) (list []string) {
		t.Helper()
		views, last := w.heads(p[0], chat.Cursor{Since: since}, 1)
		for _, v := range views {
			list = append(list, v.Name)
		}
		if last.Complete {
			t.Error("not everything was told, and it says so")
		}
		slices.Sort(list)
		return list
	}
	tell := func(what string, since int64, want ...string) {
		t.Helper()
		if got := names(since); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	tell("at the moment of the message", m, "old")
	tell("just after it", m+1)
	w.add(w.a, p[1], chat.Group, "new", "new", p[0])
	tell("one was made", m+1, "new")
	if _, _, err := w.b.MarkRead(t.Context(), p[0], old.ID, 2); err != nil {
		t.Fatal(err)
	}
	tell("my mark has risen", m+1, "new", "old")
	w.aMomentLater(p[1])
	now := w.send(w.a, p[1], w.alone(p[1]), "now", "now").Sent.UnixMilli() + 1
	w.aMomentLater(p[1])
	tell("nothing since", now)
	w.aMomentLater(p[1])
	edit := w.amend(w.b, p[1], chat.Amendment{Conversation: old.ID, Seq: 2, Kind: chat.Edited, Text: "better", Request: "edit"})
	tell("a message was edited", now, "old")
	if views, _ := w.heads(p[0], chat.Cursor{Since: now}, 10); len(views) != 1 || views[0].Rev != edit.Rev || views[0].Seq != 2 || views[0].ReadSeq != 2 {
		t.Errorf("the head: %+v", views)
	}
	if _, err := w.a.AddMembers(t.Context(), p[1], old.ID, ids(w.users[:1]), "add"); err != nil {
		t.Fatal(err)
	}
	if views, _ := w.heads(p[0], chat.Cursor{Since: now}, 10); len(views) != 1 || views[0].Members != 3 || views[0].Seq != 3 {
		t.Errorf("the head after one has come: %+v", views)
	}
}

// headsOfAClockSetBack has a cursor of a time that the database has not come to again:
// what has been stored since then has lower times, and would not be told by it.
func headsOfAClockSetBack(t *testing.T, open Open) {
	w := newWorld(t, open)
	p := w.people("reader", "writer")
	for i := range 3 {
		w.add(w.a, p[1], chat.Group, fmt.Sprint("g-", i), fmt.Sprint("g-", i), p[0])
	}
	ahead := time.Now().Add(time.Hour).UnixMilli()
	if views, last := w.heads(p[0], chat.Cursor{Since: ahead}, 2); len(views) != 4 || !last.Complete || last.Next.Since >= ahead {
		t.Errorf("%d heads, then %+v", len(views), last)
	}
}

func headsTellOfLeaving(t *testing.T, open Open) {
	w := newWorld(t, open)
	p := w.people("reader", "writer")
	g := w.add(w.a, p[1], chat.Group, "left", "left", p[0])
	before := w.send(w.a, p[1], g.ID, "1", "hello").Sent.UnixMilli()
	w.aMomentLater(p[1])
	room := w.add(w.a, p[1], chat.Room, "left room "+w.tag, "room", p[0])
	w.leave(w.b, p[0], g.ID)
	w.leave(w.b, p[0], room.ID)
	views, _ := w.heads(p[0], chat.Cursor{Since: before + 1}, 10)
	if len(views) != 2 {
		t.Fatalf("%+v", views)
	}
	for _, v := range views {
		if !v.Left || v.Role != chat.Stranger || v.Unread() != 0 {
			t.Errorf("a conversation that was left: %+v", v)
		}
	}
	w.aMomentLater(p[1])
	after := w.send(w.a, p[1], g.ID, "2", "what comes after").Sent.UnixMilli()
	w.send(w.a, p[1], room.ID, "2", "what comes after")
	if views, _ = w.heads(p[0], chat.Cursor{Since: after}, 10); len(views) != 0 {
		t.Errorf("what came after is told: %+v", views)
	}
}

// headsMissNothing lets others write at both stores while somebody looks again and
// again, page by page, and remembers only what these pages told.
func headsMissNothing(t *testing.T, open Open) {
	w := newWorld(t, open)
	p := w.people("reader", "writer-1", "writer-2", "writer-3")
	var groups []chat.ConversationID
	for i := range 6 {
		groups = append(groups, w.add(w.a, p[1], chat.Group, fmt.Sprint("g-", i), fmt.Sprint("g-", i), p[0], p[2], p[3]).ID)
	}
	var writers sync.WaitGroup
	done := make(chan struct{})
	for k, c := range p[1:] {
		writers.Go(func() {
			for i := range 30 {
				w.send(w.either(k), c, groups[(i*(k+1))%len(groups)], fmt.Sprint(k, "-", i), "hello")
			}
		})
	}
	go func() { writers.Wait(); close(done) }()
	known := make(map[chat.ConversationID]chat.Seq)
	cursor := chat.Cursor{}
	look := func() {
		views, last := w.heads(p[0], cursor, 2)
		cursor = last.Next
		for _, v := range views {
			if v.Seq < known[v.ID] {
				t.Errorf("the head of %s went from %d back to %d", v.ID, known[v.ID], v.Seq)
			}
			known[v.ID] = v.Seq
		}
	}
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		look()
	}
	for _, id := range groups {
		if v := w.look(w.a, p[0], id); known[id] != v.Seq {
			t.Errorf("%s is at %d, the heads told %d", id, v.Seq, known[id])
		}
	}
}
