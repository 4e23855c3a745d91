package chatclient

import (
	"time"

	"google.golang.org/protobuf/proto"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
)

const (
	perPage     = 200 // messages and changes per fetch
	maxFetching = 4   // calls of a client that fetch at the same time
	maxStuck    = 6   // fetches that bring nothing new until what was announced is given up
)

// task is what a conversation needs next.
type task int

const (
	nothing task = iota
	asking       // for the user's own view of it
	opening      // tell the conn that it is looked at
	anew         // messages that changed too often to be told one by one
	history
	changes
)

// need is what a conversation needs next, and from when on.
func (v *conversation) need(conn int) (t task, at time.Time) {
	switch {
	case v.busy:
		return nothing, at
	case v.doubt > 0 || (!v.known || v.kind == 0) && !v.left || v.left && !v.room() && len(v.held) > 0:
		t = asking
	case v.open && v.opened != conn:
		t = opening
	case !v.wanted():
		return nothing, at
	case v.refetch > 0:
		t = anew
	case v.next <= v.head:
		t, at = history, v.gapAt
	case v.rev < v.headRev:
		t, at = changes, v.revGapAt
	}
	if at.Before(v.notBefore) {
		at = v.notBefore
	}
	return t, at
}

// attend looks after a conversation: what is missing is fetched when it has not come
// within the hold.
func (c *Client) attend(v *conversation) { c.attendWithin(v, time.Now(), jittered(c.cfg.Times.Hold)) }

// attendAt is attend for what is missing for sure.
func (c *Client) attendAt(v *conversation, now time.Time) { c.attendWithin(v, now, 0) }

func (c *Client) attendWithin(v *conversation, now time.Time, hold time.Duration) {
	gap(&v.gapAt, v.known && v.next <= v.head, now.Add(hold))
	gap(&v.revGapAt, v.known && v.rev < v.headRev, now.Add(hold))
	if t, _ := v.need(c.conns); t != nothing && !v.listed {
		v.listed = true
		c.due = append(c.due, v)
		c.wakeUp()
	} else if t != nothing && hold == 0 {
		c.wakeUp()
	}
}

// gap keeps since when, and so until when, something is missing.
func gap(at *time.Time, missing bool, until time.Time) {
	switch {
	case !missing:
		*at = time.Time{}
	case at.IsZero() || until.Before(*at):
		*at = until
	}
}

// repair fetches what it is time for.
func (c *Client) repair(l *line, now time.Time) (next time.Time) {
	if !l.live {
		return next
	}
	still := c.due[:0]
	for _, v := range c.due {
		t, at := v.need(l.n)
		if t == nothing {
			v.listed = false // whoever changes that attends to it
			continue
		}
		still = append(still, v)
		if at.Before(c.fetchAt) {
			at = c.fetchAt
		}
		switch {
		case now.Before(at):
			if next.IsZero() || at.Before(next) {
				next = at
			}
		case c.fetching < maxFetching:
			c.fetch(l, v, t)
		}
	}
	clear(c.due[len(still):])
	c.due = still
	return next
}

// fetch makes the call that a task takes. One at a time per conversation.
func (c *Client) fetch(l *line, v *conversation, t task) {
	k := &call{}
	var took func(now time.Time)
	switch t {
	case asking:
		k.method, k.req = "getConversation", &chatv1.GetConversationRequest{Conversation: v.id}
		k.res = &chatv1.GetConversationResponse{}
		took = func(time.Time) { v.believe(k.since) }
	case opening:
		k.method, k.req = "openConversation", &chatv1.OpenConversationRequest{Conversation: v.id}
		k.res = &chatv1.OpenConversationResponse{}
		took = func(time.Time) {}
	case anew:
		res := &chatv1.GetMessagesResponse{}
		k.method, k.req, k.res = "getMessages", c.messagesFrom(v, v.refetch), res
		took = func(now time.Time) { c.tookAnew(l, v, res, now) }
	case history:
		res, from := &chatv1.GetMessagesResponse{}, v.next
		k.method, k.req, k.res = "getMessages", c.messagesFrom(v, from), res
		took = func(now time.Time) { c.tookHistory(l, v, from, res, now) }
		if v.next == v.begin {
			c.n.Backfills++
		} else {
			c.n.HistoryFetches++
		}
	case changes:
		res := &chatv1.GetChangesResponse{}
		k.method, k.res = "getChanges", res
		k.req = &chatv1.GetChangesRequest{Conversation: v.id, After: v.rev, Limit: c.page}
		took = func(now time.Time) { c.tookChanges(v, res, now) }
		c.n.ChangeFetches++
	}
	v.busy = true
	c.fetching++
	k.done = func(err error) {
		v.busy = false
		c.fetching--
		c.fetched(v, t, k, err, took)
	}
	if err := c.start(l, k, c.cfg.Times.Call); err != nil {
		k.done(err)
	}
}

// messagesFrom asks for a page that begins at seq. Without a bound below the newest
// would come, so the first page has one above.
func (c *Client) messagesFrom(v *conversation, seq int64) proto.Message {
	req := &chatv1.GetMessagesRequest{Conversation: v.id, After: seq - 1, Limit: c.page}
	if req.GetAfter() == 0 {
		if req.Before = v.under; v.under == 0 {
			req.Before = int64(c.page) + 1
		}
	}
	return req
}

// cut reports whether a page that was to begin at from lacks its beginning, and has that
// fetched next. Only the first page can: it has no bound below, so it is cut there when
// it is too long for one answer.
func (v *conversation) cut(from int64, res *chatv1.GetMessagesResponse) bool {
	v.under = 0
	list := res.GetMessages()
	if from > 1 || !res.GetMore() || len(list) == 0 || list[0].GetSeq() <= max(from, res.GetFirstSeq()) {
		return false
	}
	v.under = list[0].GetSeq()
	return true
}

// fetched ends a task.
func (c *Client) fetched(v *conversation, t task, k *call, err error, took func(now time.Time)) {
	now := time.Now()
	switch {
	case err == nil:
		v.notBefore, c.fetchAt = time.Time{}, time.Time{}
		c.fetchPace.reset()
		if t == asking || t == opening || v.wanted() { // it may have been left meanwhile
			took(now)
		}
		if v.stuck == 0 {
			v.pace.reset()
		}
	case err == errLost: //nolint:errorlint // it is this very one: the next conn goes on
	case codeOf(err) == fault.NotFound || codeOf(err) == fault.Forbidden:
		if t == opening || v.room() {
			v.open = false
		}
		c.leave(v, k.since)
		v.notBefore = now.Add(v.pace.next(0)) // pushes of it may go on to come for a moment
	case !final(err):
		// It is not this conversation's trouble: all wait, and the first answer lets all go
		// on. What was asked at the same time and fails too makes the pause no longer.
		if !now.Before(c.fetchAt) {
			c.fetchAt = now.Add(c.fetchPace.next(retryAfter(err)))
		}
	default:
		if t == opening {
			v.open = false
		}
		v.notBefore = now.Add(v.pace.next(0))
	}
	c.attendAt(v, now)
	c.wakeUp()
}
