package chatclient

import (
	"encoding/json"
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/proto/fault"

	"github.com/parley-im/parley/deploy/client"
)

// call is one call on one conn.
type call struct {
	id       uint64
	method   string
	req, res proto.Message // res is the call's own, and filled when done is called with nil
	since    uint64        // Client.frames when it was made: what it answers is not older
	until    time.Time
	// done is called once, under the lock, with the answer, or with an *Error when it is
	// too late or the conn is lost.
	done func(err error)
	// late is called with an answer that comes after its time; may be nil.
	late func(err error)
}

// maxOverdue bounds the calls of a conn that nobody waits for any more.
const maxOverdue = 256

// envelope is a frame of JSON-RPC, either way round.
type envelope struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *wireError      `json:"error"`
}

var (
	decoding = protojson.UnmarshalOptions{DiscardUnknown: true}
	encoding = protojson.MarshalOptions{}
)

// start makes a call of a conn. An error is a mistake in req. c.mu is held.
func (c *Client) start(l *line, k *call, within time.Duration) error {
	params, err := encoding.Marshal(k.req)
	if err != nil {
		return fmt.Errorf("%s: %w", k.method, err)
	}
	c.calls++
	k.id, k.since, k.until = c.calls, c.frames, time.Now().Add(within)
	frame := make([]byte, 0, len(params)+len(k.method)+64)
	frame = fmt.Appendf(frame, `{"jsonrpc":"2.0","id":%d,"method":%q,"params":`, k.id, k.method)
	frame = append(append(frame, params...), '}')
	l.pending[k.id] = k
	l.out = append(l.out, frame)
	c.wakeUp()
	return nil
}

// receivedFrame takes one message of the socket apart. c.mu is held.
func (c *Client) receivedFrame(l *line, m client.Message, now time.Time) {
	c.frames++
	if m.Op != client.Text {
		c.breach(now, "", 0, NotProtocol, "a binary frame")
		return
	}
	frames := []json.RawMessage{m.Payload}
	if first(m.Payload) == '[' { // answers to a batch, of which this client sends none; a server may yet gather
		frames = nil
		if err := json.Unmarshal(m.Payload, &frames); err != nil {
			c.breach(now, "", 0, NotProtocol, "no JSON")
			return
		}
	}
	for _, f := range frames {
		var e envelope
		switch err := json.Unmarshal(f, &e); {
		case err != nil:
			c.breach(now, "", 0, NotProtocol, "no JSON-RPC")
		case e.Method != "":
			c.pushed(l, e.Method, e.Params, now)
		default:
			c.answered(l, &e, now)
		}
	}
}

// first returns the first byte of JSON that is no space.
func first(b []byte) byte {
	for _, c := range b {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c
		}
	}
	return 0
}

// answered finds the call that an answer belongs to.
func (c *Client) answered(l *line, e *envelope, now time.Time) {
	var id uint64
	if json.Unmarshal(e.ID, &id) != nil {
		c.breach(now, "", 0, NotProtocol, "an answer to no call")
		return
	}
	k, late := l.pending[id], false
	if k == nil {
		k, late = l.overdue[id], true
	}
	if k == nil {
		c.breach(now, "", 0, NotProtocol, "an answer to no call of this conn")
		return
	}
	delete(l.pending, id)
	delete(l.overdue, id)
	err := c.result(k, e, now)
	if err == nil {
		c.absorb(l, k, now)
	}
	if !late {
		k.done(err)
		return
	}
	c.n.Late++
	if k.late != nil {
		k.late(err)
	}
}

// result reads an answer into its call.
func (c *Client) result(k *call, e *envelope, now time.Time) error {
	if e.Error != nil {
		err := e.Error.error()
		if err.Temporary {
			c.n.Temporary++
		}
		if err.Code == fault.Unauthenticated && !withoutSession[k.method] {
			c.renewAt = now // the token has ended
			c.wakeUp()
		}
		return err
	}
	if err := decoding.Unmarshal(e.Result, k.res); err != nil {
		c.breach(now, "", 0, NotProtocol, "the result of "+k.method+" is not what it should be")
		return &Error{Code: fault.Internal, Reason: "INTERNAL", Message: err.Error()}
	}
	return nil
}

// withoutSession are the methods that need no session.
var withoutSession = map[string]bool{"signUp": true, "signIn": true, "refresh": true, "signOut": true, "openSession": true}

// harmless are the methods that change nothing: that one has no answer is no reason to
// compare heads.
var harmless = map[string]bool{
	"getMessages": true, "getChanges": true, "getConversation": true, "listConversations": true, "listMembers": true,
	"getUsers": true, "getPresence": true, "listHeads": true, "setTyping": true, "markRead": true,
	"signUp": true, "signIn": true, "refresh": true, "signOut": true, "renew": true,
}

// expire ends calls whose time is over and returns when the next one's is. Their
// answers may still come.
func (c *Client) expire(l *line, now time.Time) (next time.Time) {
	for _, k := range l.pending {
		switch {
		case now.Before(k.until):
			if next.IsZero() || k.until.Before(next) {
				next = k.until
			}
		default:
			c.n.Timeouts++
			c.giveUp(l, k)
			k.done(errTimeout)
		}
	}
	return next
}

// giveUp lets nobody wait for a call any more. What it changed, if it did, is not
// pushed to the conn that asked for it: so heads are compared.
func (c *Client) giveUp(l *line, k *call) {
	delete(l.pending, k.id)
	if len(l.overdue) >= maxOverdue {
		oldest := k.id
		for id := range l.overdue {
			oldest = min(oldest, id)
		}
		delete(l.overdue, oldest)
	}
	l.overdue[k.id] = k
	if !harmless[k.method] {
		c.compareHeads()
	}
}

// drop ends all calls of a conn that is lost, in the order in which they were made.
func (l *line) drop() {
	for len(l.pending) > 0 {
		first := ^uint64(0)
		for id := range l.pending {
			first = min(first, id)
		}
		k := l.pending[first]
		delete(l.pending, first)
		k.done(errLost)
	}
}
