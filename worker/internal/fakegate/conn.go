package fakegate

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// Frame is a frame that a conn was sent.
type Frame struct {
	Binary  bool
	Payload []byte
}

// Conn is a client and its socket in one. Gateway.mu guards it.
type Conn struct {
	gateway *Gateway
	id      uint64
	facts   *gatewayv1.ConnFacts

	owner   *peer
	term    uint32
	knows   bool // the owner has the context
	stale   bool // … but user, groups or session have changed since
	events  []event
	sent    int // of events
	lastSeq uint32

	user    string
	groups  []string
	session []byte
	version uint64

	answer    *gatewayv1.OpenAnswer // nil while OnOpen has not answered
	entered   bool                  // no worker can miss it any more
	probation bool
	frames    []Frame
	closed    *gatewayv1.Closed // nil while it is open
	opened    time.Time
	in, out   uint64
}

type event struct {
	kind        record.Kind
	seq         uint32
	binary      bool
	redelivered bool
	body        []byte
}

// Open begins a handshake. Answer tells how it ends.
func (g *Gateway) Open(facts *gatewayv1.ConnFacts, within time.Duration) *Conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := &Conn{gateway: g, id: g.next*0x9E3779B97F4A7C15 | 1, facts: facts, opened: time.Now()}
	g.next++
	g.conns[c.id] = c
	c.push(event{kind: record.KindOpen, body: encode(&gatewayv1.Open{Facts: facts, DeadlineMs: uint32(within.Milliseconds())})})
	return c
}

// ID is the conn's number.
func (c *Conn) ID() uint64 { return c.id }

// Message is a frame of the client.
func (c *Conn) Message(binary bool, payload []byte) {
	c.gateway.mu.Lock()
	defer c.gateway.mu.Unlock()
	if c.closed == nil {
		c.in += uint64(len(payload))
		c.push(event{kind: record.KindMessage, binary: binary, body: slices.Clone(payload)})
	}
}

// Close ends the conn, by the client or by a side of the gateway's choice.
func (c *Conn) Close(code uint32, reason string, by gatewayv1.ClosedBy) {
	c.gateway.mu.Lock()
	defer c.gateway.mu.Unlock()
	c.end(code, reason, by)
}

func (c *Conn) end(code uint32, reason string, by gatewayv1.ClosedBy) {
	if c.closed != nil {
		return
	}
	c.closed = &gatewayv1.Closed{
		Code: code, Reason: reason, By: by, BytesIn: c.in, BytesOut: c.out,
		DurationMs: uint64(time.Since(c.opened).Milliseconds()), Last: c.context(true),
	}
	c.bind("")
	c.leave(c.groups)
	c.push(event{kind: record.KindClosed})
	c.gateway.tell()
}

// push numbers an event and lets it go to the owner.
func (c *Conn) push(e event) {
	c.lastSeq++
	e.seq = c.lastSeq
	c.events = append(c.events, e)
	c.pump()
}

// pump gives the owner, or whoever becomes it, what may go.
func (c *Conn) pump() {
	for c.sent < len(c.events) {
		if c.owner != nil && c.owner.draining && c.sent == 0 {
			c.disown()
		}
		if c.owner == nil {
			if c.owner = c.gateway.pick(); c.owner == nil {
				if !slices.Contains(c.gateway.parked, c) {
					c.gateway.parked = append(c.gateway.parked, c)
				}
				return
			}
			c.owner.owned++
			c.term++
			c.knows = false
		}
		e := c.events[c.sent]
		if c.owner.draining || c.sent >= 32 || c.sent > 0 && c.wantsContext(e) {
			return
		}
		c.deliver(e)
		c.sent++
	}
}

// wantsContext reports whether e needs a Context before it. It waits until all that
// the owner was given is acknowledged: what it still does would not be in it, and a
// session that is older than the owner's own would take its place.
func (c *Conn) wantsContext(e event) bool {
	return e.kind != record.KindOpen && (!c.knows || c.stale)
}

func (c *Conn) deliver(e event) {
	if c.wantsContext(e) {
		m := c.context(!c.knows)
		if c.closed != nil { // what it was
			m.User, m.Groups = c.closed.GetLast().GetUser(), c.closed.GetLast().GetGroups()
		}
		b, err := record.AppendContext(nil, record.Event{Conn: c.id, Term: c.term, Body: encode(m)})
		if err != nil {
			panic(err)
		}
		c.owner.write(b)
		c.knows, c.stale = true, false
	}
	var b []byte
	var err error
	re := record.Event{Conn: c.id, Term: c.term, Seq: e.seq, Redelivered: e.redelivered, Alone: c.gateway.last, Body: e.body}
	switch e.kind {
	case record.KindOpen:
		b, err = record.AppendOpen(nil, re)
	case record.KindClosed:
		m := proto.CloneOf(c.closed) // with what has been written since
		m.Last.Session, m.Last.SessionVersion = c.session, c.version
		re.Body = encode(m)
		b, err = record.AppendClosed(nil, re)
	default:
		b, err = record.AppendMessage(nil, record.Message{
			Conn: c.id, Term: c.term, Seq: e.seq, Binary: e.binary, Redelivered: e.redelivered, Alone: c.gateway.last, Payload: e.body,
		})
	}
	if err != nil {
		panic(err)
	}
	c.owner.write(b)
}

// move takes the conn from its owner; what it had goes again.
func (c *Conn) move() {
	c.disown()
	c.gateway.stats.Moves++
	c.gateway.stats.Redelivered += c.sent
	for i := range c.events[:c.sent] {
		c.events[i].redelivered = true
	}
	c.sent = 0
	c.pump()
}

func (c *Conn) disown() {
	p := c.owner
	if p == nil {
		return
	}
	c.owner, c.knows = nil, false
	p.owned--
	p.tellDrained()
}

// context is what a worker must know.
func (c *Conn) context(whole bool) *gatewayv1.ConnContext {
	m := &gatewayv1.ConnContext{User: c.user, Groups: slices.Clone(c.groups), Session: c.session, SessionVersion: c.version}
	if whole {
		m.Facts = c.facts
	}
	return m
}

func (c *Conn) bind(user string) {
	if user == c.user {
		return
	}
	if c.user != "" {
		c.gateway.remove(name{text: c.user})
	}
	c.user = user
	if user != "" {
		c.gateway.add(name{text: user})
	}
}

// join reports false when the conn is full: it is then in as many as there was room for.
func (c *Conn) join(groups []string) bool {
	for _, group := range groups {
		if !slices.Contains(c.groups, group) {
			if c.gateway.MaxGroups > 0 && len(c.groups) >= c.gateway.MaxGroups {
				return false
			}
			c.groups = append(c.groups[:len(c.groups):len(c.groups)], group)
			c.gateway.add(name{group: true, text: group})
		}
	}
	return true
}

func (c *Conn) leave(groups []string) {
	var left []string
	for _, group := range c.groups {
		if slices.Contains(groups, group) {
			c.gateway.remove(name{group: true, text: group})
		} else {
			left = append(left, group)
		}
	}
	c.groups = left
}

// frame gives the client a frame.
func (c *Conn) frame(f Frame) bool {
	if c.closed != nil || c.answer == nil {
		return false
	}
	f.Payload = slices.Clone(f.Payload)
	c.out += uint64(len(f.Payload))
	c.frames = append(c.frames, f)
	c.gateway.tell()
	return true
}
