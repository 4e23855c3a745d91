package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	gormsqlite "gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

//go:embed migrations
var migrations embed.FS

// lite is SQLite, by a driver in Go.
type lite struct {
	path    string
	relaxed bool
}

func newSQLite(path string, relaxed bool) (dialect, error) {
	switch path {
	case "":
		return nil, errors.New("database: sqlite: which file?")
	case ":memory:":
		return nil, errors.New("database: sqlite: a file, because every connection would have a :memory: of its own")
	}
	return lite{path: path, relaxed: relaxed}, nil
}

func (lite) name() string    { return "sqlite" }
func (d lite) where() string { return "sqlite:" + d.path }

// open makes two pools: one connection that writes, because SQLite's own waiting for
// its lock is unfair, and some that read.
func (d lite) open(ctx context.Context) (write, read *sql.DB, err error) {
	// A folder that is not there is a mistake, and nothing that is waited for.
	if folder, err := os.Stat(filepath.Dir(d.path)); err != nil || !folder.IsDir() {
		return nil, nil, errors.New("the folder of the file is not there")
	}
	if write, err = d.patient(); err != nil {
		return nil, nil, err
	}
	// From now on turns does the waiting. Should another connection take the place of this
	// one, it waits as SQLite does, which works too.
	if _, err = write.ExecContext(ctx, "PRAGMA busy_timeout = 0"); err != nil {
		write.Close()
		return nil, nil, err
	}
	if read, err = sql.Open("sqlite", d.dsn()+"&_pragma=query_only(1)"); err != nil {
		write.Close()
		return nil, nil, err
	}
	read.SetMaxOpenConns(max(2, runtime.GOMAXPROCS(0)))
	return write, read, nil
}

// patient is what writes. The one limit is that of a wait for the lock of the file.
func (d lite) patient() (*sql.DB, error) {
	db, err := sql.Open("sqlite", d.dsn()+"&_txlock=immediate")
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

// dsn has what both pools need. WAL: readers do not wait for the writer. Immediate: a
// transaction that reads and then writes takes the lock at once, or could not wait for
// it.
func (d lite) dsn() string {
	synchronous := "FULL"
	if d.relaxed {
		synchronous = "NORMAL"
	}
	return fmt.Sprintf("file:%s?_pragma=busy_timeout(%d)&_pragma=journal_mode(WAL)&_pragma=synchronous(%s)", filepath.ToSlash(d.path), timeLimit.Milliseconds(), synchronous)
}

func (lite) gorm(db *sql.DB) gorm.Dialector {
	return gormsqlite.New(gormsqlite.Config{Conn: db})
}

func (lite) now() string { return "CAST(unixepoch('subsec') * 1000 AS INTEGER)" }

func (lite) locks() bool { return false }

// sqliteClasses are the errors that are no mistake of ours: extended codes, and without
// those the kinds that they belong to.
var sqliteClasses = map[int]class{
	sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: duplicate,
	sqlite3.SQLITE_CONSTRAINT_UNIQUE:     duplicate,
	sqlite3.SQLITE_CONSTRAINT_ROWID:      duplicate,

	sqlite3.SQLITE_BUSY_SNAPSHOT: collision,

	sqlite3.SQLITE_BUSY: busy, sqlite3.SQLITE_LOCKED: away, sqlite3.SQLITE_PROTOCOL: away, // locks
	sqlite3.SQLITE_FULL: away, sqlite3.SQLITE_IOERR: away, sqlite3.SQLITE_CANTOPEN: away, sqlite3.SQLITE_READONLY: away, // the disk
	sqlite3.SQLITE_INTERRUPT: away, sqlite3.SQLITE_NOMEM: away,
}

func (lite) class(err error) class {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return sqliteClass(e.Code())
	}
	return unknown
}

func sqliteClass(code int) class {
	if c, ok := sqliteClasses[code]; ok {
		return c
	}
	return sqliteClasses[code&0xff]
}

// migrations has no lock between processes: see Store.migrate.
func (lite) migrations() (goose.Dialect, fs.FS, lock.SessionLocker, error) {
	steps, err := fs.Sub(migrations, "migrations/sqlite")
	return goose.DialectSQLite3, steps, nil, err
}
