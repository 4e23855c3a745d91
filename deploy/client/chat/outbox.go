package chatclient

import (
	"context"
	"errors"
	"fmt"
	"time"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
)

// Sending is a message on its way.
type Sending struct {
	RequestID    string // chosen once, and kept whatever happens
	Conversation string

	done    chan struct{}
	message Message // when done is closed
	err     error   // instead of it

	// Client.mu guards these.
	record    Sent
	over      bool // done is closed
	flying    bool // a try waits for its answer
	notBefore time.Time
	pace      pace
	within    time.Duration // for the next answer
}

// Done is closed when the message was answered for good.
func (s *Sending) Done() <-chan struct{} { return s.done }

// Wait waits for the answer: the message as it is stored, or the error that no further
// try would mend. When ctx ends before, the message is still on its way.
func (s *Sending) Wait(ctx context.Context) (Message, error) {
	select {
	case <-s.done:
		return s.message, s.err
	case <-ctx.Done():
		return Message{}, fmt.Errorf("send %s: %w", s.RequestID, context.Cause(ctx))
	}
}

// outbox has what waits for an answer. Client.mu guards it.
type outbox struct {
	queues map[string]*queue // by conversation; those without a message are not in it
	length int
	flying int
}

// queue has the messages of one conversation: the first is on its way, the others wait.
type queue struct {
	list []*Sending
}

// maxFlying bounds the tries under way, each of another conversation: below what a
// gateway takes from one conn before it stops reading it.
const maxFlying = 16

// Send makes a message one that is sent until it is answered for good. It does not
// wait; when too many wait already it returns [ErrOutboxFull].
func (c *Client) Send(conversation, text string) (*Sending, error) {
	if conversation == "" {
		return nil, errors.New("send: no conversation")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.over != nil:
		return nil, c.over
	case c.outbox.length >= c.cfg.Outbox:
		return nil, ErrOutboxFull
	}
	s := &Sending{RequestID: newRequestID(), Conversation: conversation, done: make(chan struct{}), pace: c.retryPace(), within: c.cfg.Times.Send}
	s.record = Sent{Conversation: conversation, RequestID: s.RequestID, Text: text, At: c.at(time.Now())}
	q := c.outbox.queues[conversation]
	if q == nil {
		q = &queue{}
		c.outbox.queues[conversation] = q
	}
	q.list = append(q.list, s)
	c.outbox.length++
	c.n.Sends++
	c.wakeUp()
	return s, nil
}

// Outstanding is how many sends wait for an answer.
func (c *Client) Outstanding() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.outbox.length
}

// post sends what it is time for.
func (c *Client) post(l *line, now time.Time) (next time.Time) {
	if !l.live {
		return next
	}
	for _, q := range c.outbox.queues {
		switch s := q.list[0]; {
		case s.flying:
		case now.Before(s.notBefore):
			if next.IsZero() || s.notBefore.Before(next) {
				next = s.notBefore
			}
		case c.outbox.flying < maxFlying:
			c.try(l, s)
		}
	}
	return next
}

// try sends a message once.
func (c *Client) try(l *line, s *Sending) {
	if s.record.Tries++; s.record.Tries > 1 {
		c.n.Resends++
	}
	res := &chatv1.SendMessageResponse{}
	k := &call{method: "sendMessage", res: res, req: &chatv1.SendMessageRequest{
		Conversation: s.Conversation, RequestId: s.RequestID, Text: s.record.Text,
	}}
	s.flying = true
	c.outbox.flying++
	k.done = func(err error) {
		s.flying = false
		c.outbox.flying--
		c.tried(s, res, err)
	}
	// A late answer is as good as one in time; a late refusal is left to the next try.
	k.late = func(err error) {
		if err == nil {
			c.tried(s, res, nil)
		}
	}
	if err := c.start(l, k, s.within); err != nil {
		k.done(err)
	}
}

// tried takes the outcome of a try.
func (c *Client) tried(s *Sending, res *chatv1.SendMessageResponse, err error) {
	now := time.Now()
	m := res.GetMessage()
	switch {
	case err == nil && s.over:
		if m.GetSeq() != s.record.Seq && s.err == nil {
			c.breach(now, s.Conversation, m.GetSeq(), AckChanged, fmt.Sprintf("%s was %d", s.RequestID, s.record.Seq))
		}
	case s.over:
	case err == nil:
		if m.GetSeq() < 1 || m.GetConversation() != s.Conversation || m.GetRequestId() != "" && m.GetRequestId() != s.RequestID {
			c.breach(now, s.Conversation, m.GetSeq(), AckChanged, "the answer to "+s.RequestID+" is about another message")
		}
		c.n.Acks++
		s.message = c.messageOf(m)
		s.record.Acked, s.record.Seq, s.record.Duplicate = c.at(now), m.GetSeq(), res.GetDuplicate()
		c.settle(s)
	case err == errLost: //nolint:errorlint // it is this very one: the next conn goes on
	case err == errTimeout: //nolint:errorlint // it is this very one
		s.within = min(2*s.within, c.cfg.Times.SendMost)
	case final(err) && codeOf(err) != fault.Unauthenticated: // for that, the conn is given another token
		c.n.Refused++
		s.record.Refused, s.record.Code = true, codeOf(err)
		s.err = fmt.Errorf("send %s: %w", s.RequestID, err)
		c.settle(s)
	default:
		s.notBefore = now.Add(s.pace.next(retryAfter(err)))
	}
	c.wakeUp()
}

// settle takes a message out of the outbox. It is the first of its queue.
func (c *Client) settle(s *Sending) {
	s.over = true
	close(s.done)
	c.outbox.length--
	q := c.outbox.queues[s.Conversation]
	q.list[0] = nil
	if q.list = q.list[1:]; len(q.list) == 0 {
		delete(c.outbox.queues, s.Conversation)
	}
	c.sent = kept(c.sent, c.cfg.Keep.Sent, s.record)
	if c.cfg.Hooks.Sent != nil {
		c.cfg.Hooks.Sent(s.record)
	}
}

// failSends ends all that wait, when there will be no conn any more. Whether they were
// stored is not known.
func (c *Client) failSends(err error) {
	for len(c.outbox.queues) > 0 {
		for _, q := range c.outbox.queues {
			s := q.list[0]
			s.err = fmt.Errorf("send %s: %w", s.RequestID, err)
			c.settle(s)
		}
	}
}
