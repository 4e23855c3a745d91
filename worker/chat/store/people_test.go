package store_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/store"
	"github.com/parley-im/parley/worker/chat/store/storetest"
)

// people makes users and returns them as callers.
func people(t *testing.T, s *store.Store, names ...string) []chat.Caller {
	t.Helper()
	var list []chat.Caller
	for _, name := range names {
		a, _, err := s.AddUser(t.Context(), chat.NewUser{User: chat.User{Name: name}, PasswordHash: "hash", Request: chat.RequestID("signup-" + name)})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, chat.Caller{User: a.ID})
	}
	return list
}

func TestSanity(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		a, b := d.Open(t), d.Open(t)
		p := people(t, a, "liubei", "guanyu", "zhangfei")
		heads, err := a.Heads(t.Context(), p[0], chat.Cursor{}, 10)
		if err != nil || len(heads.Views) != 1 || heads.Views[0].Name != "lobby" || !heads.Complete {
			t.Fatalf("%+v %v", heads, err)
		}
		if _, _, err := b.AddUser(t.Context(), chat.NewUser{User: chat.User{Name: "LiuBei"}, Request: "x"}); fault.CodeOf(err) != fault.Conflict {
			t.Errorf("name taken: %v", err)
		}
		var all sync.WaitGroup
		ids := make([]string, 50)
		for i := range 50 {
			all.Go(func() {
				s, c, peer := a, p[0], p[1].User
				if i%2 == 1 {
					s, c, peer = b, p[1], p[0].User
				}
				m, err := s.OpenDirect(t.Context(), c, peer)
				if err != nil {
					t.Error(err)
				}
				ids[i] = fmt.Sprint(m.ID, m.Peer == peer)
			})
		}
		all.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Errorf("%v", ids)
				break
			}
		}
		g := make([]chat.Made, 50)
		for i := range 50 {
			all.Go(func() {
				s := []*store.Store{a, b}[i%2]
				var err error
				g[i], err = s.AddConversation(t.Context(), p[0], chat.NewConversation{Type: chat.Group, Name: "shu", Users: []chat.UserID{p[1].User}, Request: "g1"})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		fresh := 0
		for _, m := range g {
			if !m.Duplicate {
				fresh++
			}
			if m.View != g[0].View {
				t.Errorf("%+v %+v", m, g[0])
			}
		}
		if fresh != 1 {
			t.Errorf("%d made", fresh)
		}
		m, err := a.AddMembers(t.Context(), p[1], g[0].ID, []chat.UserID{p[2].User, p[0].User}, "add1")
		if err != nil || m.Members != 3 || m.Seq != 2 {
			t.Fatalf("%+v %v", m, err)
		}
		if m, err = b.LeaveConversation(t.Context(), p[0], g[0].ID, "leave"); err != nil || m.Members != 2 || m.Seq != 3 || !m.Left {
			t.Fatalf("%+v %v", m, err)
		}
		if _, err := b.View(t.Context(), p[0], g[0].ID); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("%v", err)
		}
		v, err := b.View(t.Context(), p[1], g[0].ID)
		if err != nil || v.Role != chat.Owner {
			t.Errorf("%+v %v", v, err)
		}
		heads, err = a.Heads(t.Context(), p[0], chat.Cursor{Since: 1}, 10)
		if err != nil || len(heads.Views) != 3 {
			t.Errorf("%+v %v", heads, err)
		}
		shared, err := a.Shared(t.Context(), p[0], []chat.UserID{p[1].User, p[2].User})
		if err != nil || len(shared) != 1 {
			t.Errorf("%v %v", shared, err)
		}
		list, _, err := a.Attendances(t.Context(), p[1], g[0].ID, "", 10)
		if err != nil || len(list) != 2 {
			t.Errorf("%v %v", list, err)
		}
		if m, err = a.JoinRoom(t.Context(), p[0], "", "Lobby"); err != nil || !m.Duplicate {
			t.Errorf("%+v %v", m, err)
		}
		if err := a.Purge(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
