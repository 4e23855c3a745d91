package store

import (
	"context"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/parley-im/parley/worker/chat"
)

// JoinRoom implements chat.Conversations. The room's row is not locked: nothing is
// counted, and a hundred thousand may come at once.
func (s *Store) JoinRoom(ctx context.Context, c chat.Caller, id chat.ConversationID, name string) (chat.Made, error) {
	var made chat.Made
	err := s.tx(ctx, "join a room", func(tx *gorm.DB) error {
		made = chat.Made{}
		if id == "" {
			there, err := conversationByKey(tx, c.Realm, roomKey(name))
			if err != nil {
				return err
			}
			if there == nil {
				return chat.ErrNoConversation
			}
			id = chat.ConversationID(there.ID)
		}
		conv, mark, err := look(tx, c, id, chat.OpJoin)
		if err != nil {
			return err
		}
		if made.Duplicate = mark.Role > 0; !made.Duplicate {
			now, err := s.clock(tx)
			if err != nil {
				return err
			}
			fresh := conv.admit(c.User, chat.Member, now)
			switch entered, err := enter(tx, fresh); {
			case err != nil:
				return err
			case entered:
				mark = &fresh
			default: // another conn of the user was faster
				return errAgain
			}
		}
		made.View = viewOf(conv, mark, c.User)
		return nil
	})
	return made, err
}

// enter makes somebody a member who is not one, and changes nothing of who is: a mark
// may have moved by then that stays.
func enter(tx *gorm.DB, m member) (bool, error) {
	done := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&m)
	if done.Error != nil || done.RowsAffected > 0 {
		return true, done.Error
	}
	done = tx.Model(&m).Where("role = 0").
		Select("role", "from_seq", "from_count", "read_seq", "read_count", "joined_at", "left_at", "changed_at").Updates(&m)
	return done.RowsAffected > 0, done.Error
}

// Attendances implements chat.Conversations.
func (s *Store) Attendances(ctx context.Context, c chat.Caller, id chat.ConversationID, after chat.UserID, limit int) (list []chat.Attendance, more bool, err error) {
	err = s.view(ctx, "list members", func(db *gorm.DB) error {
		if _, _, err := look(db, c, id, chat.OpRead); err != nil {
			return err
		}
		var rows []member
		err := db.Where("conversation_id = ? AND role > 0 AND user_id > ?", id, after).Order("user_id").Limit(limit + 1).Find(&rows).Error
		if err != nil {
			return err
		}
		if more = len(rows) > limit; more {
			rows = rows[:limit]
		}
		for i := range rows {
			list = append(list, chat.Attendance{User: chat.UserID(rows[i].UserID), Mark: rows[i].mark()})
		}
		return nil
	})
	return list, more, err
}

// MemberIDs implements chat.Conversations.
func (s *Store) MemberIDs(ctx context.Context, id chat.ConversationID) (ids []chat.UserID, err error) {
	err = s.view(ctx, "list member ids", func(db *gorm.DB) error {
		return db.Model(&member{}).Where("conversation_id = ? AND role > 0", id).Pluck("user_id", &ids).Error
	})
	return ids, err
}

// Shared implements chat.Conversations.
func (s *Store) Shared(ctx context.Context, c chat.Caller, users []chat.UserID) (ids []chat.UserID, err error) {
	if len(users) == 0 {
		return nil, nil
	}
	err = s.view(ctx, "look for what users share", func(db *gorm.DB) error {
		return db.Table("members AS m").Distinct("o.user_id").
			Joins("JOIN conversations AS c ON c.id = m.conversation_id AND c.realm = ? AND c.type <> ?", c.Realm, int8(chat.Room)).
			Joins("JOIN members AS o ON o.conversation_id = m.conversation_id AND o.role > 0").
			Where("m.user_id = ? AND m.role > 0 AND o.user_id IN ?", c.User, users).
			Pluck("o.user_id", &ids).Error
	})
	return ids, err
}

// maxPeers bounds whom the coming and going of one user is told to.
const maxPeers = 5000

// Peers returns those who share a direct conversation with a user, or a group chat that
// is sent to by ids: whom the user's coming and going concerns.
func (s *Store) Peers(ctx context.Context, u chat.UserID) (ids []chat.UserID, err error) {
	err = s.view(ctx, "look for the peers of a user", func(db *gorm.DB) error {
		return db.Table("members AS m").Distinct("o.user_id").
			Joins("JOIN conversations AS c ON c.id = m.conversation_id AND c.type <> ? AND c.width < ?", int8(chat.Room), int8(chat.Wide)).
			Joins("JOIN members AS o ON o.conversation_id = m.conversation_id AND o.role > 0").
			Where("m.user_id = ? AND m.role > 0 AND o.user_id <> ?", u, u).Limit(maxPeers).
			Pluck("o.user_id", &ids).Error
	})
	return ids, err
}
