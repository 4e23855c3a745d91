package store

import (
	"context"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/parley-im/parley/worker/chat"
)

// OpenDirect implements chat.Conversations.
func (s *Store) OpenDirect(ctx context.Context, c chat.Caller, peer chat.UserID) (chat.Made, error) {
	key := directKey(c.User, peer)
	id, err := newID()
	if err != nil {
		return chat.Made{}, err
	}
	var made chat.Made
	err = s.tx(ctx, "open a direct conversation", func(tx *gorm.DB) error {
		made = chat.Made{}
		there, err := conversationByKey(tx, c.Realm, key)
		if err != nil {
			return err
		}
		if made.Duplicate = there != nil; !made.Duplicate {
			if there, made.Duplicate, err = s.makeDirect(tx, c, peer, key, id); err != nil {
				return err
			}
		}
		conv, mark, err := look(tx, c, chat.ConversationID(there.ID), chat.OpRead)
		if err != nil {
			return err
		}
		made.View = viewOf(conv, mark, c.User)
		return nil
	})
	return made, err
}

// makeDirect makes the conversation, unless another transaction does so first.
func (s *Store) makeDirect(tx *gorm.DB, c chat.Caller, peer chat.UserID, key, id string) (there *conversation, duplicate bool, err error) {
	users := []chat.UserID{c.User}
	if peer != c.User {
		users = append(users, peer)
	}
	if err := inRealm(tx, c.Realm, users); err != nil {
		return nil, false, err
	}
	now, err := s.clock(tx)
	if err != nil {
		return nil, false, err
	}
	fresh := conversation{
		ID: id, Realm: string(c.Realm), UniqueKey: &key, Type: int8(chat.Direct), CreatorID: string(c.User),
		CreatedAt: now, SentAt: now, ChangedAt: now, Members: int64(len(users)), Roster: 1,
	}
	// Who comes second waits here for the first to commit.
	done := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&fresh)
	if done.Error != nil {
		return nil, false, done.Error
	}
	if done.RowsAffected == 0 {
		if there, err = conversationByKey(tx, c.Realm, key); err == nil && there == nil {
			err = errAgain
		}
		return there, true, err
	}
	var rows []member
	for _, u := range users {
		rows = append(rows, fresh.admit(u, chat.Member, now))
	}
	return &fresh, false, tx.Create(&rows).Error
}
