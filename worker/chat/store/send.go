package store

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/proto/faultpoint"
	"github.com/parley-im/parley/worker/chat"
)

// The bounds of sending.
const (
	maxWaiting = 4096        // sends that wait for their transaction, in all lanes; see lane.put
	maxWait    = time.Second // in the queue, see lane.late
	maxBatch   = 256         // sends in one transaction
)

// send is one that waits for its transaction, or is in it.
type send struct {
	caller chat.Caller
	draft  chat.Draft
	key    string // see requestKey
	body   string // see bodyOf
	hash   string // see bodyHash

	// state is waiting, until either the lane takes the send or its caller gives it up:
	// what was given up is never stored.
	state   atomic.Int32
	answer  answer
	replied bool          // the lane's alone
	done    chan struct{} // closed when answer is there
}

// The states of a send.
const (
	waiting int32 = iota
	taken
	givenUp
)

// answer is what a send is told.
type answer struct {
	stored chat.Stored
	err    error
}

func newSend(c chat.Caller, d chat.Draft) *send {
	request := d.Request
	if faultpoint.Sabotaged(faultpoint.RequestIgnored) {
		request += chat.RequestID(fmt.Sprint(".", outboxIDs(1)[0]))
	}
	body := bodyOf(&d)
	return &send{
		caller: c, draft: d,
		key:  requestKey(d.Conversation, c.User, request),
		body: body,
		hash: bodyHash(d.Kind(), body),
		done: make(chan struct{}),
	}
}

// reply answers the send; the lane does it, once.
func (p *send) reply(a answer) {
	if p.replied {
		return // by a build that answers before the commit
	}
	p.replied, p.answer = true, a
	close(p.done)
}

// Send implements chat.Messages. A repeat is answered with the message as it is now:
// the same but for what was changed since. When ctx ends after the transaction has
// begun, whether the message was stored is unknown.
func (s *Store) Send(ctx context.Context, c chat.Caller, d chat.Draft) (chat.Stored, error) {
	p := newSend(c, d)
	l := s.lanes.of(d.Conversation)
	if err := l.put(p); err != nil {
		return chat.Stored{}, err
	}
	patience := time.NewTimer(maxWait)
	defer patience.Stop()
	select {
	case <-p.done:
		return p.answer.stored, p.answer.err
	case <-patience.C:
		if p.state.CompareAndSwap(waiting, givenUp) {
			return chat.Stored{}, l.tooLate()
		}
	case <-ctx.Done():
		if p.state.CompareAndSwap(waiting, givenUp) {
			return chat.Stored{}, fault.New(fault.Unavailable, "not stored in time").Because(context.Cause(ctx))
		}
	}
	select {
	case <-p.done:
		return p.answer.stored, p.answer.err
	case <-ctx.Done():
		return chat.Stored{}, fault.New(fault.Unavailable, "whether it was stored is unknown").Because(context.Cause(ctx))
	}
}
