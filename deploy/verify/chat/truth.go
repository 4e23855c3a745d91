package chat

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/parley-im/parley/deploy/verify/screens"
)

// truth reads what was stored by statements of its own: the store's code is what is to
// be proved.
func (d *database) truth(ctx context.Context) (map[string]*screens.Conversation, error) {
	all := map[string]*screens.Conversation{}
	for _, q := range []struct {
		text string
		take func(*sql.Rows) error
	}{
		{"SELECT id, type, seq, rev, counted FROM conversations", func(r *sql.Rows) error {
			c := &screens.Conversation{Members: map[string]screens.Member{}}
			var kind int
			if err := r.Scan(&c.ID, &kind, &c.Seq, &c.Rev, &c.Counted); err != nil {
				return err
			}
			c.Public = kind == room
			all[c.ID] = c
			return nil
		}},
		{"SELECT conversation_id, seq, sender_id, kind, body, request_id, rev, recalled FROM messages ORDER BY conversation_id, seq", func(r *sql.Rows) error {
			var id string
			var m screens.Message
			var kind, recalled int
			if err := r.Scan(&id, &m.Seq, &m.Sender, &kind, &m.Text, &m.Request, &m.Rev, &recalled); err != nil {
				return err
			}
			m.Counts = kind == text || kind == picture
			if recalled != 0 || kind != text {
				m.Text = ""
			}
			return add(all, id, func(c *screens.Conversation) { c.Messages = append(c.Messages, m) })
		}},
		{"SELECT conversation_id, rev, seq FROM changes ORDER BY conversation_id, rev", func(r *sql.Rows) error {
			var id string
			var c screens.Change
			if err := r.Scan(&id, &c.Rev, &c.Seq); err != nil {
				return err
			}
			return add(all, id, func(v *screens.Conversation) { v.Changes = append(v.Changes, c) })
		}},
		{"SELECT conversation_id, user_id, from_seq, from_count, read_seq, read_count FROM members WHERE role > 0", func(r *sql.Rows) error {
			var id, user string
			var m screens.Member
			if err := r.Scan(&id, &user, &m.FromSeq, &m.FromCount, &m.ReadSeq, &m.ReadCount); err != nil {
				return err
			}
			return add(all, id, func(v *screens.Conversation) { v.Members[user] = m })
		}},
	} {
		if err := d.each(ctx, q.text, q.take); err != nil {
			return nil, fmt.Errorf("read the store: %s: %w", q.text, err)
		}
	}
	return all, nil
}

// The numbers that the tables have for a room, and for what somebody sent.
const (
	room    = 3
	text    = 1
	picture = 5
)

func add(all map[string]*screens.Conversation, id string, do func(*screens.Conversation)) error {
	c := all[id]
	if c == nil {
		return fmt.Errorf("a row of conversation %s, which there is not", id)
	}
	do(c)
	return nil
}

func (d *database) each(ctx context.Context, text string, take func(*sql.Rows) error) error {
	rows, err := d.db.QueryContext(ctx, text)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := take(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// waiting counts what is still in the outbox.
func (d *database) waiting(ctx context.Context) (n int, err error) {
	err = d.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM outbox").Scan(&n)
	return n, err
}
