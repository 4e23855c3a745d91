package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/parley-im/parley/worker/chat"
)

// Store is the chat's database. Its methods may be called from any goroutine.
type Store struct {
	cfg     Config
	dialect dialect
	log     *slog.Logger

	write, read *sql.DB // the same, but for SQLite
	w, r        *gorm.DB

	turns    turns
	rosters  *rosters
	widening widening
	lanes    lanes
	order    sync.Mutex // see leaving; held during a commit, then only leaves are taken
}

// Open connects, migrates, and starts what commits sends. A database that is not there
// yet, or goes away meanwhile, is waited for until ctx ends.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	d, err := cfg.dialect()
	if err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg, dialect: d, log: cfg.Log, rosters: newRosters()}
	if err = s.patiently(ctx, func() error { return s.open(ctx) }); err != nil {
		return nil, fmt.Errorf("database %s: %w", d.where(), err)
	}
	count := 1
	if d.locks() {
		count = serverLanes
	}
	s.lanes = startLanes(count, s.storeBatch)
	return s, nil
}

// open connects and brings the database to the newest version. What a cut leaves half
// done is done when it is called again.
func (s *Store) open(ctx context.Context) (err error) {
	if s.write, s.read, err = s.dialect.open(ctx); err != nil {
		return err
	}
	if s.w, err = s.gorm(s.write); err == nil {
		s.r = s.w
		if s.read != s.write {
			s.r, err = s.gorm(s.read)
		}
	}
	if err == nil {
		err = s.migrate(ctx)
	}
	if err != nil {
		s.disconnect()
	}
	return err
}

// patiently does what a start needs until the database is there for it, or ctx ends, and
// says once that it waits.
func (s *Store) patiently(ctx context.Context, do func() error) error {
	for try := 0; ; try++ {
		err := do()
		if c := s.class(err); c != away && c != busy && c != collision { // nil is none of them
			return err
		}
		if try == 0 {
			s.log.Warn("waiting for the database", "database", s.dialect.where(), "err", err)
		}
		if !sleep(ctx, min(time.Duration(try+1)*200*time.Millisecond, 2*time.Second)) {
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

func (s *Store) gorm(db *sql.DB) (*gorm.DB, error) {
	g, err := gorm.Open(s.dialect.gorm(db), &gorm.Config{
		SkipDefaultTransaction: true, // what belongs together is in a transaction of ours
		Logger:                 logger.Discard,
		DisableAutomaticPing:   true,
		// Columns by name: a SELECT * that PostgreSQL has prepared fails once the next
		// version of this program has added a column.
		QueryFields: true,
	})
	if err == nil && s.dialect.name() == "postgres" {
		arrays(g)
	}
	return g, err
}

// Close ends what Open started. Sends that wait are answered Unavailable. It may be called
// again, and then does nothing.
func (s *Store) Close() {
	s.lanes.stop()
	s.disconnect()
}

func (s *Store) disconnect() {
	if s.read != nil && s.read != s.write {
		s.read.Close()
	}
	if s.write != nil {
		s.write.Close()
	}
}

// Ready returns what is wrong with the database, nil: nothing.
func (s *Store) Ready(ctx context.Context) error {
	if err := s.write.PingContext(ctx); err != nil {
		return fmt.Errorf("database %s: %w", s.dialect.where(), err)
	}
	return nil
}

var _ chat.Store = (*Store)(nil)
