package link

import (
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/gateway/internal/hub"
	"github.com/parley-im/parley/gateway/internal/ws"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
)

// The credits of a conn: how much it may have under way before its socket is no
// longer read.
const (
	maxUnackedEvents = 32
	maxUnackedBytes  = 256 << 10
)

// phase is where a conn is in its life.
type phase uint8

const (
	opening   phase = iota // the worker has been asked, the 101 is not written
	open                   // in the hub
	abandoned              // the handshake timed out while a worker still may accept
	closed                 // the socket is gone, events may still be unacknowledged
)

// conn is what the link keeps of one socket. The hub's part is embedded, so that
// a conn is one object; the socket with its queue is ws.Conn.
type conn struct {
	hub.Conn
	link *Link
	sock *ws.Conn

	mu     sync.Mutex
	events events
	// owner acts for the conn while term stands. nil: nobody; the next event
	// finds one. Every change of owner raises term.
	owner *worker
	term  uint32
	// knows is the version of the context that owner has; 0: none.
	knows   uint32
	context uint32 // version of user, groups and session; rises with each change from outside the owner's handler
	phase   phase
	kicked  bool          // a worker commanded the end
	moving  bool          // it is asked to go elsewhere once nothing is under way
	holding bool          // owner is to give it up: new events wait until those under way are acknowledged
	why     MoveReason    // why it lost its last owner
	waiting chan struct{} // closed when there may be credit; nil while nobody waits

	pool           string // whose workers serve it; set before anybody else sees the conn
	facts          []byte // ConnFacts, encoded: most conns never need it decoded
	session        []byte
	sessionVersion uint64
	probation      *time.Timer                // closes the conn unless it is confirmed; nil most of the time
	answer         chan *gatewayv1.OpenAnswer // to Open, at most one; nil once the conn is open
}

// full reports whether the socket must not be read on. mu is held.
func (c *conn) full() bool {
	if len(c.events.list) == 0 {
		return false
	}
	return len(c.events.list) >= maxUnackedEvents || c.events.bytes >= maxUnackedBytes || c.link.crowded()
}

// credit returns what is closed when there may be credit again. mu is held.
func (c *conn) credit() <-chan struct{} {
	if c.waiting == nil {
		c.waiting = make(chan struct{})
	}
	return c.waiting
}

// wake lets a waiting reader look again. mu is held.
func (c *conn) wake() {
	if c.waiting != nil {
		close(c.waiting)
		c.waiting = nil
	}
}

// touched notes that user, groups or session are no longer what the owner
// knows. mu is held.
func (c *conn) touched() { c.context++ }

// toldOwner says that the change just noted came from the owner's handler, which
// knows it already. If the owner was behind before, it still is. mu is held.
func (c *conn) toldOwner() {
	if c.knows == c.context-1 {
		c.knows = c.context
	}
}

// contextBody encodes what a worker must know of the conn. whole adds the facts
// of the handshake. mu is held.
func (c *conn) contextBody(whole bool) []byte {
	body := &gatewayv1.ConnContext{
		User:           c.User(),
		Groups:         c.Groups(),
		Session:        c.session,
		SessionVersion: c.sessionVersion,
	}
	if last := c.lastMoment(); last != nil {
		body.User, body.Groups = last.GetUser(), last.GetGroups()
	}
	if whole {
		body.Facts = c.decodeFacts()
	}
	return encode(body)
}

func (c *conn) decodeFacts() *gatewayv1.ConnFacts {
	facts := &gatewayv1.ConnFacts{}
	// The bytes were written by encode a moment ago or an hour: they decode.
	_ = proto.Unmarshal(c.facts, facts)
	return facts
}

// encode marshals a message of ours, which cannot fail: every string in it was
// checked to be UTF-8 on its way in.
func encode(m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		panic("link: marshal " + string(m.ProtoReflect().Descriptor().FullName()) + ": " + err.Error())
	}
	return b
}
