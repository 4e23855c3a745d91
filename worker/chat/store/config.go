package store

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"github.com/parley-im/parley/worker/chat"
)

// DefaultURL is a file in the working directory: for one machine.
const DefaultURL = "sqlite:parley.db"

// Config is what a Store is made of. The zero Config is a file in the working
// directory.
type Config struct {
	// URL is where the database is, "": DefaultURL.
	//
	//	sqlite:parley.db  sqlite:/var/lib/parley/chat.db
	//	mysql://user:password@host:3306/parley
	//	postgres://user:password@host:5432/parley?sslmode=verify-full
	URL string
	// Owner names this process in the outbox: its boot.
	Owner string
	// Relaxed lets SQLite answer before the disk has what it wrote: a power failure may
	// then take the last moments. For machines of newcomers.
	Relaxed bool
	// Conns is how many connections to a server may be open, 0: DefaultConns.
	Conns int
	// Bus says that events are published: rows of the outbox wait for it.
	Bus bool
	// OnCommit hears what commits leave to be done; nil: nobody does.
	OnCommit chat.OnCommit
	// Log is for what an operator should know; nil: slog.Default().
	Log *slog.Logger
}

// DefaultConns is the bound of connections to a server.
const DefaultConns = 16

// Validate reports everything wrong at once, without the password of the URL.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	if _, err := c.dialect(); err != nil {
		errs = append(errs, err)
	}
	if c.Conns < 2 {
		errs = append(errs, fmt.Errorf("conns: %d: at least 2", c.Conns))
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.URL == "" {
		c.URL = DefaultURL
	}
	if c.Conns == 0 {
		c.Conns = DefaultConns
	}
	if c.OnCommit == nil {
		c.OnCommit = func([]chat.Outgoing) {}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// dialect finds out which database the URL means.
func (c Config) dialect() (dialect, error) {
	scheme, rest, ok := strings.Cut(c.URL, ":")
	if !ok {
		return nil, errors.New("database: a URL such as sqlite:parley.db, mysql://… or postgres://…")
	}
	switch scheme {
	case "sqlite":
		return newSQLite(strings.TrimPrefix(rest, "//"), c.Relaxed)
	case "mysql", "mariadb":
		u, err := url.Parse(c.URL)
		if err != nil {
			return nil, errors.New("database: not a URL") // err would show the password
		}
		return newMySQL(u, c.Conns)
	case "postgres", "postgresql":
		return newPostgres(c.URL, c.Conns)
	}
	return nil, fmt.Errorf("database: no driver for %q: there are sqlite, mysql and postgres", scheme)
}
