package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ensureDrain makes what the drain needs: a stream, the consumer that workers share,
// and the one message in it.
func (b *Bus) ensureDrain(ctx context.Context, l *link) error {
	info, err := b.ensureStream(ctx, l, jetstream.StreamConfig{
		Name: b.names.drain, Description: "whose turn it is to look at the outbox", Subjects: []string{b.names.drainSubject},
		Retention: jetstream.WorkQueuePolicy, Discard: jetstream.DiscardNew, Storage: jetstream.FileStorage,
		MaxMsgs: 1, MaxBytes: -1, Replicas: b.cfg.Replicas,
	})
	if err != nil {
		return err
	}
	if err := b.ensureTurns(ctx, l); err != nil {
		return err
	}
	if info.State.Msgs > 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, b.pace.request)
	defer cancel()
	// Many workers do this at once; the first is let through.
	_, err = l.js.Publish(ctx, b.names.drainSubject, nil, jetstream.WithExpectLastSequencePerSubject(0))
	var api *jetstream.APIError
	switch {
	case err == nil:
		b.made("message", b.names.drainSubject)
	case errors.As(err, &api) && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == storeFailed):
	default:
		return fmt.Errorf("put the message of %s: %w", b.names.drain, err)
	}
	return nil
}

func (b *Bus) ensureTurns(ctx context.Context, l *link) error {
	ctx, cancel := context.WithTimeout(ctx, b.pace.request)
	defer cancel()
	c, err := l.js.Consumer(ctx, b.names.drain, b.names.drainers)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		c, err = l.js.CreateConsumer(ctx, b.names.drain, jetstream.ConsumerConfig{
			Durable: b.names.drainers, AckPolicy: jetstream.AckExplicitPolicy, DeliverPolicy: jetstream.DeliverAllPolicy,
			AckWait: b.pace.ackWait, MaxDeliver: -1, MaxAckPending: 1,
		})
		if errors.Is(err, jetstream.ErrConsumerExists) { // another was faster
			c, err = l.js.Consumer(ctx, b.names.drain, b.names.drainers)
		} else if err == nil {
			b.made("consumer", b.names.drain+"/"+b.names.drainers)
		}
	}
	if err != nil {
		return fmt.Errorf("consumer %s of %s: %w", b.names.drainers, b.names.drain, err)
	}
	b.seen(b.names.drain + "/" + b.names.drainers)
	l.turns.Store(&c)
	return nil
}

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
