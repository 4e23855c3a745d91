package store

import (
	"context"
	"database/sql"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"gorm.io/gorm"
)

// timeLimit is how long a statement, a wait for a lock and a transaction as a whole may
// last: a worker that is slow must not hold others up for ever.
const timeLimit = 5 * time.Second

// stillLimit is how long a transaction may stand still between two statements, which
// takes milliseconds. It is a setting of the session, so that databases end the
// transaction, and let go of its locks, even of a process that is stopped: all who talk
// where it held a lock wait that long. MariaDB counts whole seconds.
const stillLimit = time.Second

// dialect is what differs between databases.
type dialect interface {
	// name is what gorm calls it.
	name() string
	// where says which database it is, without a password.
	where() string
	// open connects; read and write may be the same. What it has opened when it fails
	// it closes.
	open(ctx context.Context) (write, read *sql.DB, err error)
	// patient is a pool for migrations: a step may take longer than a statement of ours.
	patient() (*sql.DB, error)
	// gorm wraps a connection pool.
	gorm(*sql.DB) gorm.Dialector
	// now is an SQL expression: the database's clock in milliseconds.
	now() string
	// locks reports whether FOR UPDATE is needed, and there.
	locks() bool
	// class sorts an error of the driver.
	class(error) class
	// migrations are the steps, and what keeps two processes apart; nil: nothing does.
	migrations() (goose.Dialect, fs.FS, lock.SessionLocker, error)
}

// class is what an error of a driver means for us.
type class int

const (
	unknown   class = iota // a mistake of ours, or of the data
	away                   // the database cannot be asked, or did not answer: nobody knows what happened
	busy                   // SQLite: another process writes, and nothing was done
	collision              // two transactions were in each other's way: the same again is right
	duplicate              // a unique key is taken
)
