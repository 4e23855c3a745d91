package store

import "gorm.io/gorm"

// BeforeWrite calls hook before each statement that writes into a table by gorm: what
// another transaction does just then, a test does in it.
func (s *Store) BeforeWrite(table string, hook func()) {
	call := func(db *gorm.DB) {
		if db.Statement.Table == table {
			hook()
		}
	}
	c := s.w.Callback()
	for _, err := range []error{
		c.Create().Before("gorm:create").Register("before write", call),
		c.Update().Before("gorm:update").Register("before write", call),
		c.Delete().Before("gorm:delete").Register("before write", call),
	} {
		if err != nil {
			panic(err)
		}
	}
}
