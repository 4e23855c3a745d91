package chattest

import (
	"crypto/rand"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

func whoIsAddedSeesWhatComes(t *testing.T, open Open) {
	heard := newEar()
	w := newWorldThatHears(t, open, heard.hear)
	p := w.people("liubei", "guanyu", "zhangfei", "zhaoyun")
	g := w.add(w.a, p[0], chat.Group, "shu", "shu", p[1])
	w.send(w.a, p[0], g.ID, "before", "before") // 2
	add := func(s chat.Store, by chat.Caller, request string, users ...chat.Caller) chat.Made {
		t.Helper()
		m, err := s.AddMembers(t.Context(), by, g.ID, ids(users), chat.RequestID(request))
		if err != nil {
			t.Fatalf("%s: %v", request, err)
		}
		return m
	}
	// By a member, too. Who is in it already stays, and is not told of.
	made := add(w.b, p[1], "one", p[2], p[0], p[2])
	if made.Duplicate || made.ID != g.ID || made.Seq != 3 || made.Members != 3 || made.Role != chat.Member || made.Counted != 1 || !made.Changed {
		t.Errorf("added: %+v", made)
	}
	w.isIn(w.a, p[2], g.ID, p[:3]...)
	if v := w.look(w.a, p[2], g.ID); v.FromSeq != 3 || v.FromCount != 1 || v.Unread() != 0 || v.Role != chat.Member {
		t.Errorf("who was added sees %+v", v)
	}
	got := w.all(w.a, p[2], g.ID)
	if len(got) != 1 || got[0].Seq != 3 || got[0].Kind != chat.Added || got[0].Sender != p[1].User || !slices.Equal(got[0].Users, []chat.UserID{p[2].User}) {
		t.Errorf("who was added reads %+v", got)
	}
	everybody := ids(p[:3])
	slices.Sort(everybody)
	if o, ok := heard.message(g.ID, 3); !ok || !slices.Equal(o.Recipients, everybody) || !slices.Equal(o.Message.Users, []chat.UserID{p[2].User}) || o.Removed != nil {
		t.Errorf("told: %+v, %v", o, ok)
	}
	if again := add(w.a, p[1], "one", p[2], p[0]); !again.Duplicate || again.Changed || again.View != made.View {
		t.Errorf("again: %+v, the first was %+v", again, made)
	}
	_, err := w.a.AddMembers(t.Context(), p[1], g.ID, ids(p[3:]), "one")
	w.fails("the same request for another", err, fault.Conflict)
	// Where there is nobody to add, nothing happens.
	if none := add(w.a, p[0], "none", p[1], p[2]); none.Duplicate || none.Changed || none.Seq != 3 || none.Members != 3 {
		t.Errorf("nobody was added: %+v", none)
	}
	_, err = w.a.AddMembers(t.Context(), p[0], g.ID, []chat.UserID{p[3].User, nobody}, "nobody")
	w.fails("one who is not there", err, fault.NotFound)
	w.isIn(w.b, p[0], g.ID, p[:3]...)
	w.send(w.a, p[0], g.ID, "after", "after") // 4
	if v := w.look(w.b, p[2], g.ID); v.Unread() != 1 {
		t.Errorf("%d unread, want 1", v.Unread())
	}

	// Who comes back begins anew.
	w.leave(w.a, p[2], g.ID)                     // 5
	w.send(w.a, p[0], g.ID, "without", "unseen") // 6
	add(w.b, p[0], "back", p[2])                 // 7
	if v := w.look(w.a, p[2], g.ID); v.FromSeq != 7 || v.FromCount != 3 || v.Unread() != 0 || v.Left || v.ReadSeq < 6 {
		t.Errorf("who came back sees %+v", v)
	}
	if got := w.all(w.a, p[2], g.ID); len(got) != 1 || got[0].Seq != 7 {
		t.Errorf("who came back reads %+v", got)
	}
	w.send(w.b, p[2], g.ID, "again", "here again")
}

func whoLeavesIsGone(t *testing.T, open Open) {
	heard := newEar()
	w := newWorldThatHears(t, open, heard.hear)
	p := w.people("liubei", "guanyu", "zhangfei")
	g := w.add(w.a, p[0], chat.Group, "shu", "shu", p[1], p[2])
	left, err := w.b.LeaveConversation(t.Context(), p[2], g.ID, "leave")
	if err != nil || left.Duplicate || left.ID != g.ID || left.Seq != 2 || left.Members != 2 || !left.Left || left.Role != chat.Stranger || left.Unread() != 0 {
		t.Errorf("left: %+v, %v", left, err)
	}
	if again, err := w.a.LeaveConversation(t.Context(), p[2], g.ID, "leave"); err != nil || !again.Duplicate || again.View != left.View {
		t.Errorf("again: %+v, %v, the first was %+v", again, err, left)
	}
	w.isIn(w.a, p[0], g.ID, p[:2]...)
	got := w.all(w.a, p[0], g.ID)
	if len(got) != 2 || got[1].Kind != chat.Left || got[1].Sender != p[2].User || len(got[1].Users) != 0 {
		t.Errorf("who stays reads %+v", got)
	}
	stay := ids(p[:2])
	slices.Sort(stay)
	if o, ok := heard.message(g.ID, 2); !ok || !slices.Equal(o.Recipients, stay) || !slices.Equal(o.Removed, []chat.UserID{p[2].User}) {
		t.Errorf("told: %+v, %v", o, ok)
	}
	_, err = w.a.View(t.Context(), p[2], g.ID)
	w.fails("view", err, fault.NotFound)
	_, err = w.a.Messages(t.Context(), p[2], g.ID, chat.Range{Limit: 10})
	w.fails("messages", err, fault.NotFound)
	_, _, err = w.a.Attendances(t.Context(), p[2], g.ID, "", 10)
	w.fails("members", err, fault.NotFound)
	_, err = w.a.LeaveConversation(t.Context(), p[2], g.ID, "leave anew")
	w.fails("leaving anew", err, fault.NotFound)
	_, err = w.a.AddMembers(t.Context(), p[2], g.ID, ids(p[2:]), "back")
	w.fails("adding oneself", err, fault.NotFound)
	if views, _, err := w.b.Views(t.Context(), p[2], "", 10); err != nil || len(views) != 1 {
		t.Errorf("who left has %d conversations, %v, want the lobby", len(views), err)
	}
}

// aGroupChatHasOneOwner: the longest in it comes after who made it.
func aGroupChatHasOneOwner(t *testing.T, open Open) {
	w := newWorld(t, open)
	p := w.people("first", "fourth", "third", "second")
	g := w.add(w.a, p[0], chat.Group, "heirs", "heirs")
	for _, i := range []int{3, 2, 1} {
		w.aMomentLater(p[0])
		if _, err := w.a.AddMembers(t.Context(), p[0], g.ID, ids(p[i:i+1]), chat.RequestID(fmt.Sprint("add-", i))); err != nil {
			t.Fatal(err)
		}
	}
	owners := func(by chat.Caller) (list []chat.UserID) {
		for _, a := range w.members(w.b, by, g.ID) {
			if a.Role == chat.Owner {
				list = append(list, a.User)
			}
		}
		return list
	}
	w.leave(w.b, p[2], g.ID) // a member's leaving changes nothing of it
	if got := owners(p[0]); !slices.Equal(got, ids(p[:1])) {
		t.Errorf("owners: %v, want %s", got, p[0].User)
	}
	// Who comes back is the last in the line.
	w.aMomentLater(p[0])
	if _, err := w.a.AddMembers(t.Context(), p[0], g.ID, ids(p[2:3]), "back"); err != nil {
		t.Fatal(err)
	}
	for i, heirs := range [][]chat.Caller{{p[0], p[3]}, {p[3], p[1]}, {p[1], p[2]}} {
		w.leave(w.either(i), heirs[0], g.ID)
		if got := owners(heirs[1]); !slices.Equal(got, ids(heirs[1:])) {
			t.Errorf("after %d: owners %v, want %s", i, got, heirs[1].User)
		}
	}
	w.leave(w.a, p[2], g.ID)
	if all, err := w.a.MemberIDs(t.Context(), g.ID); err != nil || len(all) != 0 {
		t.Errorf("after all have left there are %v, %v", all, err)
	}
}

// aMomentLater returns when the database's clock has moved on.
func (w *world) aMomentLater(c chat.Caller) {
	w.t.Helper()
	first := w.send(w.a, c, w.alone(c), rand.Text(), "tick")
	for !w.t.Failed() && !w.send(w.a, c, w.alone(c), rand.Text(), "tock").Sent.After(first.Sent) {
		runtime.Gosched()
	}
}

// alone is the conversation of somebody with nobody else.
func (w *world) alone(c chat.Caller) chat.ConversationID {
	w.t.Helper()
	m, err := w.a.OpenDirect(w.t.Context(), c, c.User)
	if err != nil {
		w.t.Fatal(err)
	}
	return m.ID
}

// comingAndGoingIsExact lets guests come and go at both stores at once, and everybody
// leave at the end.
func comingAndGoingIsExact(t *testing.T, open Open) {
	w := newWorld(t, open)
	p := w.people("host-1", "host-2", "guest-1", "guest-2", "guest-3", "guest-4")
	hosts, guests := p[:2], p[2:]
	g := w.add(w.a, hosts[0], chat.Group, "hall", "hall", hosts[1])
	var all sync.WaitGroup
	for k, guest := range guests {
		all.Go(func() {
			for i := range 6 {
				// Others are named as well: who is in it stays, and who is not comes.
				users := ids([]chat.Caller{guest, guests[(k+1)%len(guests)]})
				if _, err := w.either(k).AddMembers(t.Context(), hosts[k%2], g.ID, users, chat.RequestID(fmt.Sprint("in-", k, "-", i))); err != nil {
					t.Errorf("add: %v", err)
				}
				if _, err := w.either(k+1).LeaveConversation(t.Context(), guest, g.ID, chat.RequestID(fmt.Sprint("out-", k, "-", i))); err != nil && fault.CodeOf(err) != fault.NotFound {
					t.Errorf("leave: %v", err)
				}
			}
		})
	}
	all.Wait()
	// What the lines say is what there is.
	in := make(map[chat.UserID]bool)
	for i, m := range w.all(w.b, hosts[1], g.ID) {
		if m.Seq != chat.Seq(i+1) {
			t.Fatalf("line %d has the number %d", i+1, m.Seq)
		}
		if m.Kind == chat.Left {
			if !in[m.Sender] {
				t.Errorf("line %d: %s left and was not in it", m.Seq, m.Sender)
			}
			delete(in, m.Sender)
		}
		for _, u := range m.Users {
			if in[u] {
				t.Errorf("line %d: %s came and was in it", m.Seq, u)
			}
			in[u] = true
		}
	}
	var have []chat.UserID
	owners := 0
	for _, a := range w.members(w.a, hosts[0], g.ID) {
		have = append(have, a.User)
		if a.Role == chat.Owner {
			owners++
		}
	}
	if v := w.look(w.b, hosts[0], g.ID); !slices.Equal(have, sorted(in)) || v.Members != len(have) || owners != 1 || v.Counted != 0 {
		t.Errorf("in it are %v, the lines say %v, %d are counted, %d own it", have, sorted(in), v.Members, owners)
	}
	for i, u := range have {
		all.Go(func() { w.leave(w.either(i), chat.Caller{User: u}, g.ID) })
	}
	all.Wait()
	if left, err := w.a.MemberIDs(t.Context(), g.ID); err != nil || len(left) != 0 {
		t.Errorf("after all have left there are %v, %v", left, err)
	}
}
