package chatclient

import (
	"time"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
)

// maxHeld bounds what is held ahead in a conversation, messages and changes each.
// Further ones are forgotten: it is known that they are there, so they are fetched.
const maxHeld = 1024

// conversation is one on the screen. Client.mu guards it.
//
// What holds: everything that there is for the user in [begin, next) is on the screen,
// and shows all changes up to rev.
type conversation struct {
	id      string
	kind    chatv1.ConversationType
	name    string
	known   bool   // a head has told where the screen begins
	left    bool   // the user is in it no more; rooms may be open all the same
	doubt   uint64 // Client.frames when it became doubtful whether the user is in it, and since when; 0: it is not
	touched uint64 // Client.frames when something was last pushed of it, or told of it alone
	open    bool   // the user looks at it
	opened  int    // the conn that was told so

	from  int64 // the first message the user may see
	begin int64
	next  int64
	head  int64 // how far it has come, as far as is known
	// Up to floor a message has to be fetched: pushed, it might lack a change that rev
	// counts already.
	floor int64
	held  map[int64]*ahead
	under int64 // the first page was cut: from here on it has been read; 0: it was not

	rev, headRev int64
	heldChanges  map[int64]*chatv1.Change // by rev
	lateChanges  map[int64]*chatv1.Change // of messages from next on; by seq, the newest

	refetch    int64 // from here on messages are fetched anew; 0: none are
	refetchRev int64 // that rev becomes when that begins; 0: it has begun

	shown    []Shown
	now      map[int64]*Message // what is kept of the screen
	keptFrom int64              // the first number that is
	lastSent time.Time
	heard    uint64 // Client.frames when next last rose

	readSeq int64
	markAt  uint64 // Client.frames when it last rose
	fell    int
	said    saidUnread
	reads   map[string]int64
	typing  map[string]time.Time // until when

	listed          bool // in Client.due
	busy            bool // something is being fetched
	gapAt, revGapAt time.Time
	notBefore       time.Time
	pace            pace
	stuck           int // fetches in a row that brought nothing new
}

// ahead is a message that came before its turn.
type ahead struct {
	Message
	via  Via
	conn int
}

func (v *conversation) room() bool { return v.kind == chatv1.ConversationType_CONVERSATION_TYPE_ROOM }

// wanted reports whether the screen is to have all of its messages. Those of a room
// that is not open are not pushed.
func (v *conversation) wanted() bool {
	if v.room() {
		return v.open
	}
	return !v.left
}

// conversation returns the one of an id, and makes it when it is new.
func (c *Client) conversation(id string) *conversation {
	v := c.conversations[id]
	if v == nil {
		v = &conversation{
			id: id, held: map[int64]*ahead{}, heldChanges: map[int64]*chatv1.Change{}, lateChanges: map[int64]*chatv1.Change{},
			now: map[int64]*Message{}, reads: map[string]int64{}, typing: map[string]time.Time{}, pace: c.retryPace(),
		}
		c.conversations[id] = v
	}
	return v
}

// believe ends a doubt by the answer to a call that was made at since, unless it arose
// after that.
func (v *conversation) believe(since uint64) {
	if v.doubt <= since {
		v.doubt = 0
	}
}

// adopt takes a conversation as the user sees it.
func (c *Client) adopt(cv *chatv1.Conversation, since uint64, now time.Time) *conversation {
	v := c.conversation(cv.GetId())
	v.kind = cv.GetType()
	if cv.GetName() != "" {
		v.name = cv.GetName()
	}
	if peer := cv.GetPeer(); peer != "" && peer != c.user {
		c.watch(peer)
	}
	if h := cv.GetHead(); h != nil {
		c.head(v, h, since, now)
		if v.room() && cv.GetRole() == chatv1.Role_ROLE_UNSPECIFIED {
			c.leave(v, since) // it is looked at from outside
		}
	}
	v.touched = c.frames
	return v
}

// head takes a head of the user's own, the answer to a call that was made at since.
func (c *Client) head(v *conversation, h *chatv1.Head, since uint64, now time.Time) {
	if h.GetLeft() && !v.room() {
		c.leave(v, since)
		return
	}
	from := max(h.GetFromSeq(), 1)
	again := v.left && !v.room()
	v.left = h.GetLeft()
	v.believe(since)
	if again && v.touched > since {
		v.doubt = c.frames // what was pushed meanwhile may say that the user is out again
	}
	switch {
	case !v.known || v.room() && len(v.shown) == 0 && v.next == v.begin && !v.open:
		c.meet(v, h, from)
	case again:
		v.floor = max(v.floor, h.GetSeq())
	case h.GetSeq() < v.next-1 && v.heard <= since:
		c.breach(now, v.id, h.GetSeq(), HeadFell, "the head is below what is on the screen")
	}
	c.raiseFrom(v, from)
	v.raise(h.GetSeq(), h.GetRev())
	if !v.left {
		if v.said.seq <= h.GetSeq() {
			v.said = saidUnread{seq: h.GetSeq(), read: h.GetReadSeq(), unread: h.GetUnread()}
		}
		c.mark(v, h.GetReadSeq(), since, now)
	}
	for seq := range v.held {
		if seq <= v.floor {
			delete(v.held, seq)
		}
	}
	c.drain(v, now)
	c.drainChanges(v)
	c.attendAt(v, now)
}

// meet decides where the screen of a conversation begins.
func (c *Client) meet(v *conversation, h *chatv1.Head, from int64) {
	v.known, v.from, v.begin = true, from, from
	switch b := int64(c.cfg.Backlog); {
	case b < 0:
		v.begin = max(from, h.GetSeq()+1)
	case b > 0:
		v.begin = max(from, h.GetSeq()-b+1)
	}
	v.next, v.keptFrom = v.begin, v.begin
	v.rev = h.GetRev()
	v.floor = 0
	if v.rev > 0 {
		v.floor = h.GetSeq()
	}
}

// raiseFrom passes over what is not there for the user any more, or never was.
func (c *Client) raiseFrom(v *conversation, from int64) {
	v.from = max(v.from, from)
	c.skip(v, v.from)
}

// skip goes on at a number without those before it.
func (c *Client) skip(v *conversation, to int64) {
	if v.next >= to {
		return
	}
	c.n.Skipped += to - v.next
	v.next = to
	for seq := range v.held {
		if seq < to {
			delete(v.held, seq)
		}
	}
}

// raise notes how far a conversation has come.
func (v *conversation) raise(seq, rev int64) {
	v.head = max(v.head, seq)
	v.headRev = max(v.headRev, rev)
}

// leave takes a conversation from those whose messages come, by the answer to a call that
// was made at since. If something was pushed meanwhile the user may be in it again.
func (c *Client) leave(v *conversation, since uint64) {
	v.left = true
	v.believe(since)
	if v.touched > since && !v.room() {
		v.doubt = c.frames
		c.attend(v)
	}
	if v.room() && v.open {
		return // it is looked at all the same
	}
	v.open = false
	v.forgetAhead()
}

// forgetAhead forgets what came before its turn: it is fetched if it is wanted. Changes
// that rev counts already stay.
func (v *conversation) forgetAhead() {
	clear(v.held)
	clear(v.heldChanges)
	v.gapAt, v.revGapAt = time.Time{}, time.Time{}
}
