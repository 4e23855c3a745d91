package link

import (
	"context"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
)

// Reply is what one gateway answered to one command.
type Reply struct {
	From   *Gateway
	Result *gatewayv1.Result // nil with Err
	Err    error             // ErrGone: the gateway left before it answered; ErrAway: it cannot be asked for now
}

// Waiter collects the answers to the commands that one call has given away. It is
// for one goroutine.
type Waiter struct {
	replies chan Reply // with room for all, so that nobody who answers waits
	asked   []question
	come    int
}

// question is a command whose answer is owed to a Waiter.
type question struct {
	to       *Gateway
	number   uint64
	answered bool
}

// waiting is the same as its log sees it.
type waiting struct {
	to  *Waiter
	rec []byte // the record as it was sent, for a gateway that is asked again
}

// NewWaiter returns a Waiter for up to n commands.
func NewWaiter(n int) *Waiter { return &Waiter{replies: make(chan Reply, n)} }

// Wait calls each for every answer, in the order they come. When ctx ends first
// it returns its cause, and the gateways that still owe an answer.
func (w *Waiter) Wait(ctx context.Context, each func(Reply)) (silent []*Gateway, err error) {
	for w.come < len(w.asked) {
		select {
		case r := <-w.replies:
			w.note(r.From)
			each(r)
			continue
		default: // an answer that is there counts, however late
		}
		select {
		case r := <-w.replies:
			w.note(r.From)
			each(r)
		case <-ctx.Done():
			for _, q := range w.asked {
				if !q.answered {
					silent = append(silent, q.to)
				}
			}
			return silent, context.Cause(ctx)
		}
	}
	return nil, nil
}

// note marks the oldest question to g as answered. Which of several to the same
// gateway it was does not matter.
func (w *Waiter) note(g *Gateway) {
	w.come++
	for i := range w.asked {
		if q := &w.asked[i]; q.to == g && !q.answered {
			q.answered = true
			return
		}
	}
}

// Close forgets what is still owed. It must be called when nobody waits any more.
func (w *Waiter) Close() {
	if w.come == len(w.asked) {
		return
	}
	for _, q := range w.asked {
		q.to.log.giveUp(q.number)
	}
}
