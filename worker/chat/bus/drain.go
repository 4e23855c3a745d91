package bus

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// takeTurns waits for its turn again and again, until ctx ends or the worker retires.
func (b *Bus) takeTurns(ctx context.Context, l *link) {
	ctx, cancel := context.WithCancel(ctx)
	var watch sync.WaitGroup
	defer watch.Wait()
	defer cancel()
	watch.Go(func() {
		select {
		case <-b.retired:
			cancel()
		case <-ctx.Done():
		}
	})
	for ctx.Err() == nil {
		c := l.turns.Load()
		if c == nil || !l.nc.IsConnected() {
			sleep(ctx, b.pace.recheck/4)
			continue
		}
		m, err := b.nextTurn(ctx, *c)
		switch {
		case err == nil:
			b.hold(ctx, m)
		case errors.Is(err, nats.ErrTimeout) || errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil:
			// it was not our turn
		default:
			b.poke() // stream or consumer are gone
			sleep(ctx, b.pace.recheck/4)
		}
	}
}

// nextTurn waits for a while only: a request that the server forgot is never answered.
func (b *Bus) nextTurn(ctx context.Context, c jetstream.Consumer) (jetstream.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, b.pace.fetch)
	defer cancel()
	return c.Next(jetstream.FetchContext(ctx))
}

// hold drains, says meanwhile that this worker is alive, and hands the turn on.
func (b *Bus) hold(ctx context.Context, m jetstream.Msg) {
	b.stats.turns.Add(1)
	work, cancel := context.WithTimeout(ctx, b.pace.hold)
	defer cancel()
	last := time.Now() // when the server last heard of us
	var alive sync.WaitGroup
	over := make(chan struct{})
	alive.Go(func() {
		t := time.NewTicker(b.pace.ackWait / 4)
		defer t.Stop()
		for {
			select {
			case <-over:
				return
			case <-work.Done(): // a drain that does not heed its context loses its turn
				return
			case <-t.C:
			}
			if m.InProgress() == nil {
				last = time.Now()
			}
			if time.Since(last) > b.pace.ackWait {
				cancel() // cut off: it is another's by now
				return
			}
		}
	})
	more, err := b.drain(work)
	close(over)
	alive.Wait()
	b.drained(ctx, err)
	if time.Since(last) > b.pace.ackWait {
		return // it is another's by now
	}
	delay := b.pace.tick
	// While events are refused a full outbox is no reason to hurry.
	if ctx.Err() != nil || more && err == nil && !b.refusing() {
		delay = 0
	}
	// When it does not arrive, the server takes the turn back by itself.
	if delay == 0 {
		_ = m.Nak()
	} else {
		_ = m.NakWithDelay(delay)
	}
}

// drained counts drains that failed; the first of a row is logged.
func (b *Bus) drained(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil {
		b.failing.Store(false)
		return
	}
	b.stats.drainErrors.Add(1)
	if !b.failing.Swap(true) {
		b.cfg.Log.Warn("the outbox cannot be drained", "err", err)
	}
}
