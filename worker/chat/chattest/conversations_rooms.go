package chattest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

func aRoomIsKnownByItsName(t *testing.T, open Open) {
	w := newWorld(t, open)
	p := w.people("liubei", "guanyu")
	name := "Peach Garden " + w.tag
	made := w.add(w.a, p[0], chat.Room, name, "garden", p[1])
	if made.Duplicate || made.Type != chat.Room || made.Name != name || made.Role != chat.Owner || made.Width != chat.Wide || made.Members != 0 || made.Seq != 0 || made.FromSeq != 1 {
		t.Errorf("made: %+v", made)
	}
	if v := w.look(w.b, p[1], made.ID); v.Role != chat.Member {
		t.Errorf("who was named sees %+v", v)
	}
	if again := w.add(w.b, p[0], chat.Room, name, "garden", p[1]); !again.Duplicate || again.View != made.View {
		t.Errorf("again: %+v", again)
	}
	for i, c := range p {
		_, err := w.b.AddConversation(t.Context(), c, chat.NewConversation{Type: chat.Room, Name: strings.ToUpper(name), Request: chat.RequestID(fmt.Sprint("taken-", i))})
		w.fails("a name that is taken", err, fault.Conflict)
	}
	var all race[chat.Made]
	all.run(20, func(i int) (chat.Made, bool, error) {
		m, err := w.either(i).AddConversation(t.Context(), p[i%2], chat.NewConversation{Type: chat.Room, Name: "race " + w.tag, Request: chat.RequestID(fmt.Sprint("race-", i))})
		return m, m.Duplicate, err
	})
	if len(all.fresh) != 1 || len(all.repeated) != 0 {
		t.Errorf("%d made, %d repeated", len(all.fresh), len(all.repeated))
	}
	for _, err := range all.errs {
		w.fails("who came second", err, fault.Conflict)
	}
	guest := w.people("guest")[0]
	for i, n := range []string{strings.ToLower(name), strings.ToUpper(name)} {
		if m, err := w.either(i).JoinRoom(t.Context(), guest, "", n); err != nil || m.ID != made.ID || m.Duplicate != (i > 0) {
			t.Errorf("joined by %q: %+v, %v", n, m, err)
		}
	}
	_, err := w.a.JoinRoom(t.Context(), guest, "", name+" II")
	w.fails("no room of that name", err, fault.NotFound)
	_, err = w.a.JoinRoom(t.Context(), guest, nobody, "")
	w.fails("no room of that id", err, fault.NotFound)
	long := strings.Repeat("𝒳", chat.MaxTitleRunes-len(w.tag)) + w.tag
	if m := w.add(w.a, p[0], chat.Room, long, "long"); m.Name != long {
		t.Errorf("a long name: %q", m.Name)
	}
}

func aRoomIsOpenToAll(t *testing.T, open Open) {
	w := newWorld(t, open)
	guest := w.people("guest")[0]
	room := w.room("open")
	for i := range 3 {
		w.send(w.a, w.users[0], room, fmt.Sprint("before-", i), "hello")
	}
	if v := w.look(w.b, guest, room); v.Role != chat.Stranger || v.Seq != 3 || v.Unread() != 0 || v.Left || v.Peer != "" {
		t.Errorf("a stranger sees %+v", v)
	}
	if got := w.all(w.b, guest, room); len(got) != 3 {
		t.Errorf("a stranger reads %d messages", len(got))
	}
	_, err := w.trySend(w.a, guest, room, "stranger", "hello")
	w.fails("a stranger sends", err, fault.Forbidden)
	join := func(s chat.Store, duplicate bool) chat.Made {
		t.Helper()
		m, err := s.JoinRoom(t.Context(), guest, room, "")
		if err != nil || m.Duplicate != duplicate || m.Role != chat.Member || m.Left {
			t.Errorf("joined: %+v, %v", m, err)
		}
		return m
	}
	// What was said before is there to be read, and need not be.
	if m := join(w.a, false); m.FromSeq != 1 || m.ReadSeq != 3 || m.Unread() != 0 || m.Members != 0 {
		t.Errorf("joined: %+v", m)
	}
	w.send(w.a, w.users[0], room, "after", "hello")
	if m := join(w.b, true); m.ReadSeq != 3 || m.Unread() != 1 {
		t.Errorf("joined again: %+v", m)
	}
	w.send(w.b, guest, room, "guest", "hello") // 5
	left, err := w.b.LeaveConversation(t.Context(), guest, room, "leave")
	if err != nil || !left.Left || left.Role != chat.Stranger || left.Unread() != 0 || left.Seq != 5 {
		t.Errorf("left: %+v, %v", left, err)
	}
	if again, err := w.a.LeaveConversation(t.Context(), guest, room, "leave"); err != nil || !again.Duplicate || again.View != left.View {
		t.Errorf("left again: %+v, %v", again, err)
	}
	_, err = w.a.LeaveConversation(t.Context(), guest, room, "leave anew")
	w.fails("a stranger leaves", err, fault.Forbidden)
	if list := w.members(w.a, guest, room); len(list) != 1 || list[0].User != w.users[0].User || list[0].Role != chat.Owner {
		t.Errorf("in it are %+v", list)
	}
	w.send(w.a, w.users[0], room, "meanwhile", "hello") // 6
	if m := join(w.a, false); m.FromSeq != 1 || m.ReadSeq != 6 || m.Unread() != 0 {
		t.Errorf("back: %+v", m)
	}
	var all race[chat.Made]
	another := w.people("another")[0]
	all.run(20, func(i int) (chat.Made, bool, error) {
		m, err := w.either(i).JoinRoom(t.Context(), another, room, "")
		return m, m.Duplicate, err
	})
	if len(all.fresh) != 1 || len(all.repeated) != 19 {
		t.Errorf("%d joined, %d repeated: %v", len(all.fresh), len(all.repeated), all.errs)
	}
	if list := w.members(w.a, guest, room); len(list) != 3 {
		t.Errorf("in it are %+v", list)
	}
}

// rightsOfConversations are those of package chat, asked for here where they are kept.
func rightsOfConversations(t *testing.T, open Open) {
	w := newWorld(t, open)
	stranger := w.people("stranger")[0]
	room := w.room("rights")
	var n int
	ops := map[chat.Op]func(c chat.Caller, id chat.ConversationID) error{
		chat.OpAddMembers: func(c chat.Caller, id chat.ConversationID) error {
			_, err := w.a.AddMembers(t.Context(), c, id, []chat.UserID{c.User}, chat.RequestID(fmt.Sprint("add-", n)))
			return err
		},
		chat.OpLeave: func(c chat.Caller, id chat.ConversationID) error {
			_, err := w.b.LeaveConversation(t.Context(), c, id, chat.RequestID(fmt.Sprint("leave-", n)))
			return err
		},
		chat.OpJoin: func(c chat.Caller, id chat.ConversationID) error {
			_, err := w.a.JoinRoom(t.Context(), c, id, "")
			return err
		},
		chat.OpRead: func(c chat.Caller, id chat.ConversationID) error {
			_, err := w.a.View(t.Context(), c, id)
			return err
		},
	}
	for op, do := range ops {
		for id, kind := range map[chat.ConversationID]chat.Type{w.group: chat.Group, w.direct: chat.Direct, room: chat.Room} {
			for _, c := range []chat.Caller{w.users[0], w.users[1], stranger} {
				n++
				is := chat.Stranger
				for _, a := range w.members(w.a, w.users[0], id) {
					if a.User == c.User {
						is = a.Role
					}
				}
				err, want := do(c, id), chat.Allow(op, is, kind)
				switch {
				case want == nil && err != nil:
					t.Errorf("%v of a %v in a %v: %v", op, is, kind, err)
				case want != nil:
					w.fails(fmt.Sprintf("%v of a %v in a %v", op, is, kind), err, fault.CodeOf(want))
				}
				if op == chat.OpLeave && err == nil { // as it was, but the owner stays to look
					switch kind {
					case chat.Room:
						_, err = w.a.JoinRoom(t.Context(), c, id, "")
					case chat.Group:
						by := w.users[0]
						if c == by {
							by = w.users[1]
						}
						_, err = w.a.AddMembers(t.Context(), by, id, []chat.UserID{c.User}, chat.RequestID(fmt.Sprint("back-", n)))
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				if op == chat.OpJoin && err == nil && is == chat.Stranger {
					w.leave(w.a, c, id)
				}
			}
		}
	}
}

func realmsDoNotMeet(t *testing.T, open Open) {
	w := newWorld(t, open)
	here, there := w.inRealm("here", "liubei", "guanyu"), w.inRealm("there", "liubei", "guanyu")
	g := w.add(w.a, here[0], chat.Group, "shu", "shu", here[1])
	room := w.add(w.a, here[0], chat.Room, "hall", "hall")
	direct, err := w.a.OpenDirect(t.Context(), here[0], here[1].User)
	if err != nil {
		t.Fatal(err)
	}
	// The very member, with a token of another realm, is a stranger too.
	disguised := chat.Caller{Realm: there[0].Realm, User: here[0].User}
	for _, c := range []chat.Caller{there[0], disguised} {
		for _, id := range []chat.ConversationID{g.ID, room.ID, direct.ID, nobody, "' OR 1=1 --"} {
			_, err := w.a.View(t.Context(), c, id)
			w.fails("view", err, fault.NotFound)
			_, err = w.b.JoinRoom(t.Context(), c, id, "")
			w.fails("join", err, fault.NotFound)
			_, err = w.a.AddMembers(t.Context(), c, id, ids(there[1:]), "add")
			w.fails("add", err, fault.NotFound)
			_, err = w.b.LeaveConversation(t.Context(), c, id, "leave")
			w.fails("leave", err, fault.NotFound)
			_, _, err = w.a.Attendances(t.Context(), c, id, "", 10)
			w.fails("members", err, fault.NotFound)
		}
		_, err = w.a.JoinRoom(t.Context(), c, "", "hall")
		w.fails("join by name", err, fault.NotFound)
		_, err = w.a.OpenDirect(t.Context(), c, here[1].User)
		w.fails("direct", err, fault.NotFound)
		_, err = w.a.AddConversation(t.Context(), c, chat.NewConversation{Type: chat.Group, Name: "mixed", Users: ids(here[1:]), Request: "mixed"})
		w.fails("a group chat with somebody from elsewhere", err, fault.NotFound)
		shared, err := w.a.Shared(t.Context(), c, ids(here))
		if err != nil || len(shared) != 0 {
			t.Errorf("shared: %v, %v", shared, err)
		}
		views, _, err := w.a.Views(t.Context(), c, "", 100)
		heads, errHeads := w.a.Heads(t.Context(), c, chat.Cursor{}, 100)
		if err != nil || errHeads != nil {
			t.Error(err, errHeads)
		}
		for _, v := range append(views, heads.Views...) {
			if v.Realm != there[0].Realm {
				t.Errorf("%s of %s is seen", v.Name, v.Realm)
			}
		}
	}
	_, err = w.a.AddMembers(t.Context(), here[0], g.ID, ids(there[:1]), "foreigner")
	w.fails("adding somebody from elsewhere", err, fault.NotFound)
	if m := w.add(w.b, there[0], chat.Room, "hall", "hall"); m.Duplicate || m.ID == room.ID {
		t.Errorf("a room of that name elsewhere: %+v", m)
	}
	if m, err := w.b.JoinRoom(t.Context(), here[1], "", "hall"); err != nil || m.ID != room.ID {
		t.Errorf("joined %+v, %v", m, err)
	}
}

func pagesOfConversations(t *testing.T, open Open) {
	w := newWorld(t, open)
	p := w.people("reader", "a", "b", "c", "d")
	var want []chat.ConversationID
	for i := range 7 {
		want = append(want, w.add(w.a, p[0], chat.Group, fmt.Sprint("g-", i), fmt.Sprint("g-", i), p[1:]...).ID)
	}
	w.leave(w.b, p[0], want[3])
	want = slices.Delete(want, 3, 4)
	for _, c := range p[1:] {
		m, err := w.b.OpenDirect(t.Context(), c, p[0].User)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, m.ID)
	}
	slices.Sort(want)
	for _, limit := range []int{1, 3, 11, 100} {
		var got []chat.ConversationID
		after, pages := chat.ConversationID(""), 0
		for more := true; more && pages < 20; pages++ {
			views, m, err := w.either(pages).Views(t.Context(), p[0], after, limit)
			if err != nil || len(views) > limit || m && len(views) < limit {
				t.Fatalf("page of %d: %d, more %v, %v", limit, len(views), m, err)
			}
			for _, v := range views {
				if v.Name != chat.Lobby {
					got = append(got, v.ID)
				}
				after = v.ID
			}
			more = m
		}
		if !slices.Equal(got, want) {
			t.Errorf("by pages of %d: %v, want %v", limit, got, want)
		}
	}
	members := ids(p)
	slices.Sort(members)
	for _, limit := range []int{1, 2, 5, 6} {
		var got []chat.UserID
		after := chat.UserID("")
		for more, pages := true, 0; more && pages < 20; pages++ {
			list, m, err := w.b.Attendances(t.Context(), p[1], want[0], after, limit)
			if err != nil || len(list) > limit {
				t.Fatalf("page of %d members: %d, %v", limit, len(list), err)
			}
			for _, a := range list {
				got = append(got, a.User)
				after = a.User
				if a.Joined.IsZero() || (a.Role == chat.Owner) != (a.User == p[0].User) {
					t.Errorf("%+v", a)
				}
			}
			more = m
		}
		if w.look(w.a, p[1], want[0]).Type == chat.Group && !slices.Equal(got, members) {
			t.Errorf("by pages of %d members: %v, want %v", limit, got, members)
		}
	}
}
