package delivery

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/parley-im/parley/worker/chat"
)

// How the marks of rows are gathered.
const (
	gatherFor = 10 * time.Millisecond  // so that many rows go with one statement
	splitFor  = 300 * time.Millisecond // after that a row that has one mark is written with that alone
	atOnce    = 512                    // rows in one call
	mostKept  = 1 << 16                // marks that wait for the database; further rows are done again
)

// finisher writes down what was done of the rows, many at a time.
type finisher struct {
	outbox Outbox
	log    *slog.Logger
	stats  *stats

	mu      sync.Mutex // guards rows and writing; a leaf
	rows    map[int64]*progress
	writing bool

	wake chan struct{}
}

type progress struct {
	chat.Progress
	since time.Time // of the first mark
}

func newFinisher(outbox Outbox, log *slog.Logger, stats *stats) *finisher {
	return &finisher{outbox: outbox, log: log, stats: stats, rows: map[int64]*progress{}, wake: make(chan struct{}, 1)}
}

// note marks a row. It does not wait.
func (f *finisher) note(p chat.Progress) {
	f.mu.Lock()
	row := f.rows[p.ID]
	if row == nil {
		if len(f.rows) >= mostKept {
			f.mu.Unlock()
			f.stats.finishErrors.Add(1)
			return
		}
		row = &progress{Progress: chat.Progress{ID: p.ID}, since: time.Now()}
		f.rows[p.ID] = row
	}
	row.Fanned = row.Fanned || p.Fanned
	row.Published = row.Published || p.Published
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// run writes until ctx ends.
func (f *finisher) run(ctx context.Context) {
	for {
		select {
		case <-f.wake:
		case <-ctx.Done():
			return
		}
		if !sleep(ctx, gatherFor) {
			return
		}
		for f.write(ctx) {
			if !sleep(ctx, gatherFor) {
				return
			}
		}
	}
}

// write writes what is whole, or has waited for long enough, and reports whether
// something is left.
func (f *finisher) write(ctx context.Context) (left bool) {
	f.mu.Lock()
	now := time.Now()
	var list []chat.Progress
	for id, row := range f.rows {
		if row.Fanned && row.Published || now.Sub(row.since) >= splitFor {
			list = append(list, row.Progress)
			delete(f.rows, id)
			if len(list) == atOnce {
				break
			}
		}
	}
	left = len(f.rows) > 0
	f.writing = len(list) > 0
	f.mu.Unlock()
	if len(list) == 0 {
		return left
	}
	defer func() {
		f.mu.Lock()
		f.writing = false
		f.mu.Unlock()
	}()
	if err := f.outbox.Finish(ctx, list); err != nil {
		// The rows are claimed after their lease, and done again: that is harmless.
		f.stats.finishErrors.Add(int64(len(list)))
		f.log.Debug("marks of the outbox were not written", "rows", len(list), "err", err)
	}
	return left
}

// idle reports whether all marks are written, or given up.
func (f *finisher) idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.rows) == 0 && !f.writing
}
