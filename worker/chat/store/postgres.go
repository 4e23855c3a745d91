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
		"idle_in_transaction_session_timeout": limit,
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

func (postgres) class(err error) class {
	if pgconn.SafeToRetry(err) { // nothing was sent: the connection had been lost before
		return away
	}
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return unknown
	}
	switch e.Code {
	case "23505":
		return duplicate
	case "40001", "40P01": // serialization, deadlock
		return collision
	case "55P03", "57014", "25P03", "25P02", "25006": // lock or statement timed out, idle in transaction, its transaction was ended, read-only
		return away
	}
	// Connections, resources, an operator's intervention, the system.
	for _, kind := range []string{"08", "53", "57P", "58"} {
		if strings.HasPrefix(e.Code, kind) {
			return away
		}
	}
	return unknown
}

func (postgres) migrations() (goose.Dialect, fs.FS, []goose.ProviderOption, error) {
	steps, err := fs.Sub(migrations, "migrations/postgres")
	if err != nil {
		return "", nil, nil, err
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(migrationLock), lock.WithLockTimeout(1, uint64(migrateWithin.Seconds())))
	return goose.DialectPostgres, steps, []goose.ProviderOption{goose.WithSessionLocker(locker)}, err
}

// migrationLock is the number of the lock under which migrations run.
const migrationLock = 0x7061726c6579
