package worker

import (
	"slices"
	"sync"
	"time"

	"github.com/parley-im/parley/proto/connid"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/worker/internal/inbox"
	"github.com/parley-im/parley/worker/internal/link"
)

// Conn is a conn in the hands of a handler, for one event. Its methods may be
// called from several goroutines, until the handler returns: from then on
// everything that would have an effect answers [ErrReturned]. To act for a conn
// at another time keep its ID and use the [Sender].
//
// There are two kinds of effects. Reply, Close, Kill, SetSession and its kin (MergeSession,
// UpdateSession, DeleteSessionKeys) are kept and leave with the acknowledgement of the
// event: they happen exactly once, all together, or not at all when the conn has moved.
// Send, Bind, Unbind, Join, Leave and Confirm happen at once and are refused when the conn
// has moved; when the event is handled again they are done again. In OnOpen all of them are
// part of the one answer, and only OnOpen has SetSubprotocol and ConfirmWithin.
//
// A write of the session that must not pass over somebody else's has no place among what
// happens all together: its failure would take the replies along, and nobody would hear of
// it. Ask at once, through the Sender, with IfVersion(c.SessionVersion()), and reply by what
// it answers; Session shows what was written with the next event.
type Conn struct {
	worker  *Worker
	gateway *link.Gateway
	seat    *inbox.Seat
	ctx     inbox.Ctx
	id      connid.ID
	term    uint32
	event   record.Kind // what the handler was called for
	begun   time.Time

	mu      sync.Mutex
	over    bool // the handler has returned
	known   known
	effects effects
}

// known is what this worker knows of a conn from event to event.
type known struct {
	facts   *Facts
	user    string
	groups  []string // replaced, never changed
	session []byte   // likewise; nil: none
	version uint64   // of the session
}

// noFacts stands in for the facts of a conn of which nothing is known.
var noFacts = &Facts{}

// ID names the conn across the cluster, and for ever: it never means another one.
func (c *Conn) ID() connid.ID { return c.id }

// Number is a positive number below 2^53 made of the ID, for protocols that show
// conns to each other by a number. Nothing can be looked up by it.
func (c *Conn) Number() int64 { return c.id.Number() }

// Facts are what the handshake said.
func (c *Conn) Facts() *Facts {
	if c.known.facts == nil { // set before the handler began, and never after
		return noFacts
	}
	return c.known.facts
}

// User is the user the conn is bound to, "" while there is none: as of this
// event, and of what the handler has done since.
func (c *Conn) User() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known.user
}

// Groups are the groups the conn is in, as of this event and of what the handler
// has done since. The slice must not be changed.
func (c *Conn) Groups() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known.groups
}

// In reports whether the conn is in a group.
func (c *Conn) In(group string) bool { return slices.Contains(c.Groups(), group) }

// Session is the content that SetSession or MergeSession gave the conn, nil when nobody
// did. It must not be changed.
func (c *Conn) Session() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known.session
}

// SessionVersion rises by one with every write of the session; 0: there is none. The
// write of this handler does not count yet.
func (c *Conn) SessionVersion() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known.version
}

// Sender sends to everybody else.
func (c *Conn) Sender() *Sender { return &c.worker.sender }

// ref names the conn to its gateway, as this worker in this term.
func (c *Conn) ref() *gatewayv1.ConnRef {
	return &gatewayv1.ConnRef{Conn: c.id.Conn, Term: c.term}
}

// learn merges what a gateway says of a conn. Facts are there only at first. A session
// that is not newer than what is known was read before our own last write arrived.
func (k *known) learn(m *gatewayv1.ConnContext) {
	if m.GetFacts() != nil {
		k.facts = factsOf(m.GetFacts())
	}
	k.user, k.groups = m.GetUser(), m.GetGroups()
	if v := m.GetSessionVersion(); v > k.version {
		k.session, k.version = append([]byte{}, m.GetSession()...), v
	}
}
