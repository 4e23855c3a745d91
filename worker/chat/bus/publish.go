package bus

import (
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parley-im/parley/worker/chat/delivery"
)

// The bounds of events under way. What finds no room is refused at once.
const (
	maxPending      = 4096
	maxPendingBytes = 32 << 20
)

var (
	errStopped = errors.New("the bus does not run")
	errDown    = errors.New("no connection to NATS")
	errFull    = errors.New("too many events wait for NATS")
)

// pending is an event whose caller has not heard of it yet.
type pending struct {
	msg  *nats.Msg
	id   string
	done func(error)
	size int
}

// outcome is what the caller is to hear.
type outcome struct {
	p   *pending
	err error
}

// Publish gives an event to JetStream and returns at once, with an error when there is
// no connection or no room. Otherwise done is called once, by a goroutine of the Bus that
// calls them one after the other: with nil when JetStream has acknowledged the event, with
// an error when it has not, which does not mean that it has not got it. The payload must
// not be changed until then.
func (b *Bus) Publish(e delivery.Event, done func(error)) error {
	p, err := b.pending(&e, done)
	if err == nil {
		err = b.accept(p)
	}
	if err != nil {
		b.stats.failed.Add(1)
		return fmt.Errorf("publish %s: %w", e.ID, err)
	}
	return nil
}

func (b *Bus) pending(e *delivery.Event, done func(error)) (*pending, error) {
	if !areTokens(e.Name) || e.Realm != "" && !isToken(string(e.Realm)) || e.ID == "" {
		return nil, fmt.Errorf("%q of realm %q cannot be a subject, or the event has no id", e.Name, e.Realm)
	}
	subject := b.names.event(e.Realm, e.Name)
	return &pending{
		msg: &nats.Msg{Subject: subject, Data: e.Payload}, id: e.ID, done: done,
		size: len(subject) + len(e.ID) + len(e.Payload),
	}, nil
}

// accept finds room for an event. The channels have room for all that are counted.
func (b *Bus) accept(p *pending) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.state != running:
		return errStopped
	case !b.open:
		return errDown
	case b.waiting >= maxPending || b.bytes+p.size > maxPendingBytes && b.waiting > 0:
		return errFull
	}
	b.waiting++
	b.bytes += p.size
	b.queue <- p
	return nil
}

// send hands to the client what was accepted, which may wait for the socket, until the
// end; then what is left.
func (b *Bus) send(ending <-chan struct{}) {
	for {
		select {
		case p := <-b.queue:
			b.sendEvent(p)
		case i := <-b.invals:
			b.sendInvalidation(i)
		case <-ending:
			for {
				select {
				case p := <-b.queue:
					b.sendEvent(p)
				default:
					return
				}
			}
		}
	}
}

func (b *Bus) sendEvent(p *pending) {
	b.mu.Lock()
	b.acks[p.msg] = p
	b.mu.Unlock()
	l := b.link.Load()
	if l == nil {
		b.settle(p.msg, errDown)
		return
	}
	// Without an answer it is not sent again from here: a repeat would overtake others,
	// and the outbox knows better what is still due.
	_, err := l.js.PublishMsgAsync(p.msg, jetstream.WithMsgID(p.id), jetstream.WithExpectStream(b.names.events), jetstream.WithRetryAttempts(0))
	if err != nil {
		b.settle(p.msg, err)
	}
}

// settle is told what became of an event; only the first time counts, since the client
// may report a lost connection and a failed call. It may be called under the client's
// locks, so it only hands on.
func (b *Bus) settle(m *nats.Msg, err error) {
	b.mu.Lock()
	p, ok := b.acks[m]
	delete(b.acks, m)
	b.mu.Unlock()
	if ok {
		b.outcomes <- outcome{p, err}
	}
}

// failAll settles all that wait for an answer.
func (b *Bus) failAll(err error) {
	b.mu.Lock()
	list := make([]*nats.Msg, 0, len(b.acks))
	for m := range b.acks {
		list = append(list, m)
	}
	b.mu.Unlock()
	for _, m := range list {
		b.settle(m, err)
	}
}

// tellOutcomes calls the callers back, until there will be no more.
func (b *Bus) tellOutcomes() {
	for o := range b.outcomes {
		b.judge(o.p, o.err)
		o.p.done(o.err)
		b.mu.Lock()
		b.waiting--
		b.bytes -= o.p.size
		if b.waiting == 0 && b.idle != nil {
			close(b.idle)
			b.idle = nil
		}
		b.mu.Unlock()
	}
}
