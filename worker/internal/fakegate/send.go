package fakegate

import (
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// send gives a frame to whoever it is for.
func (g *Gateway) send(p *peer, s record.SendView) {
	g.stats.Sends++
	m := &gatewayv1.Result{Status: gatewayv1.Status_STATUS_OK}
	defer func() {
		if s.WantResult {
			p.session.answer(s.N, m)
		}
	}()
	if !s.Once.IsZero() {
		if g.once[s.Once] {
			m.Duplicate = true
			return
		}
		defer func() { // who comes later has not had what reached nobody
			if m.Hit > 0 {
				g.once[s.Once] = true
			}
		}()
	}
	to := make(map[*Conn]bool)
	switch s.Target {
	case record.ToConns:
		for id := range s.Conns.All() {
			if c := g.conns[id]; c != nil && c.closed == nil {
				to[c] = true
			} else {
				m.Missed++
			}
		}
	case record.ToAll:
		for _, c := range g.conns {
			to[c] = true
		}
	default:
		for text := range s.Names.All() {
			named := g.named(name{group: s.Target == record.ToGroups, text: string(text)})
			for _, c := range named {
				to[c] = true
			}
			if len(named) == 0 {
				m.Missed++
				if s.Target == record.ToUsers && len(m.Offline) < 1000 {
					m.Offline = append(m.Offline, string(text))
				}
			}
		}
	}
	for id := range s.Exclude.All() {
		delete(to, g.conns[id])
	}
	for user := range s.ExceptUsers.All() {
		for _, c := range g.named(name{text: string(user)}) {
			delete(to, c)
		}
	}
	for c := range to {
		if c.frame(c.choose(s.Bodies)) {
			m.Hit++
		}
	}
}

// choose returns the body for the conn's subprotocol.
func (c *Conn) choose(bodies record.Bodies) (f Frame) {
	for b := range bodies.All() {
		if name := string(b.Subprotocol); name == "" || name == c.facts.GetSubprotocol() {
			f = Frame{b.Binary, b.Payload}
			if name != "" {
				return f
			}
		}
	}
	return f
}

// named returns the open conns of a user or group.
func (g *Gateway) named(n name) (conns []*Conn) {
	for _, c := range g.conns {
		if c.closed != nil || c.answer == nil {
			continue
		}
		if !n.group && c.user == n.text {
			conns = append(conns, c)
		}
		if n.group {
			for _, group := range c.groups {
				if group == n.text {
					conns = append(conns, c)
				}
			}
		}
	}
	return conns
}
