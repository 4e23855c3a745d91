package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"syscall"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/parley-im/parley/proto/fault"
)

// tries is how often a transaction that collided with another is begun.
const tries = 4

// tx runs do in a transaction, again if it collided with another one. do must set what
// it returns by closure from the start, because it may run several times. What comes
// back has a code: do's own faults, Unavailable when the database cannot be asked or
// nobody knows whether the commit happened, and Internal for mistakes.
func (s *Store) tx(ctx context.Context, what string, do func(tx *gorm.DB) error) error {
	return s.again(ctx, what, func(w *gorm.DB) error { return w.Transaction(do) })
}

// alone is tx for a single statement, which is a transaction of its own: one round trip
// instead of three.
func (s *Store) alone(ctx context.Context, what string, do func(w *gorm.DB) error) error {
	return s.again(ctx, what, do)
}

func (s *Store) again(ctx context.Context, what string, do func(w *gorm.DB) error) error {
	for try := 1; ; try++ {
		err := s.once(ctx, do)
		if err == nil {
			return nil
		}
		if s.class(err) != collision || try == tries {
			return s.fault(what, err)
		}
		if !sleep(ctx, time.Duration(rand.Int64N(int64(try)*int64(20*time.Millisecond)))) {
			return s.fault(what, err)
		}
	}
}

// once runs do within the time limit.
func (s *Store) once(ctx context.Context, do func(w *gorm.DB) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeLimit)
	defer cancel()
	for {
		s.turns.before(ctx)
		err := do(s.w.WithContext(ctx))
		if s.class(err) != busy {
			s.turns.after()
			return err
		}
		if !s.turns.refused(ctx) {
			return err
		}
	}
}

// view runs do on what reads, outside of a transaction.
func (s *Store) view(ctx context.Context, what string, do func(db *gorm.DB) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeLimit)
	defer cancel()
	if err := do(s.r.WithContext(ctx)); err != nil {
		return s.fault(what, err)
	}
	return nil
}

// fault gives an error the code that our callers know.
func (s *Store) fault(what string, err error) error {
	var f *fault.Fault
	if errors.As(err, &f) {
		return err
	}
	switch s.class(err) {
	case away, busy, collision:
		return fault.New(fault.Unavailable, "the store is away for a moment").Because(fmt.Errorf("%s: %w", what, err))
	default:
		return fmt.Errorf("%s: %w", what, err)
	}
}

// class sorts an error, first by what all drivers share.
func (s *Store) class(err error) class {
	var network net.Error
	var unsent interface{ SafeToRetry() bool } // by pgx: nothing of it reached the server
	switch {
	case err == nil:
		return unknown
	case errors.Is(err, errAgain):
		return collision
	case errors.Is(err, gorm.ErrDuplicatedKey):
		return duplicate
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone), errors.Is(err, sql.ErrTxDone),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled),
		errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.As(err, &network), errors.As(err, &unsent) && unsent.SafeToRetry():
		return away
	}
	return s.dialect.class(err)
}

// forUpdate locks the rows that are read, where the database knows that.
func (s *Store) forUpdate(tx *gorm.DB) *gorm.DB {
	if s.dialect.locks() {
		return tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate})
	}
	return tx
}
