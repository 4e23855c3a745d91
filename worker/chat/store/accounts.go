package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// AddUser implements chat.Accounts.
func (s *Store) AddUser(ctx context.Context, n chat.NewUser) (chat.Account, bool, error) {
	id, err := newID()
	if err != nil {
		return chat.Account{}, false, err
	}
	var a chat.Account
	var duplicate bool
	err = s.tx(ctx, "add a user", func(tx *gorm.DB) error {
		now, err := s.clock(tx)
		if err != nil {
			return err
		}
		row := user{
			ID: id, Realm: string(n.Realm), NameKey: chat.Fold(n.Name), Name: n.Name,
			PasswordHash: n.PasswordHash, RequestID: string(n.Request), CreatedAt: now, DisplayName: n.Display,
		}
		if n.Guest {
			row.Guest = 1
		}
		done := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row)
		if done.Error != nil {
			return done.Error
		}
		if duplicate = done.RowsAffected == 0; duplicate {
			there, err := accountByName(tx, n.Realm, n.Name)
			if err != nil {
				return err
			}
			a = there
			switch {
			case a.Request != n.Request || a.Name != n.Name || a.Guest != n.Guest:
				return fault.New(fault.Conflict, "the name is taken").Because(chat.ErrNameTaken)
			case a.Display != n.Display:
				return errOtherBody
			}
			return nil
		}
		a = row.account()
		return s.enterLobby(tx, n.Realm, a.ID, now)
	})
	if err != nil {
		return chat.Account{}, false, err
	}
	return a, duplicate, nil
}

func (u *user) user() chat.User {
	return chat.User{Realm: chat.Realm(u.Realm), ID: chat.UserID(u.ID), Name: u.Name, Display: u.DisplayName, Guest: u.Guest != 0}
}

func (u *user) account() chat.Account {
	return chat.Account{User: u.user(), PasswordHash: u.PasswordHash, Request: chat.RequestID(u.RequestID)}
}

// enterLobby makes a user a member of the lobby, which is made when the first one of a
// realm comes. Its row is not locked: a million may sign up at once.
func (s *Store) enterLobby(tx *gorm.DB, r chat.Realm, u chat.UserID, now int64) error {
	key := roomKey(chat.Lobby)
	lobby, err := conversationByKey(tx, r, key)
	if err != nil {
		return err
	}
	if lobby == nil {
		id, err := newID()
		if err != nil {
			return err
		}
		fresh := conversation{
			ID: id, Realm: string(r), UniqueKey: &key, Type: int8(chat.Room), Name: chat.Lobby,
			Width: int8(chat.Wide), CreatedAt: now, SentAt: now, ChangedAt: now,
		}
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&fresh).Error; err != nil {
			return err
		}
		if lobby, err = conversationByKey(tx, r, key); err != nil {
			return err
		}
		if lobby == nil {
			return fmt.Errorf("the lobby was made and is not there")
		}
	}
	m := lobby.admit(u, chat.Member, now)
	return tx.Create(&m).Error
}

// AccountByName implements chat.Accounts.
func (s *Store) AccountByName(ctx context.Context, r chat.Realm, name string) (a chat.Account, err error) {
	err = s.view(ctx, "look for a name", func(db *gorm.DB) (err error) {
		a, err = accountByName(db, r, name)
		return err
	})
	return a, err
}

// Rehash implements chat.Accounts.
func (s *Store) Rehash(ctx context.Context, id chat.UserID, stale, fresh string) error {
	return s.tx(ctx, "renew a password hash", func(tx *gorm.DB) error {
		return tx.Model(&user{}).Where("id = ? AND password_hash = ?", id, stale).Update("password_hash", fresh).Error
	})
}

func accountByName(db *gorm.DB, r chat.Realm, name string) (chat.Account, error) {
	var rows []user
	if err := db.Where("realm = ? AND name_key = ?", r, chat.Fold(name)).Limit(1).Find(&rows).Error; err != nil {
		return chat.Account{}, err
	}
	if len(rows) == 0 {
		return chat.Account{}, errNoUser
	}
	return rows[0].account(), nil
}

var errNoUser = fault.New(fault.NotFound, "no such user")

// Users implements chat.Accounts.
func (s *Store) Users(ctx context.Context, r chat.Realm, ids []chat.UserID, names []string) ([]chat.User, error) {
	keys := make([]string, len(names))
	for i, name := range names {
		keys[i] = chat.Fold(name)
	}
	var found []chat.User
	err := s.view(ctx, "look for users", func(db *gorm.DB) error {
		var rows []user
		q := db.Select("id", "realm", "name", "display_name", "guest").Where("realm = ?", r)
		switch {
		case len(ids) > 0 && len(keys) > 0:
			q = q.Where("id IN ? OR name_key IN ?", ids, keys)
		case len(ids) > 0:
			q = q.Where("id IN ?", ids)
		case len(keys) > 0:
			q = q.Where("name_key IN ?", keys)
		default:
			return nil
		}
		if err := q.Find(&rows).Error; err != nil {
			return err
		}
		for i := range rows {
			found = append(found, rows[i].user())
		}
		return nil
	})
	return found, err
}

// inRealm fails unless all users are in the realm.
func inRealm(tx *gorm.DB, r chat.Realm, users []chat.UserID) error {
	if len(users) == 0 {
		return nil
	}
	var n int64
	if err := tx.Model(&user{}).Where("realm = ? AND id IN ?", r, users).Count(&n).Error; err != nil {
		return err
	}
	if int(n) != len(users) {
		return errNoUser
	}
	return nil
}
