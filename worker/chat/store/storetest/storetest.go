// Package storetest gives tests a database of their own: a file always, and a MariaDB
// and a PostgreSQL when they are there. In CI they have to be.
package storetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // for making databases
	_ "github.com/jackc/pgx/v5/stdlib" // likewise

	"github.com/parley-im/parley/worker/chat/store"
)

// The servers that tests use, unless the environment names others.
const (
	PostgresURL = "postgres://root@127.0.0.1:5432/test?sslmode=disable" // PARLEY_TEST_POSTGRES
	MySQLURL    = "mysql://root@127.0.0.1:3306/test"                    // PARLEY_TEST_MYSQL
)

// Database is one of the three. Its name is that of a subtest.
type Database struct {
	Name string
	URL  string // of a database that is this test's alone
}

// Each runs a test on each of the databases.
func Each(t *testing.T, test func(t *testing.T, d Database)) {
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t)) })
	t.Run("mysql", func(t *testing.T) { test(t, MySQL(t)) })
}

// SQLite returns a file that goes with the test.
func SQLite(t testing.TB) Database {
	return Database{"sqlite", "sqlite:" + filepath.Join(t.TempDir(), "chat.db")}
}

// Postgres returns a database of a PostgreSQL that goes with the test. Without a
// server the test is skipped, and fails in CI.
func Postgres(t testing.TB) Database {
	return Database{"postgres", own(t, "PostgreSQL", "PARLEY_TEST_POSTGRES", PostgresURL, "pgx", " WITH (FORCE)")}
}

// MySQL is Postgres for a MariaDB or MySQL.
func MySQL(t testing.TB) Database {
	return Database{"mysql", own(t, "MariaDB or MySQL", "PARLEY_TEST_MYSQL", MySQLURL, "mysql", "")}
}

// Open opens a store on the database; it is closed with the test.
func (d Database) Open(t testing.TB, change ...func(*store.Config)) *store.Store {
	t.Helper()
	cfg := store.Config{URL: d.URL, Owner: "test", Relaxed: true}
	for _, c := range change {
		c(&cfg)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	s, err := store.Open(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// own makes a database on a server and drops it with the test.
func own(t testing.TB, what, variable, standard, driver, force string) string {
	t.Helper()
	admin := os.Getenv(variable)
	if admin == "" {
		admin = standard
	}
	u, err := url.Parse(admin)
	if err != nil {
		t.Fatalf("%s is no URL", variable)
	}
	dsn := admin
	if driver == "mysql" {
		dsn = u.User.String() + "@tcp(" + u.Host + ")" + u.Path
	}
	server, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.PingContext(ctx); err != nil {
		missing := t.Skipf
		if os.Getenv("PARLEY_CI") != "" {
			missing = t.Fatalf
		}
		missing("no %s at %s (%v): start one, or name one by %s, whose user may create databases", what, u.Host, err, variable)
	}
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	name := "parley_test_" + hex.EncodeToString(b[:])
	if _, err := server.ExecContext(ctx, "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := server.ExecContext(context.Background(), "DROP DATABASE "+name+force); err != nil {
			t.Errorf("a test database is left over: %v", err)
		}
	})
	u.Path = "/" + name
	return strings.TrimSuffix(u.String(), "?")
}
