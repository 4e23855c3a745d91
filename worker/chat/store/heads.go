package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/parley-im/parley/worker/chat"
)

// overlap is how far before the beginning of a look its cursor stands: a transaction
// takes its time under the lock and lasts [timeLimit] at most, so what the look could
// not see yet has a time that is not older than this.
const overlap = 3 * timeLimit

// Heads implements chat.Conversations.
func (s *Store) Heads(ctx context.Context, c chat.Caller, since chat.Cursor, limit int) (chat.Heads, error) {
	var heads chat.Heads
	err := s.view(ctx, "read heads", func(db *gorm.DB) error {
		if since.Until == 0 {
			now, err := s.clock(db)
			if err != nil {
				return err
			}
			since.Until = now
			if since.Since > now {
				since.Since = 0 // the clock was set back: what has been stored since then may have any time
			}
		}
		heads.Complete = since.Since == 0
		q := sights(db, c)
		if since.Since == 0 {
			q = q.Where("m.role > 0")
		} else {
			// Who has left sees that, and nothing that came after.
			q = q.Where("((m.role > 0 AND c.changed_at >= ?) OR m.changed_at >= ?)", since.Since, since.Since)
		}
		var rows []sight
		if err := q.Where("m.conversation_id > ?", since.After).Order("m.conversation_id").Limit(limit + 1).Scan(&rows).Error; err != nil {
			return err
		}
		if heads.More = len(rows) > limit; heads.More {
			rows = rows[:limit]
		}
		heads.Next = chat.Cursor{Since: max(1, since.Until-overlap.Milliseconds())}
		if heads.More {
			heads.Next = chat.Cursor{Since: since.Since, Until: since.Until, After: chat.ConversationID(rows[limit-1].Conv.ID)}
		}
		heads.Views = make([]chat.View, len(rows))
		for i := range rows {
			heads.Views[i] = viewOf(&rows[i].Conv, &rows[i].Mark, c.User)
		}
		return nil
	})
	return heads, err
}

// Purge takes away what nobody can ask for any more: answers that were kept long enough,
// and sign-ins that are over. It works in small steps, so that nobody waits for it.
func (s *Store) Purge(ctx context.Context) error {
	for _, table := range []any{&request{}, &family{}} {
		for {
			gone, err := s.purge(ctx, table)
			if err != nil {
				return err
			}
			if gone < purgeStep {
				break
			}
			if !sleep(ctx, 50*time.Millisecond) {
				return context.Cause(ctx)
			}
		}
	}
	return nil
}

// purgeStep is how many rows go in one transaction.
const purgeStep = 500

func (s *Store) purge(ctx context.Context, table any) (gone int, err error) {
	err = s.tx(ctx, "purge", func(tx *gorm.DB) error {
		now, err := s.clock(tx)
		if err != nil {
			return err
		}
		if _, ok := table.(*family); ok {
			var ids []string
			if err := tx.Model(&family{}).Where("expires_at < ?", now).Limit(purgeStep).Pluck("id", &ids).Error; err != nil || len(ids) == 0 {
				gone = 0
				return err
			}
			done := tx.Where("id IN ?", ids).Delete(&family{})
			gone = int(done.RowsAffected)
			return done.Error
		}
		var rows []request
		if err := tx.Select("user_id", "request_id").Where("expires_at < ?", now).Limit(purgeStep).Find(&rows).Error; err != nil || len(rows) == 0 {
			gone = 0
			return err
		}
		done := tx.Delete(&rows)
		gone = int(done.RowsAffected)
		return done.Error
	})
	return gone, err
}
