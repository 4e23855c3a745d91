package verify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/deploy/client"
	"github.com/parley-im/parley/deploy/verify/answer"
)

// lane is two conns on different gateways. The one takes a new name again and
// again; the moment it learns that it has it, the other writes to that name.
type lane struct {
	listener, speaker *member
	answers           chan struct{} // one for each answer, of either
	said              *client.Tape  // from speaker to listener
}

// answerWithin bounds how long a lane waits for one answer: longer than any
// handler may take.
const answerWithin = 15 * time.Second

// RunLanes lets n lanes bind until enough, which is asked after each bind with the
// number of all so far, says so. It returns what was said after a bind was
// answered, and what arrived.
func RunLanes(ctx context.Context, n int, enough func(binds int) bool, gateways []string, start time.Time) ([]client.Log, error) {
	c := &Crowd{}
	var binds atomic.Int64
	var lanes []*lane
	for i := range n {
		l := &lane{answers: make(chan struct{}, 4), said: client.NewTape(fmt.Sprintf("lane%d", i), start)}
		l.listener = &member{
			tape: client.NewTape(fmt.Sprintf("a%d", i), start), gateway: i % len(gateways),
			heard: l.said, from: fmt.Sprintf("b%d", i), answered: l.answers,
		}
		l.speaker = &member{
			tape: client.NewTape(fmt.Sprintf("b%d", i), start), gateway: (i + 1) % len(gateways), answered: l.answers,
		}
		lanes = append(lanes, l)
		c.members = append(c.members, l.listener, l.speaker)
	}
	if err := c.open(ctx, gateways); err != nil {
		return nil, err
	}
	defer c.Leave()
	errs := make([]error, n)
	var all sync.WaitGroup
	for i, l := range lanes {
		all.Go(func() { errs[i] = l.run(ctx, func() bool { return enough(int(binds.Add(1))) }) })
	}
	all.Wait()
	c.Settle(ctx, 2*time.Second)
	strict, _ := c.Logs()
	return strict, errors.Join(errs...)
}

func (l *lane) run(ctx context.Context, enough func() bool) error {
	for {
		n := l.listener.tape.NextSent()
		name := answer.User(l.listener.tape.Name, n)
		_ = l.listener.conn.Send(answer.Ask(answer.As, l.listener.tape.Name, n, name)) // listen finds out
		if err := l.wait(ctx); err != nil {
			return fmt.Errorf("bind %d of %s: %w", n, l.listener.tape.Name, err)
		}
		l.said.NextSent() // the same number: one message for each bind
		l.speaker.tape.NextSent()
		_ = l.speaker.conn.Send(answer.Ask(answer.To, l.speaker.tape.Name, n, name))
		if err := l.wait(ctx); err != nil {
			return fmt.Errorf("send %d of %s: %w", n, l.speaker.tape.Name, err)
		}
		if enough() {
			return nil
		}
	}
}

func (l *lane) wait(ctx context.Context) error {
	t := time.NewTimer(answerWithin)
	defer t.Stop()
	select {
	case <-l.answers:
		return nil
	case <-t.C:
		return fmt.Errorf("no answer within %v", answerWithin)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
