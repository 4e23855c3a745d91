package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	gormpostgres "gorm.io/driver/postgres"
	"gorm.io/gorm"
)

// postgres is PostgreSQL, by pgx.
type postgres struct {
	config *pgx.ConnConfig
	conns  int
}

func newPostgres(url string, conns int) (dialect, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("database: postgres: not a URL like postgres://user@host/name") // err would show the password
	}
	limit := strconv.FormatInt(timeLimit.Milliseconds(), 10)
	for name, value := range map[string]string{
		"application_name":                    "parley",
		"default_transaction_isolation":       "read committed",
		"statement_timeout":                   limit,
		"lock_timeout":                        limit,
		"idle_in_transaction_session_timeout": strconv.FormatInt(stillLimit.Milliseconds(), 10),
		// Every statement of ours has its index. A plan that was made for an empty table
		// and kept would read all of a full one until the next ANALYZE.
		"enable_seqscan": "off",
	} {
		if _, given := config.RuntimeParams[name]; !given {
			config.RuntimeParams[name] = value
		}
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = timeLimit
	}
	return postgres{config, conns}, nil
}

func (postgres) name() string { return "postgres" }
func (d postgres) where() string {
	return fmt.Sprintf("postgres://%s:%d/%s", d.config.Host, d.config.Port, d.config.Database)
}

func (d postgres) open(ctx context.Context) (write, read *sql.DB, err error) {
	db := stdlib.OpenDB(*d.config)
	db.SetMaxOpenConns(d.conns)
	db.SetMaxIdleConns(d.conns)
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, nil, err
	}
	return db, db, nil
}

func (postgres) gorm(db *sql.DB) gorm.Dialector {
	return gormpostgres.New(gormpostgres.Config{Conn: db})
}

func (postgres) now() string {
	return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS bigint)"
}

func (postgres) locks() bool { return true }

// postgresClasses are the errors of the server that are no mistake of ours. Two
// characters stand for all that begin with them.
var postgresClasses = map[string]class{
	"23505": duplicate,

	"40001": collision, // serialization
	"40P01": collision, // deadlock

	"40003": away, // nobody knows whether the statement ran
	"55P03": away, // a wait for a lock took too long
	"57014": away, // a statement took too long
	"25P02": away, // the transaction failed before
	"25P03": away, // the transaction was idle for too long
	"25P04": away, // the transaction took too long
	"25006": away, // read-only: a standby
	"08":    away, // connections
	"53":    away, // resources: disk, memory, connections
	"57":    away, // an operator intervenes
	"58":    away, // the system
}

func (postgres) class(err error) class {
	if pgconn.SafeToRetry(err) || errors.Is(err, pgconn.ErrConnClosed) { // the connection had been lost before
		return away
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return unknown
	}
	if e.Code == "0A000" && strings.Contains(e.Routine, "RevalidateCachedQuery") {
		// Another version of the program has migrated a table that a prepared statement
		// reads. The driver has dropped it: the same again prepares anew.
		return collision
	}
	if c, ok := postgresClasses[e.Code]; ok {
		return c
	}
	return postgresClasses[e.Code[:min(2, len(e.Code))]]
}

// patient has no time limits.
func (d postgres) patient() (*sql.DB, error) {
	config := d.config.Copy()
	for _, name := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"} {
		config.RuntimeParams[name] = "0"
	}
	return stdlib.OpenDB(*config), nil
}

func (postgres) migrations() (goose.Dialect, fs.FS, lock.SessionLocker, error) {
	steps, err := fs.Sub(migrations, "migrations/postgres")
	if err != nil {
		return "", nil, nil, err
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(migrationLock), lock.WithLockTimeout(1, uint64(migrateWait.Seconds())))
	return goose.DialectPostgres, steps, locker, err
}

// migrationLock is the number of the lock under which migrations run.
const migrationLock = 0x7061726c6579
