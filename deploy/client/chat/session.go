package chatclient

import (
	"time"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
)

// enter opens the session of a conn, and gets a token before if there is none.
func (c *Client) enter(l *line, now time.Time) time.Time {
	switch {
	case l.live || l.entering || l.fatal != nil:
		return time.Time{}
	case now.Before(l.entryAt):
		return l.entryAt
	}
	l.entering = true
	// A token that has ended by our clock is not worth a try, unless it is new: then our
	// clock is wrong.
	ends := c.auth.tokens.GetAccessExpiresAt()
	if !l.tokened && ends != nil && !now.Before(ends.AsTime()) {
		c.auth.spend()
	}
	if c.auth.tokens.GetAccess() == "" {
		c.obtain(l, func(err error) {
			l.tokened = true
			c.entered(l, err)
		})
		return time.Time{}
	}
	res := &chatv1.OpenSessionResponse{}
	k := &call{method: "openSession", res: res, req: &chatv1.OpenSessionRequest{
		Token: c.auth.tokens.GetAccess(), Device: c.cfg.Device, Client: c.cfg.Program, Cursor: c.cursor,
	}}
	k.done = func(err error) {
		switch {
		case err == nil:
			c.opened(l, k, res, time.Now())
		case err == errTimeout: //nolint:errorlint // it is this very one
			l.conn.Cut() // another gateway may have somebody who answers
		case codeOf(err) == fault.Unauthenticated && c.auth.refused < maxRefused:
			c.auth.refused++
			c.auth.spend()
			c.entered(l, nil)
		default:
			c.entered(l, err)
		}
	}
	if err := c.start(l, k, c.cfg.Times.Open); err != nil {
		c.entered(l, err)
	}
	return time.Time{}
}

// entered is called when a step towards the session was made, or failed.
func (c *Client) entered(l *line, err error) {
	l.entering = false
	switch {
	case err == nil:
	case final(err):
		c.fail(l, err)
	default:
		l.entryAt = time.Now().Add(l.entry.next(retryAfter(err)))
	}
	c.wakeUp()
}

// opened makes a conn live: what waited for it goes out now, in order.
func (c *Client) opened(l *line, k *call, res *chatv1.OpenSessionResponse, now time.Time) {
	l.live, l.entering = true, false
	l.record.Live, l.record.Resumed = c.at(now), c.cursor != ""
	c.n.Sessions++
	if l.record.Resumed {
		c.n.Resumes++
	}
	c.auth.refused, c.auth.signUp = 0, ""
	c.user = res.GetUser().GetId()
	if s := res.GetHeartbeatSeconds(); s > 0 {
		l.conn.SetSilence(2 * time.Duration(s) * time.Second)
	}
	c.ends(res.GetTokenExpiresAt().AsTime(), now)
	again := c.look.again // a resync that came before the answer may be about what came after the heads were read
	c.look.begin(k.since)
	c.look.again = again
	c.heads(k, res.GetHeads(), now)
	c.looked(res.GetMore(), res.GetComplete(), res.GetCursor())
	c.lookAround()
	c.fetchAt = time.Time{}
	c.fetchPace.reset()
	for _, v := range c.conversations {
		c.attendAt(v, now)
	}
	c.tell()
	c.wakeUp()
	if c.cfg.Hooks.Live != nil {
		c.cfg.Hooks.Live(true)
	}
}

// look is one comparison of heads: what openSession answered and the pages after it.
type look struct {
	running  bool
	asked    bool // for a page
	again    bool // another look is wanted after this one
	cursor   string
	complete bool
	seen     map[string]bool
	since    uint64    // Client.frames when it began
	at       time.Time // not before
	pace     pace
}

func (k *look) begin(since uint64) {
	*k = look{running: true, seen: map[string]bool{}, since: since, pace: k.pace}
}

// compareHeads makes the client ask for heads and compare them with its screens. A room
// that is looked at from outside is not among them: it is opened once more.
func (c *Client) compareHeads() {
	c.look.again = true
	for _, v := range c.conversations {
		if v.room() && v.open && v.left {
			v.opened = 0
			c.attend(v)
		}
	}
	c.wakeUp()
}

// compare asks for the next page of a look, or begins another one.
func (c *Client) compare(l *line, now time.Time) time.Time {
	k := &c.look
	switch {
	case !l.live || k.asked || !k.running && !k.again:
		return time.Time{}
	case now.Before(k.at):
		return k.at
	case !k.running:
		cursor := c.cursor
		k.begin(c.frames)
		k.cursor = cursor
	}
	k.asked = true
	res := &chatv1.ListHeadsResponse{}
	ask := &call{method: "listHeads", req: &chatv1.ListHeadsRequest{Cursor: k.cursor}, res: res}
	ask.done = func(err error) {
		k.asked = false
		switch {
		case err == nil:
			k.pace.reset()
			c.heads(ask, res.GetHeads(), time.Now())
			c.looked(res.GetMore(), res.GetComplete(), res.GetCursor())
		case final(err): // the cursor is worth nothing any more: everything, then
			c.cursor, k.running, k.again = "", false, true
			fallthrough
		default:
			k.at = time.Now().Add(k.pace.next(retryAfter(err)))
		}
		c.wakeUp()
	}
	if err := c.start(l, ask, c.cfg.Times.Call); err != nil {
		c.fail(l, err)
	}
	return time.Time{}
}

// heads takes a page.
func (c *Client) heads(k *call, heads []*chatv1.Head, now time.Time) {
	for _, h := range heads {
		c.look.seen[h.GetConversation()] = true
		v := c.conversation(h.GetConversation())
		if h.GetType() != 0 {
			v.kind = h.GetType()
		}
		c.head(v, h, k.since, now)
	}
}

// looked goes on with a look after a page. The cursor counts when all pages have come:
// one of a page in between stands for a look that nobody would finish.
func (c *Client) looked(more, complete bool, cursor string) {
	k := &c.look
	k.cursor, k.complete = cursor, k.complete || complete
	if more {
		return
	}
	k.running, c.cursor = false, cursor
	if !k.complete {
		return
	}
	for id, v := range c.conversations {
		switch {
		case k.seen[id] || v.room() && v.open:
		case v.touched > k.since: // it may have been made since the look began
			v.doubt = c.frames
			c.attend(v)
		default:
			c.leave(v, k.since)
		}
	}
}

// leaveAll forgets what was under way on a conn that is lost.
func (c *Client) leaveAll() {
	c.look = look{pace: c.retryPace()}
	c.fetching = 0
	for _, v := range c.conversations {
		v.busy = false
	}
}
