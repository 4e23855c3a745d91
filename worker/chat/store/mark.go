package store

import (
	"context"

	"gorm.io/gorm"

	"github.com/parley-im/parley/worker/chat"
)

// MarkRead implements chat.Messages: two reads and one conditional update, without
// the lock of the conversation. What the reads say stays true: a message's running
// count never changes, and the update itself asks whether the caller is still in the
// conversation and the mark still lower.
func (s *Store) MarkRead(ctx context.Context, c chat.Caller, id chat.ConversationID, seq chat.Seq) (chat.View, bool, error) {
	var view chat.View
	var moved bool
	err := s.view(ctx, "mark read", func(db *gorm.DB) error {
		conv, mark, err := look(db, c, id, chat.OpMarkRead)
		if err != nil {
			return err
		}
		at, err := reading(db, conv, mark, int64(seq))
		if err != nil {
			return err
		}
		if at.Seq > mark.ReadSeq {
			if moved, err = s.raise(ctx, mark, at); err != nil {
				return err
			}
			if !moved { // another device was ahead, or the caller has left since
				if conv, mark, err = look(db, c, id, chat.OpMarkRead); err != nil {
					return err
				}
			}
		}
		view = viewOf(conv, mark, c.User)
		return nil
	})
	return view, moved, err
}

// reading returns the message that a mark is to stand at: the last there is, if seq is
// above it.
func reading(db *gorm.DB, conv *conversation, mark *member, seq int64) (message, error) {
	if seq >= conv.Seq {
		return message{Seq: conv.Seq, Counted: conv.Counted}, nil
	}
	var rows []message
	err := db.Select("seq", "counted").Where("conversation_id = ? AND seq = ?", conv.ID, seq).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return message{Seq: mark.ReadSeq}, err // there is none: the mark stays
	}
	return rows[0], nil
}

// raise moves a mark up to a message, if it is lower by then, and mark with it.
func (s *Store) raise(ctx context.Context, mark *member, at message) (moved bool, err error) {
	var done *gorm.DB
	err = s.alone(ctx, "raise a read mark", func(w *gorm.DB) error {
		done = w.Model(&member{}).
			Where("conversation_id = ? AND user_id = ? AND role > 0 AND read_seq < ?", mark.ConversationID, mark.UserID, at.Seq).
			Updates(map[string]any{"read_seq": at.Seq, "read_count": at.Counted, "changed_at": gorm.Expr(s.dialect.now())})
		return done.Error
	})
	if err != nil || done.RowsAffected == 0 {
		return false, err
	}
	mark.ReadSeq, mark.ReadCount = at.Seq, at.Counted
	return true, nil
}

// Audience implements chat.Messages.
func (s *Store) Audience(ctx context.Context, c chat.Caller, id chat.ConversationID, op chat.Op) (chat.Outgoing, error) {
	var out chat.Outgoing
	err := s.view(ctx, "read an audience", func(db *gorm.DB) error {
		conv, _, err := look(db, c, id, op)
		if err != nil {
			return err
		}
		out = chat.Outgoing{Realm: c.Realm, Conversation: id, Type: chat.Type(conv.Type), Width: conv.width()}
		known, err := s.rosters.of(db, []*conversation{conv})
		if r := known[conv.ID]; r != nil {
			out.Recipients = r.users
		}
		return err
	})
	return out, err
}
