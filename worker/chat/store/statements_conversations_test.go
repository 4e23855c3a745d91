package store_test

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/store/storetest"
)

// TestStatementsOfConversationsDoNotGrow is TestStatementsDoNotGrowWithRows for accounts
// and conversations: each op for one who has little, and for one who has much.
func TestStatementsOfConversationsDoNotGrow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		s := d.Open(t)
		const many = 120
		all := names("person", many)
		crowd := people(t, s, all...)
		users := make([]chat.UserID, many)
		for i, c := range crowd {
			users[i] = c.User
		}
		small, err := addGroup(t, s, crowd[0], "small", users[1])
		if err != nil {
			t.Fatal(err)
		}
		// The last one is in many group chats, one of which has many members.
		busy := crowd[many-1]
		big, err := addGroup(t, s, busy, "big", users[:many-2]...)
		if err != nil {
			t.Fatal(err)
		}
		for i := range many {
			if err := s.Put(chat.Conversation{ID: conversationID(i), Type: chat.Group}, busy.User, users[i%2]); err != nil {
				t.Fatal(err)
			}
		}
		// A wide one, for those who are in no other and for some who are in nearly as many as
		// one may be.
		fans := people(t, s, names("fan", chat.WideAbove+2)...)
		fanIDs := make([]chat.UserID, len(fans))
		for i, c := range fans {
			fanIDs[i] = c.User
		}
		wide, err := addGroup(t, s, fans[0], "wide", fanIDs[2:]...)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.PutWide(chat.MaxWide-3, users[:8]...); err != nil {
			t.Fatal(err)
		}
		list, _, err := s.Views(t.Context(), crowd[0], "", 500)
		if err != nil || len(list) < many/2 {
			t.Fatalf("%d conversations, %v", len(list), err)
		}
		for i := range list {
			list[i].Seq, list[i].FromSeq = 1, 1 // as if somebody had written
		}
		request := func() chat.RequestID { return chat.RequestID(rand.Text()) }
		made := func(_ chat.Made, err error) error { return err }
		family := chat.Family{ID: "family", User: users[0], Token: "first", Expires: time.Now().Add(time.Hour)}
		count := s.CountStatements()
		for _, op := range []struct {
			name string
			want int
			runs []func() error // with little, and with much
		}{
			// The clock, the user, the lobby and the seat in it.
			{"sign up", 4, []func() error{func() error {
				_, _, err := s.AddUser(t.Context(), chat.NewUser{User: chat.User{Name: rand.Text()}, Request: "1"})
				return err
			}}},
			{"account", 1, []func() error{func() error {
				_, err := s.AccountByName(t.Context(), "", "person-7")
				return err
			}}},
			{"users", 1, []func() error{
				func() error { _, err := s.Users(t.Context(), "", users[:1], nil); return err },
				func() error { _, err := s.Users(t.Context(), "", users, all); return err },
			}},
			{"sign in", 2, []func() error{func() error { return s.AddFamily(t.Context(), family) }}},
			{"trade a token", 3, []func() error{func() error {
				_, _, err := s.Rotate(t.Context(), chat.Rotation{Family: "family", Old: "first", New: "second", Expires: family.Expires})
				return err
			}}},
			{"revoked", 1, []func() error{func() error { _, err := s.Revoked(t.Context(), "family"); return err }}},
			// By its key, then as the caller sees it.
			{"open direct, there is one", 2, []func() error{func() error { return made(s.OpenDirect(t.Context(), crowd[2], users[3])) }}},
			// The clock, the request, the lock, who is in it, whether the new ones are there, their
			// rows; message, counters, outbox; the answer.
			{"add members", 10, []func() error{
				func() error { return made(s.AddMembers(t.Context(), crowd[0], small.ID, users[2:3], request())) },
				func() error { return made(s.AddMembers(t.Context(), busy, big.ID, users[many-2:many-1], request())) },
			}},
			// With a lock of their rows, and the count of what they are in.
			{"add members to a wide group chat", 12, []func() error{
				func() error { return made(s.AddMembers(t.Context(), fans[0], wide.ID, fanIDs[1:2], request())) },
				func() error { return made(s.AddMembers(t.Context(), fans[0], wide.ID, users, request())) },
			}},
			// The same without a look at users. The heir is looked for and raised.
			{"leave", 9, []func() error{
				func() error { return made(s.LeaveConversation(t.Context(), crowd[1], small.ID, request())) },
				func() error { return made(s.LeaveConversation(t.Context(), crowd[1], big.ID, request())) },
			}},
			{"owner leaves", 11, []func() error{
				func() error { return made(s.LeaveConversation(t.Context(), crowd[0], small.ID, request())) },
				func() error { return made(s.LeaveConversation(t.Context(), busy, big.ID, request())) },
			}},
			{"add a group chat", 9, []func() error{
				func() error { return made(addGroup(t, s, crowd[0], "one", users[1])) },
				func() error { return made(addGroup(t, s, crowd[0], "many", users[1:]...)) },
			}},
			{"add a wide group chat", 11, []func() error{
				func() error { return made(addGroup(t, s, fans[0], "wide from the start", fanIDs[1:]...)) },
				func() error {
					return made(addGroup(t, s, crowd[0], "wide for the busy", append(users[1:many:many], fanIDs...)...))
				},
			}},
			{"view", 1, []func() error{func() error { _, err := s.View(t.Context(), crowd[3], big.ID); return err }}},
			{"list conversations", 1, []func() error{
				func() error { _, _, err := s.Views(t.Context(), crowd[4], "", 500); return err },
				func() error { _, _, err := s.Views(t.Context(), busy, "", 500); return err },
			}},
			{"previews", 1, []func() error{
				func() error { _, err := s.Previews(t.Context(), list[:1]); return err },
				func() error { _, err := s.Previews(t.Context(), list); return err },
			}},
			{"list members", 2, []func() error{
				func() error { _, _, err := s.Attendances(t.Context(), crowd[3], big.ID, "", 1); return err },
				func() error { _, _, err := s.Attendances(t.Context(), crowd[3], big.ID, "", 500); return err },
			}},
			{"shared", 1, []func() error{
				func() error { _, err := s.Shared(t.Context(), crowd[4], users[:1]); return err },
				func() error { _, err := s.Shared(t.Context(), busy, users); return err },
			}},
			{"groups", 1, []func() error{func() error { _, err := s.Groups(t.Context(), busy); return err }}},
			{"heads", 2, []func() error{
				func() error { _, err := s.Heads(t.Context(), crowd[4], chat.Cursor{}, 500); return err },
				func() error { _, err := s.Heads(t.Context(), busy, chat.Cursor{}, 500); return err },
				func() error { _, err := s.Heads(t.Context(), busy, chat.Cursor{Since: 1}, 500); return err },
			}},
			{"join a room again", 2, []func() error{func() error { return made(s.JoinRoom(t.Context(), busy, "", chat.Lobby)) }}},
		} {
			if op.name == "open direct, there is one" {
				if _, err := s.OpenDirect(t.Context(), crowd[2], users[3]); err != nil {
					t.Fatal(err)
				}
			}
			for i, run := range op.runs {
				before := count()
				if err := run(); err != nil {
					t.Errorf("%s: %v", op.name, err)
				}
				if got := int(count() - before); got != op.want {
					t.Errorf("%s, run %d: %d statements, want %d", op.name, i, got, op.want)
				}
			}
		}
	})
}

// names are n of them.
func names(what string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint(what, "-", i)
	}
	return list
}
