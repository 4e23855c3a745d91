package store

import (
	"context"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/parley-im/parley/worker/chat"
)

// finishAtOnce is how many rows one statement marks or removes.
const finishAtOnce = 1000

// Finish implements chat.Outbox. Whoever owns a row by now: what was done was done,
// and a row that is gone is no mistake. A row that is fanned out and waits for the bus
// alone is claimed by nobody for publishLease.
func (s *Store) Finish(ctx context.Context, done []chat.Progress) error {
	for some := range slices.Chunk(done, finishAtOnce) {
		if err := s.finish(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) finish(ctx context.Context, done []chat.Progress) error {
	var all, fanned, published []int64
	for _, p := range done {
		switch {
		case p.Fanned && p.Published:
			all = append(all, p.ID)
		case p.Fanned:
			fanned = append(fanned, p.ID)
		case p.Published:
			published = append(published, p.ID)
		}
		if p.Fanned {
			if err := s.widened(ctx, p.ID); err != nil {
				return err
			}
		}
	}
	// The marks first, each for itself: of two that set one each at the same moment, the
	// later sees both, and removes the row.
	if err := s.mark(ctx, fanned, map[string]any{
		"fanned":      1,
		"lease_until": gorm.Expr(s.dialect.now()+" + ?", publishLease.Milliseconds()),
	}); err != nil {
		return err
	}
	if err := s.mark(ctx, published, map[string]any{"published": 1}); err != nil {
		return err
	}
	return s.remove(ctx, all, slices.Concat(fanned, published))
}

func (s *Store) mark(ctx context.Context, ids []int64, values map[string]any) error {
	if len(ids) == 0 {
		return nil
	}
	slices.Sort(ids) // whoever else takes some of these rows takes them in this order too
	return s.alone(ctx, "mark rows of the outbox", func(w *gorm.DB) error {
		return w.Model(&outboxRow{}).Where(oneOf("id", ids)).Updates(values).Error
	})
}

// remove deletes rows, and those of perhaps that have both marks.
func (s *Store) remove(ctx context.Context, ids, perhaps []int64) error {
	if len(ids)+len(perhaps) == 0 {
		return nil
	}
	slices.Sort(ids)
	return s.alone(ctx, "finish rows of the outbox", func(w *gorm.DB) error {
		both := clause.And(oneOf("id", perhaps), clause.Expr{SQL: "fanned = 1 AND published = 1"})
		return w.Clauses(clause.Where{Exprs: []clause.Expression{clause.Or(oneOf("id", ids), both)}}).Delete(&outboxRow{}).Error
	})
}

// widening knows which rows of the outbox that this process was handed widen a
// conversation: a few, and none for longer than it is at work on them.
type widening struct {
	mu   sync.Mutex // guards rows; a leaf
	rows map[int64]chat.ConversationID
}

// note remembers those of what is handed on that widen.
func (w *widening) note(left []chat.Outgoing) {
	for i := range left {
		if left[i].Kind != chat.OutWiden {
			continue
		}
		w.mu.Lock()
		if w.rows == nil {
			w.rows = make(map[int64]chat.ConversationID)
		}
		w.rows[left[i].ID] = left[i].Conversation
		w.mu.Unlock()
	}
}

func (w *widening) of(row int64) (chat.ConversationID, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id, ok := w.rows[row]
	return id, ok
}

func (w *widening) forget(row int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.rows, row)
}

// widened makes the conversation wide whose row says that all conns that are open have
// joined its hub group: from the next commit on, the group alone is sent to.
func (s *Store) widened(ctx context.Context, row int64) error {
	id, ok := s.widening.of(row)
	if !ok {
		return nil
	}
	err := s.alone(ctx, "widen", func(w *gorm.DB) error {
		return w.Model(&conversation{}).Where("id = ? AND width = ?", string(id), int8(chat.Widening)).
			Update("width", int8(chat.Wide)).Error
	})
	if err == nil {
		s.widening.forget(row)
	}
	return err
}

// Lag implements chat.Outbox. What is on its way at this moment counts too.
func (s *Store) Lag(ctx context.Context) (chat.Lag, error) {
	var row struct {
		Unfanned, Unpublished             int64
		OldestUnfanned, OldestUnpublished *int64
		Now                               int64
	}
	err := s.view(ctx, "read the lag of the outbox", func(db *gorm.DB) error {
		return db.Model(&outboxRow{}).Select("COUNT(CASE WHEN fanned = 0 THEN 1 END) AS unfanned," +
			" COUNT(CASE WHEN published = 0 THEN 1 END) AS unpublished," +
			" MIN(CASE WHEN fanned = 0 THEN created_at END) AS oldest_unfanned," +
			" MIN(CASE WHEN published = 0 THEN created_at END) AS oldest_unpublished, " +
			s.dialect.now() + " AS now").Scan(&row).Error
	})
	age := func(created *int64) time.Duration {
		if created == nil {
			return 0
		}
		return time.Duration(max(row.Now-*created, 1)) * time.Millisecond
	}
	return chat.Lag{
		Unfanned: row.Unfanned, Unpublished: row.Unpublished,
		OldestUnfanned: age(row.OldestUnfanned), OldestUnpublished: age(row.OldestUnpublished),
	}, err
}
