package chatclient

import (
	"fmt"
	"time"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
)

// tookHistory takes a page of what was missing from a seq on.
func (c *Client) tookHistory(l *line, v *conversation, from int64, res *chatv1.GetMessagesResponse, now time.Time) {
	before, cut := v.next, v.cut(from, res)
	c.raiseFrom(v, res.GetFirstSeq())
	for _, m := range res.GetMessages() {
		if m.GetSeq() > v.next && !cut {
			c.breach(now, v.id, v.next, Hole, fmt.Sprintf("%d comes after %d", m.GetSeq(), v.next-1))
			c.skip(v, m.GetSeq())
		}
		c.take(v, c.messageOf(m), Fetched, l.n, now)
	}
	c.drain(v, now)
	v.raise(res.GetHeadSeq(), res.GetHeadRev())
	if v.next > before || v.next > v.head || cut {
		v.stuck = 0
		return
	}
	// Nothing new, although something was announced.
	v.notBefore = now.Add(v.pace.next(0))
	if v.stuck++; v.stuck < maxStuck {
		return
	}
	v.stuck = 0
	c.breach(now, v.id, v.next, Phantom, fmt.Sprintf("%d was announced, the conversation has %d", v.head, res.GetHeadSeq()))
	v.head = max(res.GetHeadSeq(), v.next-1)
	for seq := range v.held {
		if seq > v.head {
			delete(v.held, seq)
		}
	}
}

// tookAnew takes a page of messages that changed too often to be told one by one.
func (c *Client) tookAnew(l *line, v *conversation, res *chatv1.GetMessagesResponse, now time.Time) {
	if v.refetchRev > 0 {
		// What is pushed from now on shows changes after this rev; what was pushed before
		// may lack some that count as seen from here on.
		v.rev, v.refetchRev = max(v.rev, v.refetchRev), 0
		v.floor = max(v.floor, res.GetHeadSeq())
		for seq := range v.held {
			if seq <= v.floor {
				delete(v.held, seq)
			}
		}
		c.drainChanges(v)
	}
	cut := v.cut(v.refetch, res)
	from := max(v.refetch, res.GetFirstSeq()) // what is below is not on the screen any more, or not the user's
	for _, m := range res.GetMessages() {
		from = m.GetSeq() + 1
		if m.GetSeq() <= v.next {
			c.take(v, c.messageOf(m), Fetched, l.n, now)
		}
	}
	v.raise(res.GetHeadSeq(), res.GetHeadRev())
	if cut {
		return // what is on the screen of it is anew already
	}
	if from == v.refetch || from >= v.next {
		from = 0
	}
	v.refetch = from
}

// tookChanges takes a page of changes.
func (c *Client) tookChanges(v *conversation, res *chatv1.GetChangesResponse, now time.Time) {
	v.raise(0, res.GetHeadRev())
	if from := res.GetRefetchFrom(); from > 0 {
		c.n.Refetches++
		// Even if nothing of it is on the screen a page has to be read: it says up to which
		// message the changes that are passed over may be about.
		v.refetch, v.refetchRev = max(from, v.begin, v.from), res.GetHeadRev()
		return
	}
	before := v.rev
	for _, ch := range res.GetChanges() {
		if ch.GetRev() > v.rev+1 {
			c.breach(now, v.id, ch.GetSeq(), Hole, fmt.Sprintf("rev %d comes after %d", ch.GetRev(), v.rev))
			v.rev = ch.GetRev() - 1
		}
		c.takeChange(v, ch, now)
	}
	if v.rev > before || v.rev >= v.headRev {
		v.stuck = 0
		return
	}
	v.notBefore = now.Add(v.pace.next(0))
	if v.stuck++; v.stuck < maxStuck || len(res.GetChanges()) > 0 {
		return
	}
	v.stuck = 0
	c.breach(now, v.id, 0, Phantom, fmt.Sprintf("rev %d was announced, the conversation has %d", v.headRev, res.GetHeadRev()))
	v.headRev = max(res.GetHeadRev(), v.rev)
	clear(v.heldChanges)
}
