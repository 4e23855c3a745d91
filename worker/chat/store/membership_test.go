package store_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/store/storetest"
)

// servers runs a test on those databases that let several transactions write at once.
func servers(t *testing.T, test func(t *testing.T, d storetest.Database)) {
	t.Run("postgres", func(t *testing.T) { test(t, storetest.Postgres(t)) })
	t.Run("mysql", func(t *testing.T) { test(t, storetest.MySQL(t)) })
}

func TestReadMarkOfTheHeirDoesNotMoveBack(t *testing.T) {
	servers(t, func(t *testing.T, d storetest.Database) {
		leaving, reading := d.Open(t), d.Open(t)
		p := people(t, leaving, "owner", "heir")
		g, err := leaving.AddConversation(t.Context(), p[0], chat.NewConversation{Type: chat.Group, Name: "g", Users: []chat.UserID{p[1].User}, Request: "g"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := leaving.Send(t.Context(), p[0], chat.Draft{Conversation: g.ID, Request: "1", Text: "hello"}); err != nil {
			t.Fatal(err)
		}
		// The heir reads while the owner's leaving has looked at the rows and not written.
		var once sync.Once
		leaving.BeforeWrite("members", func() {
			once.Do(func() {
				if v, moved, err := reading.MarkRead(t.Context(), p[1], g.ID, 2); err != nil || !moved || v.ReadSeq != 2 {
					t.Errorf("mark read: %+v, %v, %v", v, moved, err)
				}
			})
		})
		if _, err := leaving.LeaveConversation(t.Context(), p[0], g.ID, "leave"); err != nil {
			t.Fatal(err)
		}
		if v, err := reading.View(t.Context(), p[1], g.ID); err != nil || v.ReadSeq != 2 || v.ReadCount != 1 || v.Role != chat.Owner || v.Unread() != 0 {
			t.Errorf("the heir: %+v, %v", v, err)
		}
	})
}

func TestJoiningTwiceAtOnceKeepsTheReadMark(t *testing.T) {
	servers(t, func(t *testing.T, d storetest.Database) {
		slow, fast := d.Open(t), d.Open(t)
		p := people(t, slow, "owner", "guest")
		room, err := slow.AddConversation(t.Context(), p[0], chat.NewConversation{Type: chat.Room, Name: "room", Request: "r"})
		if err != nil {
			t.Fatal(err)
		}
		for _, again := range []bool{false, true} { // the first time, and after having left
			var once sync.Once
			slow.BeforeWrite("members", func() {
				once.Do(func() {
					if _, err := fast.JoinRoom(t.Context(), p[1], room.ID, ""); err != nil {
						t.Errorf("the fast one joins: %v", err)
					}
					text, err := fast.Send(t.Context(), p[0], chat.Draft{Conversation: room.ID, Request: chat.RequestID(fmt.Sprint("text-", again)), Text: "hello"})
					if err != nil {
						t.Errorf("send: %v", err)
					}
					if _, moved, err := fast.MarkRead(t.Context(), p[1], room.ID, text.Seq); err != nil || !moved {
						t.Errorf("mark read: %v, %v", moved, err)
					}
				})
			})
			made, err := slow.JoinRoom(t.Context(), p[1], room.ID, "")
			if err != nil {
				t.Fatal(err)
			}
			v, err := fast.View(t.Context(), p[1], room.ID)
			if err != nil || v.ReadSeq != v.Seq || v.Unread() != 0 || v.Seq == 0 {
				t.Errorf("again %v: after both have joined: %+v, %v", again, v, err)
			}
			if !made.Duplicate || made.ReadSeq != v.ReadSeq {
				t.Errorf("again %v: the slow one was told %+v", again, made)
			}
			if _, err := fast.LeaveConversation(t.Context(), p[1], room.ID, chat.RequestID(fmt.Sprint("leave-", again))); err != nil {
				t.Fatal(err)
			}
		}
	})
}
