package store

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/parley-im/parley/worker/chat"
)

// maxPage bounds what one call returns, whatever limit it names.
const maxPage = 500

// moment is a time of the database.
func moment(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// message returns the row as the domain knows it.
func (m *message) message() chat.Message {
	out := chat.Message{
		Conversation: chat.ConversationID(m.ConversationID),
		Seq:          chat.Seq(m.Seq),
		Sender:       chat.UserID(m.SenderID),
		Kind:         chat.Kind(m.Kind),
		Sent:         moment(m.SentAt),
		Rev:          chat.Rev(m.Rev),
		Recalled:     m.Recalled != 0,
		Request:      chat.RequestID(m.RequestID),
	}
	// We wrote it ourselves; a line whose users cannot be read is still a line, and so is a
	// picture.
	switch {
	case out.Kind == chat.Text:
		out.Text = m.Body
	case out.Kind != chat.Picture:
		_ = json.Unmarshal([]byte(m.Body), &out.Users)
	case !out.Recalled:
		out.Image = new(chat.Image)
		_ = json.Unmarshal([]byte(m.Body), out.Image)
	}
	return out
}

// bodyOf is what the row of a message keeps of it.
func bodyOf(d *chat.Draft) string {
	if d.Image == nil {
		return d.Text
	}
	b, err := json.Marshal(d.Image)
	if err != nil {
		panic(err) // strings and numbers have JSON
	}
	return string(b)
}

// Messages implements chat.Messages. The head is read before the messages, so that
// what is stored or changed meanwhile is seen too early rather than missed.
func (s *Store) Messages(ctx context.Context, c chat.Caller, id chat.ConversationID, r chat.Range) (chat.Page, error) {
	var page chat.Page
	err := s.view(ctx, "read messages", func(db *gorm.DB) error {
		conv, mark, err := look(db, c, id, chat.OpRead)
		if err != nil {
			return err
		}
		first := visibleFrom(mark)
		page = chat.Page{FirstSeq: chat.Seq(first), Head: chat.Seq(conv.Seq), HeadRev: chat.Rev(conv.Rev)}
		limit := pageLimit(r.Limit)
		q := db.Where("conversation_id = ? AND seq > ?", conv.ID, max(int64(r.After), first-1))
		if r.Before > 0 {
			q = q.Where("seq < ?", int64(r.Before))
		}
		order := "seq DESC"
		if r.After > 0 {
			order = "seq"
		}
		var rows []message
		if err := q.Order(order).Limit(limit + 1).Find(&rows).Error; err != nil {
			return err
		}
		if page.More = len(rows) > limit; page.More {
			rows = rows[:limit]
		}
		if r.After <= 0 {
			slices.Reverse(rows)
		}
		page.Messages = make([]chat.Message, len(rows))
		for i := range rows {
			page.Messages[i] = rows[i].message()
		}
		return nil
	})
	return page, err
}

// pageLimit is how many rows a page has.
func pageLimit(asked int) int { return min(max(asked, 1), maxPage) }

// visibleFrom is the first message that somebody may see.
func visibleFrom(mark *member) int64 {
	if mark.Role == int8(chat.Stranger) {
		return 1 // who may look without being in it sees all
	}
	return max(mark.FromSeq, 1)
}
