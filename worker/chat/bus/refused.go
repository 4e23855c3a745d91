package bus

import (
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// JetStream's codes for want of room. The text of the first says which limit of the
// stream it is.
const (
	storeFailed      jetstream.ErrorCode = 10077
	accountExhausted jetstream.ErrorCode = 10002
	serverExhausted  jetstream.ErrorCode = 10023
	storageExhausted jetstream.ErrorCode = 10047
)

// review is what happened to events.
type review struct {
	refused int    // since the stream was last looked at
	acked   bool   // something, after the last that was refused
	full    bool   // that one was, for want of room
	bytes   uint64 // in the stream at the first look after that
}

// judge counts what became of an event, and notices when events are refused.
func (b *Bus) judge(p *pending, err error) {
	if err == nil {
		b.stats.published.Add(1)
		b.mu.Lock()
		b.review.acked = true
		b.mu.Unlock()
		return
	}
	b.stats.failed.Add(1)
	var why error
	var api *jetstream.APIError
	full := false
	switch {
	case errors.As(err, &api):
		switch api.ErrorCode {
		case storeFailed, accountExhausted, serverExhausted, storageExhausted:
			full = true
			b.stats.full.Add(1)
			why = fmt.Errorf("stream %s is full: %s; events wait in the outbox", b.names.events, api.Description)
		default:
			why = fmt.Errorf("stream %s refuses events: %s", b.names.events, api.Description)
		}
	case errors.Is(err, jetstream.ErrNoStreamResponse):
		b.poke()
		why = fmt.Errorf("stream %s is missing, or has no leader", b.names.events)
	case errors.Is(err, jetstream.ErrAsyncPublishTimeout):
		why = fmt.Errorf("stream %s does not acknowledge events", b.names.events)
	case errors.Is(err, nats.ErrMaxPayload):
		b.cfg.Log.Error("an event is larger than nats takes", "event", p.id, "bytes", p.size)
		return
	default:
		return // the connection, of which we hear otherwise
	}
	b.mu.Lock()
	b.review.refused++
	b.review.acked = false
	b.review.full = full
	b.mu.Unlock()
	b.note(troubleRefused, why)
}

// reviewEvents looks whether events are still refused. A stream that was full is well
// again when it took something, or has less in it than it had.
func (b *Bus) reviewEvents(bytes uint64) {
	b.mu.Lock()
	r := b.review
	_, wrong := b.trouble[troubleRefused]
	b.review.refused = 0
	if r.full && r.bytes == 0 {
		b.review.bytes = bytes
	}
	well := wrong && r.refused == 0 && (r.acked || !r.full || bytes < r.bytes)
	if well {
		b.review = review{}
	}
	b.mu.Unlock()
	if well {
		b.note(troubleRefused, nil)
	}
}

// refusing reports whether events are refused now.
func (b *Bus) refusing() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, wrong := b.trouble[troubleRefused]
	return wrong
}
