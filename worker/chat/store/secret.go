package store

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// secretBytes is how long a secret is.
const secretBytes = 32

// Secret returns 32 bytes of chance under a name: made by whoever asks first, and the
// same for all workers on this database from then on. A start needs it, so it waits as
// Open does.
func (s *Store) Secret(ctx context.Context, name string) (value []byte, err error) {
	err = s.patiently(ctx, func() error { return s.secret(ctx, name, &value) })
	return value, err
}

func (s *Store) secret(ctx context.Context, name string, value *[]byte) error {
	fresh := make([]byte, secretBytes)
	_, _ = rand.Read(fresh) // never fails
	return s.tx(ctx, "read a secret", func(tx *gorm.DB) (err error) {
		row := secret{Name: name, Value: base64.RawURLEncoding.EncodeToString(fresh)}
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
			return err
		}
		var there []secret
		if err := tx.Where("name = ?", name).Limit(1).Find(&there).Error; err != nil {
			return err
		}
		if len(there) == 0 {
			return errAgain
		}
		*value, err = base64.RawURLEncoding.DecodeString(there[0].Value)
		if err == nil && len(*value) < secretBytes {
			err = fmt.Errorf("the secret %q in the database is too short", name)
		}
		return err
	})
}
