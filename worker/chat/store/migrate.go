package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"
)

// migrationTable is where the database remembers what was done to it.
const migrationTable = "parley_migrations"

// migrateWait is how long one process waits for another that migrates.
const migrateWait = 60 * time.Second

// migrate brings the database to the newest version. However many processes do it at
// once, each step is done once. A database that is newer than this program stays as it
// is: versions N and N−1 run on one schema.
func (s *Store) migrate(ctx context.Context) error {
	db, err := s.dialect.patient()
	if err != nil {
		return err
	}
	defer db.Close()
	kind, steps, locker, err := s.dialect.migrations()
	if err != nil {
		return err
	}
	if locker != nil {
		unlock, err := s.lockMigrations(ctx, db, locker, kind)
		if err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		defer unlock()
	}
	p, err := goose.NewProvider(kind, db, steps,
		goose.WithTableName(migrationTable), goose.WithSlog(slog.New(slog.DiscardHandler)), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	// SQLite knows no lock that outlasts a transaction. Of two processes that take the
	// same step one fails, and finds it done when it looks again.
	for try := 1; ; try++ {
		done, err := p.Up(ctx)
		for _, step := range done {
			if step.Error == nil {
				s.log.Info("database migrated", "version", step.Source.Version, "took", step.Duration)
			}
		}
		switch {
		case err == nil:
			return s.newer(ctx, p)
		case s.dialect.locks() || try == 10 || ctx.Err() != nil:
			return fmt.Errorf("migrate: %w", err)
		}
		if !sleep(ctx, time.Duration(try)*20*time.Millisecond) {
			return fmt.Errorf("migrate: %w", err)
		}
	}
}

// lockMigrations waits until no other process migrates. It takes the lock itself: goose looks into
// its table, and makes it, before it takes one. In MySQL a process may have died when it
// had made that table, and had not written into it that nothing has been done yet.
func (s *Store) lockMigrations(ctx context.Context, db *sql.DB, locker lock.SessionLocker, kind goose.Dialect) (unlock func(), err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if err := locker.SessionLock(ctx, conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	unlock = func() {
		if err := errors.Join(locker.SessionUnlock(context.WithoutCancel(ctx), conn), conn.Close()); err != nil {
			s.log.Warn("the lock of migrations is held until its connection ends", "err", err)
		}
	}
	table, err := database.NewStore(kind, migrationTable)
	if err == nil {
		// An error is that there is no such table yet, or it comes again.
		if done, none := table.ListMigrations(ctx, conn); none == nil && len(done) == 0 {
			err = table.Insert(ctx, conn, database.InsertRequest{Version: 0})
		}
	}
	if err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

// newer says so when the database knows steps that this program does not.
func (s *Store) newer(ctx context.Context, p *goose.Provider) error {
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	sources := p.ListSources()
	if last := sources[len(sources)-1].Version; have > last {
		s.log.Warn("the database is newer than this program", "database", have, "program", last)
	}
	return nil
}

// sleep waits, and reports false when ctx ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
