package chatclient

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Keep says how much of the log is kept, the newest; the counters count all of it.
// 0: 1,000 of each; All and None say what they say.
type Keep struct {
	Received   int
	Sent       int // those without an answer are kept besides
	Messages   int // per conversation, of what is shown; the unread count needs those behind the mark
	Conns      int
	Violations int
}

// All keeps everything and None nothing.
const (
	All  = -1
	None = -2
)

const defaultKeep = 1000

func (k *Keep) setDefaults() {
	for _, n := range []*int{&k.Received, &k.Sent, &k.Messages, &k.Conns, &k.Violations} {
		if *n == 0 {
			*n = defaultKeep
		}
	}
}

// kept appends to a list of which the newest n stay. It lets the list grow to twice
// that before it cuts, so that an append costs nothing on average.
func kept[T any](list []T, n int, v T) []T {
	switch {
	case n == All:
		return append(list, v)
	case n < 0:
		return list
	}
	if list = append(list, v); len(list) > 2*n {
		list = append(list[:0:0], list[len(list)-n:]...)
	}
	return list
}

// newest is what a list shows: at most n of it.
func newest[T any](list []T, n int) []T {
	if n >= 0 && len(list) > n {
		list = list[len(list)-n:]
	}
	return slices.Clone(list)
}

// at is a moment as the log has it; 0 stays for "never".
func (c *Client) at(t time.Time) time.Duration { return max(t.Sub(c.cfg.Start), 1) }

// breach writes down a broken promise. c.mu is held.
func (c *Client) breach(now time.Time, conversation string, seq int64, b Breach, what string) {
	v := Violation{At: c.at(now), Conn: c.conns, Conversation: conversation, Seq: seq, Breach: b, What: what}
	c.n.Violations++
	c.violations = kept(c.violations, c.cfg.Keep.Violations, v)
	if c.cfg.Hooks.Fault != nil {
		c.cfg.Hooks.Fault(v)
	}
}

// Counters returns the counters.
func (c *Client) Counters() Counters {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// User is the id of the user, "" before the first session.
func (c *Client) User() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.user
}

// Screen returns one conversation as it is shown now; ok is false for one the client
// does not know.
func (c *Client) Screen(conversation string) (s Screen, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.conversations[conversation]
	if v == nil {
		return Screen{}, false
	}
	return c.screen(v, time.Now()), true
}

// Log returns a copy of everything that was written down.
func (c *Client) Log() Log {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	l := Log{
		Device: c.cfg.Device, User: c.user, Live: c.line != nil && c.line.live, Counters: c.n,
		Conns:      newest(c.ended, c.cfg.Keep.Conns),
		Received:   newest(c.received, c.cfg.Keep.Received),
		Violations: newest(c.violations, c.cfg.Keep.Violations),
		Presence:   maps.Clone(c.presence), Conversations: make(map[string]Screen, len(c.conversations)),
	}
	if c.line != nil {
		l.Conns = append(l.Conns, c.line.record)
	}
	l.Sent = newest(c.sent, c.cfg.Keep.Sent)
	for _, q := range c.outbox.queues {
		for _, s := range q.list {
			l.Sent = append(l.Sent, s.record)
		}
	}
	slices.SortStableFunc(l.Sent, func(a, b Sent) int { return cmp.Compare(a.At, b.At) })
	for id, v := range c.conversations {
		l.Conversations[id] = c.screen(v, now)
	}
	return l
}

// screen copies a conversation.
func (c *Client) screen(v *conversation, now time.Time) Screen {
	s := Screen{
		Type: v.kind, Name: v.name, Shown: newest(v.shown, c.cfg.Keep.Messages),
		FromSeq: v.from, Begin: v.begin, Next: v.next, Head: v.head, Rev: v.rev, HeadRev: v.headRev,
		ReadSeq: v.readSeq, Unread: v.unread(), Fell: v.fell, Reads: maps.Clone(v.reads), Open: v.open, Left: v.left,
		Messages: make(map[int64]Message, len(v.now)),
	}
	for seq, m := range v.now {
		s.Messages[seq] = *m
	}
	for user, until := range v.typing {
		if now.Before(until) {
			s.Typing = append(s.Typing, user)
		}
	}
	slices.Sort(s.Typing)
	return s
}
