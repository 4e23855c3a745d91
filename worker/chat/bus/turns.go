package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// ensureDrain makes what the drain needs: a stream, the one message in it, and the
// consumer that workers share.
func (b *Bus) ensureDrain(ctx context.Context, l *link) error {
	cfg := jetstream.StreamConfig{
		Name: b.names.drain, Description: "whose turn it is to look at the outbox", Subjects: []string{b.names.drainSubject},
		Retention: jetstream.WorkQueuePolicy, Discard: jetstream.DiscardNew, MaxMsgs: 1, MaxBytes: -1, Replicas: b.cfg.Replicas,
		// Nothing in it is worth a disk. Besides, a server that deletes a file it is just
		// writing (2.9.10) keeps half of it, and hands out nothing afterwards.
		Storage: jetstream.MemoryStorage,
	}
	info, err := b.ensureStream(ctx, l, cfg)
	var api *jetstream.APIError
	if errors.As(err, &api) { // an account may have no memory
		cfg.Storage = jetstream.FileStorage
		info, err = b.ensureStream(ctx, l, cfg)
	}
	if err != nil {
		return err
	}
	if info.State.Msgs == 0 {
		if err := b.putMessage(ctx, l); err != nil {
			return fmt.Errorf("put the message of %s: %w", b.names.drain, err)
		}
	}
	if err := b.ensureTurns(ctx, l); err != nil {
		return fmt.Errorf("consumer %s of %s: %w", b.names.drainers, b.names.drain, err)
	}
	return nil
}

// putMessage puts the message. Many workers do this at once; the stream has room for
// the first.
func (b *Bus) putMessage(ctx context.Context, l *link) error {
	ctx, cancel := context.WithTimeout(ctx, b.pace.request)
	defer cancel()
	_, err := l.js.Publish(ctx, b.names.drainSubject, nil, jetstream.WithExpectStream(b.names.drain))
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == storeFailed {
		return nil
	}
	if err == nil {
		b.made("message", b.names.drainSubject)
	}
	return err
}

func (b *Bus) ensureTurns(ctx context.Context, l *link) error {
	ctx, cancel := context.WithTimeout(ctx, b.pace.request)
	defer cancel()
	c, err := l.js.Consumer(ctx, b.names.drain, b.names.drainers)
	if err == nil && l.standstill.judge(c.CachedInfo(), time.Now(), b.pace) {
		b.cfg.Log.Warn("nobody is told to drain the outbox, making the consumer anew", "consumer", b.names.drain+"/"+b.names.drainers)
		if err := l.js.DeleteConsumer(ctx, b.names.drain, b.names.drainers); err != nil {
			return err
		}
		err = jetstream.ErrConsumerNotFound
	}
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
		return err
	}
	b.seen(b.names.drain + "/" + b.names.drainers)
	l.turns.Store(&c)
	return nil
}

// standstill notices that workers wait for a turn and none gets it: a consumer that
// passed the message by, or a server that forgot whom to wake (2.9 does, when consumer
// and message are made at the same moment).
type standstill struct {
	since     time.Time
	created   time.Time // when the consumer was
	delivered uint64    // by it, then
}

// judge reports whether what was just seen has lasted for too long.
func (s *standstill) judge(i *jetstream.ConsumerInfo, now time.Time, p pace) bool {
	if i.Paused || i.NumWaiting == 0 || !i.Created.Equal(s.created) || i.Delivered.Consumer != s.delivered {
		*s = standstill{now, i.Created, i.Delivered.Consumer}
		return false
	}
	most := p.tick + 2*p.ackWait
	if i.NumAckPending > 0 { // somebody has it, and may be at work
		most += p.hold
	}
	if now.Sub(s.since) < most {
		return false
	}
	s.since = now // of what is made now
	return true
}
