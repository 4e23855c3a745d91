package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	eventsKept = 7 * 24 * time.Hour
	// sameWithin is how long JetStream knows the ids of events: longer than an event
	// whose acknowledgement was lost usually takes to come again.
	sameWithin = 5 * time.Minute
)

// keep sees to it that the streams are there: whenever the connection is, every few
// seconds, and when somebody missed one.
func (b *Bus) keep(ctx context.Context, l *link) {
	t := time.NewTimer(b.pace.check)
	defer t.Stop()
	untold := false // watchers have not heard that there is a new connection
	for {
		returned := false
		select {
		case <-ctx.Done():
			return
		case <-l.up:
			returned, untold = true, true
		case <-b.poked:
		case <-t.C:
		}
		if l.nc.IsConnected() && (!untold || b.welcome(ctx, l)) {
			untold = false
			b.look(ctx, l)
		}
		next := b.pace.check
		if untold || b.troubled() {
			next = b.pace.recheck
		}
		t.Reset(next)
		if !returned && !b.rest(ctx, l) {
			return
		}
	}
}

// rest keeps pokes from making the keeper spin; a connection that is there again does
// not wait for it.
func (b *Bus) rest(ctx context.Context, l *link) bool {
	t := time.NewTimer(b.pace.recheck / 4)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-l.up:
		select {
		case l.up <- struct{}{}:
		default: // it came up once more
		}
	case <-t.C:
	}
	return true
}

// welcome tells watchers that they may have missed something, when they will miss
// nothing any more: the server has our subscription when it answers.
func (b *Bus) welcome(ctx context.Context, l *link) bool {
	ctx, cancel := context.WithTimeout(ctx, b.pace.request)
	defer cancel()
	if l.nc.FlushWithContext(ctx) != nil {
		return false
	}
	b.tellAll()
	return true
}

// look is one look at everything. Events are let through even if a stream could not be
// looked at: perhaps only that is not permitted.
func (b *Bus) look(ctx context.Context, l *link) {
	if n, err := l.invals.Dropped(); err == nil && n != l.dropped {
		l.dropped = n
		b.tellAll()
	}
	b.sendDoubted(l)
	info, err := b.ensureStream(ctx, l, jetstream.StreamConfig{
		Name: b.names.events, Description: "events of Parley, for anyone", Subjects: []string{b.names.eventsOf},
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew, Storage: jetstream.FileStorage,
		MaxAge: eventsKept, MaxBytes: noLimitIfZero(b.cfg.EventBytes), MaxMsgs: -1, Duplicates: sameWithin, Replicas: b.cfg.Replicas,
	})
	if ctx.Err() != nil || !l.nc.IsConnected() {
		return
	}
	b.note(troubleEvents, err)
	if err == nil {
		b.reviewEvents(info.State.Bytes)
	}
	if b.drain != nil {
		err = b.ensureDrain(ctx, l)
		if ctx.Err() != nil || !l.nc.IsConnected() {
			return
		}
		b.note(troubleDrain, err)
	}
	b.mu.Lock()
	b.open = b.state == running && b.down.since.IsZero() && len(l.up) == 0 // or watchers are told first
	b.mu.Unlock()
}

func noLimitIfZero(n int64) int64 {
	if n == 0 {
		return -1
	}
	return n
}

// ensureStream makes a stream when it is missing. One that is there is left as it is:
// an operator may have changed it.
func (b *Bus) ensureStream(ctx context.Context, l *link, cfg jetstream.StreamConfig) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, b.pace.request)
	defer cancel()
	s, err := l.js.Stream(ctx, cfg.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = l.js.CreateStream(ctx, cfg)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another was faster
			s, err = l.js.Stream(ctx, cfg.Name)
		} else if err == nil {
			b.made("stream", cfg.Name)
		}
		if err != nil {
			return nil, fmt.Errorf("stream %s is missing and cannot be made: %w", cfg.Name, err)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("stream %s cannot be looked at: %w", cfg.Name, err)
	}
	b.seen(cfg.Name)
	return s.CachedInfo(), nil
}

// made counts what had to be made, and says so aloud if it had been there.
func (b *Bus) made(what, name string) {
	b.stats.made.Add(1)
	if _, was := b.known.LoadOrStore(name, true); was {
		b.stats.remade.Add(1)
		b.cfg.Log.Warn("something was gone from nats and was made anew", what, name)
		return
	}
	b.cfg.Log.Info("made in nats", what, name)
}

func (b *Bus) seen(name string) { b.known.LoadOrStore(name, true) }
