package ops

import (
	"context"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/rpc"
)

// passing bounds what one conn has others told that nobody keeps: it costs who says it
// nothing, and everybody in the conversation a frame. What is above the bounds is not
// passed on, and nobody is told so: the next news counts. Each worker counts for itself,
// and a conn is at one of them.
type passing struct {
	now  func() time.Time
	said *otter.Cache[said, typed]
	by   limiters[pace]
}

// speaker is a conn, or outside of a socket a user.
type speaker struct {
	conn connid.ID
	user chat.UserID
}

func speakerOf(ctx context.Context, c chat.Caller) speaker {
	if conn := rpc.Conn(ctx); conn != nil {
		return speaker{conn: conn.ID()}
	}
	return speaker{user: c.User}
}

// said is where somebody said that they type.
type said struct {
	by speaker
	in chat.ConversationID
}

// typed is what was passed on last.
type typed struct {
	typing bool
	at     time.Time
}

// pace is of what a speaker has a bound.
type pace struct {
	by      speaker
	receipt bool // otherwise typing
}

// The bounds: so many at once, and then one more each interval.
const (
	typingAtOnce = 10
	typingEvery  = 500 * time.Millisecond
	// typingAgain is when the same may be said again. Where it is shown it ends after 6 s,
	// so one of two is enough.
	typingAgain = 3 * time.Second
	// A mark only rises to messages that there are, so these are many for any person, and
	// few for a program that has it creep through a long conversation.
	receiptsAtOnce = 100
	receiptEvery   = 100 * time.Millisecond
	passingKnown   = 100_000 // of each kind remembered; the least used go
)

func newPassing(now func() time.Time) *passing {
	return &passing{
		now:  now,
		said: otter.Must(&otter.Options[said, typed]{MaximumSize: passingKnown}),
		by:   newLimiters[pace](now, passingKnown),
	}
}

// typing reports whether others are to be told that somebody types, or stopped.
func (p *passing) typing(by speaker, in chat.ConversationID, typing bool) (pass bool) {
	now := p.now()
	p.said.Compute(said{by, in}, func(last typed, known bool) (typed, otter.ComputeOp) {
		pass = false
		if known && last.typing == typing && now.Sub(last.at) < typingAgain {
			return last, otter.CancelOp
		}
		if pass = p.by.take(pace{by: by}, typingEvery, typingAtOnce); !pass {
			return last, otter.CancelOp
		}
		return typed{typing, now}, otter.WriteOp
	})
	return pass
}

// receipt reports whether others are to be told of a read mark.
func (p *passing) receipt(by speaker) bool {
	return p.by.take(pace{by: by, receipt: true}, receiptEvery, receiptsAtOnce)
}
