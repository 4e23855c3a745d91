package store

import "gorm.io/gorm"

// clock reads the database's clock in milliseconds. The clocks of workers differ; that
// of the database is one for all of them.
func (s *Store) clock(db *gorm.DB) (now int64, err error) {
	// Raw: there is no table to ask, and each database says it in its own way.
	err = db.Raw("SELECT " + s.dialect.now()).Scan(&now).Error
	return now, err
}
