package store_test

import (
	"crypto/rand"
	"fmt"
	"testing"

	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/store"
	"github.com/parley-im/parley/worker/chat/store/storetest"
)

// TestStatementsDoNotGrowWithRows counts the statements of each op, without BEGIN and
// COMMIT, on one row and on many. PostgreSQL writes what the others write with four
// statements by one.
func TestStatementsDoNotGrowWithRows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, d storetest.Database) {
		var left []chat.Outgoing
		s := d.Open(t, func(c *store.Config) {
			c.Bus, c.OnCommit = true, func(o []chat.Outgoing) { left = append(left, o...) }
		})
		const many = 64
		callers := make([]chat.Caller, many)
		users := make([]chat.UserID, many)
		for i := range many {
			users[i] = userID(i)
			callers[i] = chat.Caller{User: users[i]}
		}
		for i := range many {
			for kind, c := range map[int]chat.Conversation{1: {Type: chat.Group}, 3: {Type: chat.Group, Width: chat.Wide}, 4: {Type: chat.Room, Width: chat.Wide}} {
				c.ID = chat.ConversationID(uuid(kind, i))
				if err := s.Put(c, users...); err != nil {
					t.Fatal(err)
				}
			}
		}
		drafts := func(n int, kinds ...int) []chat.Draft {
			list := make([]chat.Draft, n)
			for i := range list {
				list[i] = chat.Draft{Conversation: chat.ConversationID(uuid(kinds[i%len(kinds)], i)), Request: chat.RequestID(rand.Text()), Text: fmt.Sprint(i)}
			}
			return list
		}
		send := func(list []chat.Draft) func(int) error {
			return func(int) error {
				_, errs := s.SendTogether(callers[:len(list)], list)
				for _, err := range errs {
					if err != nil {
						return err
					}
				}
				return nil
			}
		}
		page := func(n int) error {
			_, err := s.Messages(t.Context(), callers[0], conversationID(0), chat.Range{Limit: n})
			return err
		}
		changes := func(n int) error {
			_, err := s.Changes(t.Context(), callers[0], conversationID(0), 0, n)
			return err
		}
		amend := func(n int) error {
			_, err := s.Amend(t.Context(), callers[0], chat.Amendment{Conversation: conversationID(0), Seq: chat.Seq(n), Kind: chat.Recalled, Request: chat.RequestID(rand.Text())})
			return err
		}
		finish := func(n int) error {
			var p []chat.Progress
			for _, o := range left[:n] {
				p = append(p, chat.Progress{ID: o.ID, Fanned: true, Published: true})
			}
			left = left[n:]
			return s.Finish(t.Context(), p)
		}
		claim := func(n int) error {
			if err := s.EndLeases(n); err != nil {
				return err
			}
			got, err := s.Claim(t.Context(), many, nil)
			if err == nil && len(got) != n {
				err = fmt.Errorf("claimed %d of %d", len(got), n)
			}
			return err
		}
		write := 4
		if d.Name == "postgres" {
			write = 1
		}
		repeat := drafts(many, 1)
		count := s.CountStatements()
		for _, op := range []struct {
			name string
			run  func(n int) error
			n    int
			want int
		}{
			// Locks, repeats, rosters that are new to this process, writing.
			{"send one", send(drafts(1, 1)), 1, 3 + write},
			{"send one, roster known", send(drafts(1, 1)), 1, 2 + write},
			{"send many", send(drafts(many, 1)), many, 3 + write},
			{"send many, rosters known", send(repeat), many, 2 + write},
			{"repeat many", send(repeat), many, 2},
			// Instead of rosters the rows of the senders.
			{"send one to a wide group chat", send(drafts(1, 3)), 1, 3 + write},
			{"send many to wide group chats", send(drafts(many, 3)), many, 3 + write},
			{"send many to all kinds", send(drafts(many, 1, 3, 4)), many, 3 + write},
			{"read one", page, 1, 2},
			{"read many", page, many, 2},
			{"recall", amend, 1, 8},
			{"another", amend, 2, 8},
			{"read one change", changes, 1, 2},
			{"read changes", changes, many, 2},
			{"mark read", func(int) error { _, _, err := s.MarkRead(t.Context(), callers[1], conversationID(0), 1); return err }, 1, 3},
			{"audience", func(int) error {
				_, err := s.Audience(t.Context(), callers[1], conversationID(0), chat.OpType)
				return err
			}, 1, 1},
			{"finish one", finish, 1, 1},
			{"finish many", finish, many, 1},
			// Two of EndLeases; the clock, the rows and their lease; conversations and messages.
			{"claim one", claim, 1, 2 + 5},
			{"claim many", claim, many, 2 + 5},
			{"lag", func(int) error { _, err := s.Lag(t.Context()); return err }, 1, 1},
		} {
			before := count()
			if err := op.run(op.n); err != nil {
				t.Errorf("%s: %v", op.name, err)
			}
			if got := int(count() - before); got != op.want {
				t.Errorf("%s: %d statements, want %d", op.name, got, op.want)
			}
		}
	})
}
