package chattest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// Fill makes users members of n wide group chats that have nobody else, past the calls
// of a store: they would take too long.
type Fill func(t *testing.T, n int, users ...chat.UserID)

// Wide holds a store to chat.MaxWide.
func Wide(t *testing.T, open Open, fill Fill) {
	for name, test := range map[string]func(*testing.T, Open, Fill){
		"NobodyIsBroughtAboveTheBound":    nobodyIsBroughtAboveTheBound,
		"TwoWhoAddTheSameUsersAreCounted": twoWhoAddTheSameUsersAreCounted,
	} {
		t.Run(name, func(t *testing.T) { test(t, open, fill) })
	}
}

// crowd makes n users of a realm, by both stores at once.
func (w *world) crowd(realm string, n int) []chat.Caller {
	w.t.Helper()
	list := make([]chat.Caller, n)
	var all sync.WaitGroup
	for i := range list {
		all.Go(func() {
			a, _, err := w.signUp(w.either(i), realm, fmt.Sprint("person-", i), "one")
			if err != nil {
				w.t.Error(err)
			}
			list[i] = chat.Caller{Realm: a.Realm, User: a.ID}
		})
	}
	all.Wait()
	if w.t.Failed() {
		w.t.FailNow()
	}
	return list
}

// names wants a refusal that says who is full, and nobody else.
func (w *world) names(what string, err error, full chat.Caller, others []chat.Caller) {
	w.t.Helper()
	w.fails(what, err, fault.TooLarge)
	if err == nil {
		return
	}
	said := fault.Of(err).Message()
	if !strings.Contains(said, string(full.User)) {
		w.t.Errorf("%s: %q does not say who is full", what, said)
	}
	for _, c := range others {
		if c != full && strings.Contains(said, string(c.User)) {
			w.t.Errorf("%s: %q names who is not full", what, said)
		}
	}
}

func nobodyIsBroughtAboveTheBound(t *testing.T, open Open, fill Fill) {
	heard := newEar()
	w := newWorldThatHears(t, open, heard.hear)
	p := w.crowd("wide", chat.WideAbove+4)
	full, almost, spare, owner, crowd := p[0], p[1], p[2], p[3], p[4:]
	fill(t, chat.MaxWide, full.User)
	fill(t, chat.MaxWide-1, almost.User)
	wide := w.add(w.a, owner, chat.Group, "wide", "wide", crowd...)
	other := w.add(w.b, owner, chat.Group, "other", "other", crowd...)
	add := func(s chat.Store, id chat.ConversationID, request string, users ...chat.Caller) error {
		_, err := s.AddMembers(t.Context(), owner, id, ids(users), chat.RequestID(request))
		return err
	}
	before := w.look(w.a, owner, wide.ID)

	w.names("to a wide one", add(w.a, wide.ID, "one", full), full, p)
	w.names("with others", add(w.b, wide.ID, "two", spare, full, almost), full, p)
	if v := w.look(w.b, owner, wide.ID); v != before || len(heard.messages(wide.ID)) != 1 {
		t.Errorf("after refusals: %+v, it was %+v, told %d lines", v, before, len(heard.messages(wide.ID)))
	}
	w.isIn(w.a, owner, wide.ID, append([]chat.Caller{owner}, crowd...)...)
	// The bound itself is allowed, and who is in it already is no more in it than before.
	if err := add(w.b, wide.ID, "one", almost); err != nil { // the request of a refusal is still good
		t.Fatalf("up to the bound: %v", err)
	}
	if err := add(w.a, wide.ID, "again", almost, spare); err != nil {
		t.Errorf("who is in it already: %v", err)
	}
	w.names("above the bound", add(w.a, other.ID, "above", almost), almost, p)

	// What is born wide.
	_, err := w.a.AddConversation(t.Context(), owner, chat.NewConversation{Type: chat.Group, Name: "born", Users: append(ids(crowd[1:]), full.User), Request: "born"})
	w.names("born wide", err, full, p)
	_, err = w.b.AddConversation(t.Context(), full, chat.NewConversation{Type: chat.Group, Name: "own", Users: ids(crowd), Request: "own"})
	w.names("born wide by who is full", err, full, p)
	if views, _, err := w.a.Views(t.Context(), owner, "", 100); err != nil || len(views) != 3 { // the lobby, and two
		t.Errorf("%d conversations, %v", len(views), err)
	}
	// Small ones and rooms do not count, and what is small does not widen around one who is full.
	narrow := w.add(w.a, owner, chat.Group, "narrow", "narrow", append(slices.Clone(crowd[2:]), full)...)
	if narrow.Members != chat.WideAbove || narrow.Width != chat.Narrow {
		t.Fatalf("%+v", narrow)
	}
	if _, err := w.a.JoinRoom(t.Context(), full, w.add(w.a, owner, chat.Room, "hall", "hall").ID, ""); err != nil {
		t.Errorf("a room: %v", err)
	}
	w.names("widening", add(w.b, narrow.ID, "widen", spare), full, p)
	if v := w.look(w.a, owner, narrow.ID); v.Members != chat.WideAbove || v.Width != chat.Narrow || v.Seq != 1 {
		t.Errorf("after a refusal: %+v", v)
	}

	// Who leaves one may be brought into another.
	have, err := w.a.Groups(t.Context(), full)
	if err != nil || len(have) != chat.MaxWide {
		t.Fatalf("%d wide group chats, %v", len(have), err)
	}
	w.leave(w.b, full, have[7])
	if err := add(w.a, narrow.ID, "widen", spare); err != nil {
		t.Errorf("after one has left another: %v", err)
	}
	if v := w.look(w.b, full, narrow.ID); v.Width != chat.Widening {
		t.Errorf("%+v", v)
	}
	w.names("full again", add(w.b, other.ID, "back", full), full, p)
}

// twoWhoAddTheSameUsersAreCounted adds users who have room for one more to two wide group
// chats at the same time.
func twoWhoAddTheSameUsersAreCounted(t *testing.T, open Open, fill Fill) {
	const rounds, each = 8, 4
	w := newWorld(t, open)
	p := w.crowd("wide", chat.WideAbove+1+rounds*each)
	owner, crowd, guests := p[0], p[1:chat.WideAbove+1], p[chat.WideAbove+1:]
	fill(t, chat.MaxWide-1, ids(guests)...)
	var halls []chat.ConversationID
	for i := range 2 {
		halls = append(halls, w.add(w.a, owner, chat.Group, "hall", fmt.Sprint("hall-", i), crowd...).ID)
	}
	for round := range rounds {
		users := ids(guests[round*each : (round+1)*each])
		var all race[chat.Made]
		all.run(2, func(i int) (chat.Made, bool, error) {
			named := slices.Clone(users)
			if i == 1 {
				slices.Reverse(named)
			}
			m, err := w.either(i).AddMembers(t.Context(), owner, halls[i], named, chat.RequestID(fmt.Sprint("round-", round, "-", i)))
			return m, m.Duplicate, err
		})
		if len(all.fresh) != 1 || len(all.errs) != 1 || fault.CodeOf(all.errs[0]) != fault.TooLarge {
			t.Errorf("round %d: %d were added, %v", round, len(all.fresh), all.errs)
		}
	}
	for _, c := range guests {
		if have, err := w.b.Groups(t.Context(), c); err != nil || len(have) != chat.MaxWide {
			t.Errorf("%d wide group chats, %v, want %d", len(have), err, chat.MaxWide)
		}
	}
}
