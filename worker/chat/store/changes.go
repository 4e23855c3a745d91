package store

import (
	"context"

	"gorm.io/gorm"

	"github.com/parley-im/parley/worker/chat"
)

// maxChangesBehind is how far behind somebody may be to be told changes one by one.
// Further behind, fetching the messages anew is less to read, for us and for them.
const maxChangesBehind = 1000

// changed is a change beside the message as it is now.
type changed struct {
	Change change `gorm:"embedded"`
	Body   string
	Latest int64 // rev of the message
}

// change returns it as the domain knows it, with the message's text if it made it.
func (c *changed) change() chat.Change {
	out := chat.Change{
		Conversation: chat.ConversationID(c.Change.ConversationID),
		Rev:          chat.Rev(c.Change.Rev),
		Seq:          chat.Seq(c.Change.Seq),
		Kind:         chat.ChangeKind(c.Change.Kind),
		Actor:        chat.UserID(c.Change.ActorID),
		Changed:      moment(c.Change.ChangedAt),
	}
	if c.Latest == c.Change.Rev && out.Kind == chat.Edited {
		out.Text = c.Body
	}
	return out
}

// changesWith starts a statement that reads changes beside their messages.
func changesWith(db *gorm.DB) *gorm.DB {
	return db.Model(&change{}).
		Select("changes.*, messages.body AS body, messages.rev AS latest").
		Joins("JOIN messages ON messages.conversation_id = changes.conversation_id AND messages.seq = changes.seq")
}

// Changes implements chat.Messages. A change of a message from before the caller's
// time is told without its text: revs count on without a gap for everybody.
func (s *Store) Changes(ctx context.Context, c chat.Caller, id chat.ConversationID, after chat.Rev, limit int) (chat.Changes, error) {
	var out chat.Changes
	err := s.view(ctx, "read changes", func(db *gorm.DB) error {
		conv, mark, err := look(db, c, id, chat.OpRead)
		if err != nil {
			return err
		}
		out = chat.Changes{HeadRev: chat.Rev(conv.Rev)}
		first := visibleFrom(mark)
		if conv.Rev-int64(after) > maxChangesBehind {
			var lowest int64
			err := db.Model(&change{}).Select("MIN(seq)").
				Where("conversation_id = ? AND rev > ?", conv.ID, int64(after)).Scan(&lowest).Error
			out.RefetchFrom = chat.Seq(max(lowest, first))
			return err
		}
		limit := pageLimit(limit)
		var rows []changed
		err = changesWith(db).Where("changes.conversation_id = ? AND changes.rev > ?", conv.ID, int64(after)).
			Order("changes.rev").Limit(limit + 1).Find(&rows).Error
		if err != nil {
			return err
		}
		if out.More = len(rows) > limit; out.More {
			rows = rows[:limit]
		}
		out.Changes = make([]chat.Change, len(rows))
		for i := range rows {
			out.Changes[i] = rows[i].change()
			if rows[i].Change.Seq < first {
				out.Changes[i].Text = ""
			}
		}
		return nil
	})
	return out, err
}
