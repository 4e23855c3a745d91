package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/parley-im/parley/worker/chat"
)

// previewColumns are those of a message of which only the beginning is asked for. Of a
// picture it is a piece of JSON, which nobody reads.
var previewColumns = fmt.Sprintf("conversation_id, seq, sender_id, kind, SUBSTR(body, 1, %d) AS body, sent_at, rev, recalled", chat.PreviewRunes)

// Previews implements chat.Conversations.
func (s *Store) Previews(ctx context.Context, views []chat.View) (map[chat.ConversationID]chat.Message, error) {
	last := make(map[string][]int64, len(views))
	for _, v := range views {
		if v.Shows(v.Seq) {
			last[string(v.ID)] = []int64{int64(v.Seq)}
		}
	}
	found := make(map[chat.ConversationID]chat.Message, len(last))
	if len(last) == 0 {
		return found, nil
	}
	err := s.view(ctx, "read previews", func(db *gorm.DB) error {
		var rows []message
		if err := db.Select(previewColumns).Clauses(pairs("conversation_id", "seq", last)).Find(&rows).Error; err != nil {
			return err
		}
		for i := range rows {
			m := rows[i].message()
			m.Users, m.Image = nil, nil
			found[m.Conversation] = m
		}
		return nil
	})
	return found, err
}
