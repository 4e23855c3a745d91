package bus

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// outage is the time without a connection.
type outage struct {
	since time.Time // zero: there is a connection
	err   error     // the newest
	said  bool      // in the log
}

// trouble is something else that is wrong. What is wrong for long is logged once.
type trouble struct {
	since time.Time
	text  string
}

// The kinds of trouble.
const (
	troubleEvents  = "events"  // its stream
	troubleDrain   = "drain"   // its stream, consumer or message
	troubleRefused = "refused" // events are not acknowledged
)

// Ready says what is wrong, all of it; nil: nothing.
func (b *Bus) Ready() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.state == fresh:
		return errors.New("the bus does not run yet")
	case b.state == ended:
		return errors.New("the bus has ended")
	case !b.down.since.IsZero():
		return fmt.Errorf("no connection to NATS since %s: %w", b.down.since.Format(time.RFC3339), b.down.err)
	}
	var list []string
	for _, t := range b.trouble {
		list = append(list, t.text+", since "+t.since.Format(time.RFC3339))
	}
	slices.Sort(list)
	var errs []error
	for _, text := range list {
		errs = append(errs, errors.New(text))
	}
	if len(errs) == 0 && !b.open {
		return errors.New("NATS is there, its streams are being looked at")
	}
	return errors.Join(errs...)
}

// wentDown notes that there is no connection, or why there still is none.
func (b *Bus) wentDown(err error) {
	if err == nil {
		err = errors.New("closed")
	}
	b.mu.Lock()
	b.open = false
	if b.down.since.IsZero() {
		b.down = outage{since: time.Now()}
		b.doubtTopics(b.down.since)
	}
	b.down.err = err
	say := !b.down.said && b.state == running
	b.down.said = true
	b.mu.Unlock()
	if say {
		b.cfg.Log.Warn("no connection to nats, trying until it is there", "url", shown(b.cfg.URL), "err", err)
	}
}

// cameUp notes that there is a connection, which the keeper has to welcome.
func (b *Bus) cameUp(l *link, addr string) {
	b.mu.Lock()
	lasted := time.Since(b.down.since)
	b.down = outage{}
	select {
	case l.up <- struct{}{}:
	default:
	}
	b.mu.Unlock()
	b.forbidden.Store(false)
	b.cfg.Log.Info("connected to nats", "addr", addr, "after_seconds", lasted.Seconds())
}

// note says that err is wrong with what kind names, or nothing any more.
func (b *Bus) note(kind string, err error) {
	b.mu.Lock()
	old, was := b.trouble[kind]
	switch {
	case err == nil:
		delete(b.trouble, kind)
	case was:
		b.trouble[kind] = trouble{since: old.since, text: err.Error()}
	default:
		b.trouble[kind] = trouble{since: time.Now(), text: err.Error()}
	}
	b.mu.Unlock()
	switch {
	case err != nil && !was:
		b.cfg.Log.Warn("something is wrong with nats", "what", kind, "err", err)
	case err == nil && was:
		b.cfg.Log.Info("nats is well again", "what", kind, "after_seconds", time.Since(old.since).Seconds())
	}
}

// troubled reports whether anything is wrong.
func (b *Bus) troubled() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.trouble) > 0
}
