package chat

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "github.com/go-sql-driver/mysql" // so that the store can be read past its own code
	_ "github.com/jackc/pgx/v5/stdlib" // likewise
	_ "modernc.org/sqlite"             // likewise

	"github.com/parley-im/parley/deploy/local/proxy"
)

// The databases that a run can stand on.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
	MySQL    = "mysql" // MariaDB
)

// Where the servers are, unless the environment says otherwise.
const (
	postgresURL = "postgres://root@127.0.0.1:5432/test?sslmode=disable"
	mysqlURL    = "mysql://root@127.0.0.1:3306/test"
)

// database is a database of this run alone, which the workers reach through a proxy
// that can make it look down or stuck. The run itself reads it past the proxy.
type database struct {
	kind  string
	url   string       // for workers
	proxy *proxy.Proxy // nil: a file
	db    *sql.DB
	drop  func() error
}

// openDatabase makes one. host is where the workers can reach this process.
func openDatabase(ctx context.Context, kind, host, dir string) (*database, error) {
	switch kind {
	case SQLite:
		return openFile(filepath.Join(dir, "chat.db"))
	case Postgres:
		return openServer(ctx, kind, host, orEnv("PARLEY_TEST_POSTGRES", postgresURL))
	case MySQL:
		return openServer(ctx, kind, host, orEnv("PARLEY_TEST_MYSQL", mysqlURL))
	}
	return nil, fmt.Errorf("no database called %q: there are %s, %s and %s", kind, SQLite, Postgres, MySQL)
}

func orEnv(name, value string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return value
}

// Reachable says what is missing for a run on a database; nil: nothing.
func Reachable(ctx context.Context, kind string) error {
	if kind == SQLite {
		return nil
	}
	admin, variable := orEnv("PARLEY_TEST_POSTGRES", postgresURL), "PARLEY_TEST_POSTGRES"
	if kind == MySQL {
		admin, variable = orEnv("PARLEY_TEST_MYSQL", mysqlURL), "PARLEY_TEST_MYSQL"
	}
	u, err := url.Parse(admin)
	if err != nil {
		return fmt.Errorf("%s is no URL", variable)
	}
	server, err := connect(kind, u)
	if err != nil {
		return err
	}
	defer server.Close()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := server.PingContext(ctx); err != nil {
		return fmt.Errorf("no %s at %s: start one, or name one by %s, whose user may create databases", kind, u.Host, variable)
	}
	return nil
}

func openFile(path string) (*database, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	return &database{kind: SQLite, url: "sqlite:" + path, db: db, drop: func() error { return nil }}, nil
}

// openServer makes a database of a name of its own beside the one of the URL.
func openServer(ctx context.Context, kind, host, admin string) (*database, error) {
	u, err := url.Parse(admin)
	if err != nil {
		return nil, fmt.Errorf("the URL of %s: %w", kind, err)
	}
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	name := "parley_verify_" + hex.EncodeToString(b[:])
	server, err := connect(kind, u)
	if err != nil {
		return nil, err
	}
	defer server.Close()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if _, err := server.ExecContext(ctx, "CREATE DATABASE "+name); err != nil {
		return nil, fmt.Errorf("%s at %s: %w", kind, u.Host, err)
	}
	d := &database{kind: kind, drop: func() error {
		server, err := connect(kind, u)
		if err != nil {
			return err
		}
		defer server.Close()
		how := "DROP DATABASE " + name //nolint:gosec // we made the name
		if kind == Postgres {
			how += " WITH (FORCE)"
		}
		_, err = server.ExecContext(context.Background(), how)
		return err
	}}
	own := *u
	own.Path = "/" + name
	if d.db, err = connect(kind, &own); err != nil {
		return nil, err
	}
	if d.proxy, err = proxy.Open(net.JoinHostPort(host, "0"), u.Host); err != nil {
		d.close()
		return nil, err
	}
	own.Host = d.proxy.Addr()
	d.url = own.String()
	return d, nil
}

// connect opens a server by its URL with a driver of database/sql.
func connect(kind string, u *url.URL) (*sql.DB, error) {
	if kind == Postgres {
		return sql.Open("pgx", u.String())
	}
	return sql.Open("mysql", fmt.Sprintf("%s@tcp(%s)%s", u.User, u.Host, u.Path))
}

// lock holds the write lock of a file for a while, as a frozen process would.
func (d *database) lock(ctx context.Context, hold time.Duration) error {
	c, err := d.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	tx, err := c.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("take the write lock: %w", err)
	}
	pause(ctx, hold)
	return tx.Rollback()
}

// close drops the database.
func (d *database) close() {
	if d.proxy != nil {
		d.proxy.Close()
	}
	if d.db != nil {
		_ = d.db.Close()
	}
	if err := d.drop(); err != nil {
		fmt.Fprintln(os.Stderr, "a database of this run is left over:", err)
	}
}

// pause waits, and reports false when ctx ended before.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
