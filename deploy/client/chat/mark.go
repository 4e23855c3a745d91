package chatclient

import (
	"fmt"
	"time"
)

// saidUnread is what the server said last: with the mark at read, of the messages up
// to seq so many are unread.
type saidUnread struct {
	seq, read, unread int64
}

// mark takes the user's read mark, a level: a lower one is older. But one that answers
// a call which was made when the higher one was known already has moved back. since is
// 0 for what is no answer.
func (c *Client) mark(v *conversation, read int64, since uint64, now time.Time) {
	switch {
	case read > v.readSeq:
		v.readSeq, v.markAt = read, c.frames
	case read < v.readSeq && since > 0 && v.markAt <= since && v.markAt > 0:
		v.fell++
		c.breach(now, v.id, read, MarkFell, fmt.Sprintf("it stood at %d and stands at %d", v.readSeq, read))
	}
}

// ownMark moves the mark to a message of the user's own, as the server does.
func (c *Client) ownMark(v *conversation, seq int64) {
	if seq > v.readSeq {
		v.readSeq, v.markAt = seq, c.frames
		v.said = saidUnread{seq: seq, read: seq}
	}
}

// markedRead takes what a mark is said to leave unread. It does not say of how many
// messages: those on the screen, about.
func (c *Client) markedRead(v *conversation, read, unread int64, since uint64, now time.Time) {
	c.mark(v, read, since, now)
	if read == v.readSeq {
		v.said = saidUnread{seq: v.next - 1, read: read, unread: unread}
	}
}

// unread counts the messages behind the mark. Where the screen has all of them it
// counts them itself; where it does not, it goes on from what the server said.
func (v *conversation) unread() int64 {
	if v.left {
		return 0
	}
	from := max(v.readSeq+1, v.from)
	if v.known && v.next > v.head && from >= v.begin && from >= v.keptFrom {
		return v.count(from)
	}
	if v.said.read != v.readSeq {
		return v.said.unread
	}
	return v.said.unread + v.count(max(v.said.seq+1, from))
}

// count counts the kept messages from a number on that count.
func (v *conversation) count(from int64) (n int64) {
	if v.next-from > int64(len(v.now)) { // a screen may have passed over any number of them
		for seq, m := range v.now {
			if seq >= from && m.counts() {
				n++
			}
		}
		return n
	}
	for seq := from; seq < v.next; seq++ {
		if m := v.now[seq]; m != nil && m.counts() {
			n++
		}
	}
	return n
}
