package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"

	"github.com/pressly/goose/v3"
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
	synchronous := "FULL"
	if d.relaxed {
		synchronous = "NORMAL"
	}
	// WAL: readers do not wait for the writer. Immediate: a transaction that reads and
	// then writes takes the lock at once, or could not wait for it.
	dsn := fmt.Sprintf("file:%s?_pragma=busy_timeout(%d)&_pragma=journal_mode(WAL)&_pragma=synchronous(%s)", filepath.ToSlash(d.path), timeLimit.Milliseconds(), synchronous)
	if write, err = sql.Open("sqlite", dsn+"&_txlock=immediate"); err != nil {
		return nil, nil, err
	}
	write.SetMaxOpenConns(1)
	if err = write.PingContext(ctx); err != nil {
		write.Close()
		return nil, nil, err
	}
	if read, err = sql.Open("sqlite", dsn+"&_pragma=query_only(1)"); err != nil {
		write.Close()
		return nil, nil, err
	}
	read.SetMaxOpenConns(max(2, runtime.GOMAXPROCS(0)))
	return write, read, nil
}

func (lite) gorm(db *sql.DB) gorm.Dialector {
	return gormsqlite.New(gormsqlite.Config{Conn: db})
}

func (lite) now() string { return "CAST(unixepoch('subsec') * 1000 AS INTEGER)" }

func (lite) locks() bool { return false }

func (lite) class(err error) class {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return unknown
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return duplicate
	case sqlite3.SQLITE_BUSY_SNAPSHOT:
		return collision
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_READONLY:
		return away
	}
	return unknown
}

// migrations has no lock between processes: see [Store.Migrate].
func (lite) migrations() (goose.Dialect, fs.FS, []goose.ProviderOption, error) {
	steps, err := fs.Sub(migrations, "migrations/sqlite")
	return goose.DialectSQLite3, steps, nil, err
}
