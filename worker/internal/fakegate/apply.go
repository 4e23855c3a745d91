package fakegate

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// apply does what a worker says.
func (g *Gateway) apply(p *peer, batch []byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.gone {
		return fmt.Errorf("it has been given up")
	}
	var applied uint64
	r := record.NewReader(batch)
	for r.Next() {
		switch r.Kind() {
		case record.KindDone:
			d := r.Done()
			m := &gatewayv1.Effects{}
			for f := range d.Replies.All() {
				m.Replies = append(m.Replies, &gatewayv1.Frame{Opcode: opcode(f.Binary), Payload: f.Payload})
			}
			g.ack(p, d.Conn, d.Term, d.Seq, d.Forget, m)
		case record.KindDoneWith:
			d := r.DoneWith()
			m := &gatewayv1.Effects{}
			if err := proto.Unmarshal(d.Body, m); err != nil {
				return err
			}
			g.ack(p, d.Conn, d.Term, d.Seq, d.Forget, m)
		case record.KindSend:
			s := r.Send()
			if applied = s.N; p.first(s.N) {
				g.send(p, s)
			}
		case record.KindCommand:
			c := r.Command()
			if applied = c.N; p.first(c.N) {
				m := &gatewayv1.Command{}
				if err := proto.Unmarshal(c.Body, m); err != nil {
					return err
				}
				g.stats.Commands++
				g.command(p.session, c.N, m)
			}
		case record.KindDeltaAck:
			p.acked = max(p.acked, r.DeltaAck())
			g.stats.DeltaAcks++
			g.interest.release(g)
		case record.KindBeat:
			if !g.deaf {
				p.write(record.AppendGranted(nil, r.Beat().Token))
			}
		case record.KindAlone:
			if a := r.Alone(); a.Over {
				g.alone = record.Alone{}
			} else {
				g.alone = a
				g.stats.Alone++
				p.write(record.AppendAloneNoted(nil, a.N))
			}
		case record.KindDraining:
			g.drain(p)
		default:
			return fmt.Errorf("unexpected %s", r.Kind())
		}
	}
	if applied > 0 {
		p.write(record.AppendApplied(nil, p.session.applied))
	}
	g.tell()
	return r.Err()
}

func opcode(binary bool) gatewayv1.Opcode {
	if binary {
		return gatewayv1.Opcode_OPCODE_BINARY
	}
	return gatewayv1.Opcode_OPCODE_TEXT
}

// first reports whether number n is to be applied now; otherwise its answer is
// sent again.
func (p *peer) first(n uint64) bool {
	s := p.session
	if n > s.applied {
		s.applied = n
		return true
	}
	p.gateway.stats.Repeats++
	body, known := s.results[n]
	switch {
	case !known:
		p.write(result(n, encode(&gatewayv1.Result{Status: gatewayv1.Status_STATUS_UNKNOWN})))
	case body != nil:
		p.write(result(n, body))
	}
	return false
}

func result(n uint64, body []byte) []byte {
	b, err := record.AppendResult(nil, record.Result{N: n, Body: body})
	if err != nil {
		panic(err)
	}
	return b
}

// answer keeps the result of n and sends it.
func (s *session) answer(n uint64, m *gatewayv1.Result) {
	s.results[n] = encode(m)
	if s.peer != nil {
		s.peer.write(result(n, s.results[n]))
	}
}

// ack takes an event off the list and applies its effects, or refuses.
func (g *Gateway) ack(p *peer, conn uint64, term, seq uint32, forget bool, m *gatewayv1.Effects) {
	c := g.conns[conn]
	if c == nil || c.owner != p || c.term != term || c.sent == 0 || c.events[0].seq != seq {
		g.stats.RefusedOld++
		return
	}
	if g.lost > 0 {
		g.lost--
		p.write(record.AppendRevoked(nil, record.Revoked{Conn: c.id, Term: c.term + 1}))
		c.move()
		return
	}
	e := c.events[0]
	c.events = c.events[1:]
	c.sent--
	c.effects(e, m)
	if forget {
		c.knows = false
	}
	if e.kind == record.KindClosed || c.answer.GetStatus() != 0 {
		delete(g.conns, conn)
		c.disown()
		return
	}
	if p.draining && c.sent == 0 {
		c.disown()
	}
	c.pump()
}

// effects applies what came with an acknowledgement.
func (c *Conn) effects(e event, m *gatewayv1.Effects) {
	if e.kind == record.KindOpen {
		c.answer = m.GetAnswer()
		if c.answer == nil {
			c.answer = &gatewayv1.OpenAnswer{}
		}
		if c.answer.GetStatus() != 0 {
			return
		}
		c.knows = true
		c.facts = proto.CloneOf(c.facts)
		c.facts.Subprotocol = c.answer.GetSubprotocol()
		c.bind(c.answer.GetUser())
		c.join(c.answer.GetGroups())
		c.gateway.settle(func() { c.entered = true; c.gateway.tell() })
		if c.answer.GetHasSession() {
			c.session, c.version = c.answer.GetSession(), 1
		}
		c.probation = c.answer.GetConfirmWithinMs() > 0
		for _, f := range c.answer.GetFirst() {
			c.frame(Frame{f.GetOpcode() == gatewayv1.Opcode_OPCODE_BINARY, f.GetPayload()})
		}
	}
	if w := m.GetSession(); w != nil && c.write(w) != nil {
		c.stale = true // its owner believes that it is written
		return
	}
	for _, f := range m.GetReplies() {
		c.frame(Frame{f.GetOpcode() == gatewayv1.Opcode_OPCODE_BINARY, f.GetPayload()})
	}
	if m.GetClose() != nil {
		c.closeAs(m.GetClose())
	}
}

func (c *Conn) closeAs(m *gatewayv1.CloseConn) {
	if f := m.GetLast(); f != nil {
		c.frame(Frame{f.GetOpcode() == gatewayv1.Opcode_OPCODE_BINARY, f.GetPayload()})
	}
	code := m.GetCode()
	switch {
	case m.GetNow():
		code = 1006
	case code == 0:
		code = 1000
	}
	c.end(code, m.GetReason(), gatewayv1.ClosedBy_CLOSED_BY_WORKER)
}

// drain moves the conns of a worker away as soon as nothing of them is under way.
func (g *Gateway) drain(p *peer) {
	p.draining = true
	for _, c := range g.conns {
		if c.owner == p && c.sent == 0 {
			c.disown()
			c.pump()
		}
	}
	p.tellDrained()
}

func (p *peer) tellDrained() {
	if p.draining && p.owned == 0 && !p.drained && !p.gone {
		p.drained = true
		p.write(record.AppendDrained(nil))
	}
}
