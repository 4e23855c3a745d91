package store

import (
	"context"
	"crypto/subtle"
	"time"

	"gorm.io/gorm"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// AddFamily implements chat.Accounts.
func (s *Store) AddFamily(ctx context.Context, f chat.Family) error {
	return s.tx(ctx, "add a sign-in", func(tx *gorm.DB) error {
		now, err := s.clock(tx)
		if err != nil {
			return err
		}
		return tx.Create(&family{
			ID: string(f.ID), Realm: string(f.Realm), UserID: string(f.User), Device: string(f.Device),
			Token: f.Token, ExpiresAt: f.Expires.UnixMilli(), CreatedAt: now,
		}).Error
	})
}

var errSignIn = fault.New(fault.Unauthenticated, "this sign-in is over: sign in again")

// Rotate implements chat.Accounts.
func (s *Store) Rotate(ctx context.Context, r chat.Rotation) (f chat.Family, duplicate bool, err error) {
	var refused error
	err = s.tx(ctx, "trade a refresh token", func(tx *gorm.DB) error {
		f, duplicate, refused = chat.Family{}, false, nil
		row, now, err := s.lockFamily(tx, r.Family)
		if err != nil {
			return err
		}
		switch {
		case row != nil && row.RevokedAt > 0:
			refused = chat.ErrRevoked
			return nil
		case row == nil || row.ExpiresAt <= now:
			refused = errSignIn
			return nil
		case same(row.Token, r.Old):
			row.LastToken, row.LastRequest = row.Token, string(r.Request)
		case same(row.LastToken, r.Old) && row.LastRequest == string(r.Request):
			// The answer was lost: whoever has the token before it and knows the request
			// gets another in its place, as long as nobody has used the lost one.
			duplicate = true
		default:
			refused = chat.ErrRevoked
			return tx.Model(row).Update("revoked_at", now).Error
		}
		row.Token, row.ExpiresAt = r.New, r.Expires.UnixMilli()
		f = row.family()
		return tx.Model(row).Select("token", "last_token", "last_request", "expires_at").Updates(row).Error
	})
	if err == nil {
		err = refused
	}
	return f, duplicate, err
}

// Revoked implements chat.Accounts.
func (s *Store) Revoked(ctx context.Context, id chat.FamilyID) (is bool, err error) {
	err = s.view(ctx, "look at a sign-in", func(db *gorm.DB) error {
		var rows []family
		err := db.Select("revoked_at").Where("id = ?", id).Limit(1).Find(&rows).Error
		is = len(rows) > 0 && rows[0].RevokedAt > 0
		return err
	})
	return is, err
}

// Revoke implements chat.Accounts.
func (s *Store) Revoke(ctx context.Context, id chat.FamilyID, token string) error {
	return s.tx(ctx, "end a sign-in", func(tx *gorm.DB) error {
		row, now, err := s.lockFamily(tx, id)
		if err != nil || row == nil || row.RevokedAt > 0 || !same(row.Token, token) && !same(row.LastToken, token) {
			return err
		}
		return tx.Model(row).Update("revoked_at", now).Error
	})
}

// lockFamily returns a locked family, nil when there is none, and the time.
func (s *Store) lockFamily(tx *gorm.DB, id chat.FamilyID) (*family, int64, error) {
	now, err := s.clock(tx)
	if err != nil {
		return nil, 0, err
	}
	var rows []family
	if err := s.forUpdate(tx).Where("id = ?", id).Limit(1).Find(&rows).Error; err != nil || len(rows) == 0 {
		return nil, now, err
	}
	return &rows[0], now, nil
}

func same(have, given string) bool {
	return have != "" && subtle.ConstantTimeCompare([]byte(have), []byte(given)) == 1
}

func (f *family) family() chat.Family {
	return chat.Family{
		Realm: chat.Realm(f.Realm), ID: chat.FamilyID(f.ID), User: chat.UserID(f.UserID), Device: chat.DeviceID(f.Device),
		Token: f.Token, Expires: time.UnixMilli(f.ExpiresAt),
	}
}
