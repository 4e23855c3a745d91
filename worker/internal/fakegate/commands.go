package fakegate

import (
	"errors"
	"fmt"
	"slices"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
)

// refusal is a command that is answered with a status.
type refusal gatewayv1.Status

func (r refusal) Error() string { return gatewayv1.Status(r).String() }

// command does what a worker asks for and answers, at once or when the interest
// has settled.
func (g *Gateway) command(s *session, n uint64, cmd *gatewayv1.Command) {
	m, settle := g.do(cmd)
	if !settle {
		s.answer(n, m)
		return
	}
	s.results[n] = nil
	g.settle(func() { s.answer(n, m) })
}

// do carries out a command. settle says that its answer has to wait until the interest
// has settled.
func (g *Gateway) do(cmd *gatewayv1.Command) (m *gatewayv1.Result, settle bool) {
	m = &gatewayv1.Result{Status: gatewayv1.Status_STATUS_OK}
	var err error
	switch do := cmd.GetDo().(type) {
	case *gatewayv1.Command_Bind:
		settle = true
		err = g.each(connTarget(do.Bind.GetConn()), m, func(c *Conn) { c.bind(do.Bind.GetUser()) })
	case *gatewayv1.Command_Unbind:
		err = g.each(connTarget(do.Unbind.GetConn()), m, func(c *Conn) {
			if do.Unbind.GetUser() == "" || do.Unbind.GetUser() == c.user {
				c.bind("")
			}
		})
	case *gatewayv1.Command_Join:
		settle = true
		err = g.each(do.Join.GetTarget(), m, func(c *Conn) {
			if !c.join(do.Join.GetGroups()) {
				c.stale = true // its owner does not know which it is in
				m.Status, m.Message = gatewayv1.Status_STATUS_LIMIT, "a conn is in too many groups"
				m.Affected--
			}
		})
	case *gatewayv1.Command_Leave:
		err = g.each(do.Leave.GetTarget(), m, func(c *Conn) { c.leave(do.Leave.GetGroups()) })
	case *gatewayv1.Command_Close:
		err = g.each(do.Close.GetTarget(), m, func(c *Conn) { c.closeAs(do.Close.GetClose()) })
	case *gatewayv1.Command_Confirm:
		err = g.each(connTarget(do.Confirm.GetConn()), m, func(c *Conn) { c.probation = false })
	case *gatewayv1.Command_Session:
		err = g.setSession(do.Session, m)
	case *gatewayv1.Command_Query:
		err = g.query(do.Query, m)
	case *gatewayv1.Command_Batch:
		if g.Old {
			return &gatewayv1.Result{Status: gatewayv1.Status_STATUS_UNIMPLEMENTED}, false
		}
		settle, err = g.batch(do.Batch, m)
	case *gatewayv1.Command_Drain:
		err = g.leaveCluster()
	case *gatewayv1.Command_Shed:
		err = g.shed(do.Shed, m)
	case *gatewayv1.Command_DrainWorker:
		err = g.drainWorker(do.DrainWorker, m)
	default:
		err = refusal(gatewayv1.Status_STATUS_UNIMPLEMENTED)
	}
	var refused refusal
	if errors.As(err, &refused) {
		m = &gatewayv1.Result{Status: gatewayv1.Status(refused), SessionVersion: m.GetSessionVersion(), Message: err.Error()}
		settle = false
	}
	return m, settle
}

// batch carries out commands in order and answers each.
func (g *Gateway) batch(b *gatewayv1.Batch, m *gatewayv1.Result) (settle bool, err error) {
	if n := len(b.GetCommands()); n < 1 || n > 1000 {
		return false, refusal(gatewayv1.Status_STATUS_INVALID)
	}
	for _, cmd := range b.GetCommands() {
		if cmd.GetBatch() != nil || cmd.GetQuery() != nil || cmd.GetDrain() != nil || cmd.GetShed() != nil || cmd.GetDrainWorker() != nil {
			m.Results = append(m.Results, &gatewayv1.Result{Status: gatewayv1.Status_STATUS_INVALID, Message: "a batch holds no batch and no query"})
			continue
		}
		one, waits := g.do(cmd)
		m.Results, settle = append(m.Results, one), settle || waits
	}
	return settle, nil
}

func connTarget(ref *gatewayv1.ConnRef) *gatewayv1.Target {
	return &gatewayv1.Target{Of: &gatewayv1.Target_Conn{Conn: ref}}
}

// conn finds one conn, if the worker that asks may act for it.
func (g *Gateway) conn(ref *gatewayv1.ConnRef) (*Conn, error) {
	c := g.conns[ref.GetConn()]
	switch {
	case c == nil || c.closed != nil:
		return nil, refusal(gatewayv1.Status_STATUS_STALE)
	case ref.GetTerm() != 0 && ref.GetTerm() != c.term:
		return nil, refusal(gatewayv1.Status_STATUS_MOVED)
	}
	return c, nil
}

// each does something to the conns of a target.
func (g *Gateway) each(t *gatewayv1.Target, m *gatewayv1.Result, do func(*Conn)) error {
	var conns []*Conn
	own := false
	switch of := t.GetOf().(type) {
	case *gatewayv1.Target_Conn:
		c, err := g.conn(of.Conn)
		if err != nil {
			return err
		}
		own = of.Conn.GetTerm() != 0
		conns = []*Conn{c}
	case *gatewayv1.Target_User:
		conns = g.named(name{text: of.User})
	case *gatewayv1.Target_Group:
		conns = g.named(name{group: true, text: of.Group})
	default:
		return refusal(gatewayv1.Status_STATUS_INVALID)
	}
	for _, c := range conns {
		do(c)
		c.stale = c.stale || !own
		m.Affected++
	}
	return nil
}

func (g *Gateway) query(q *gatewayv1.Query, m *gatewayv1.Result) error {
	for _, user := range q.GetUsers() {
		if conns := g.named(name{text: user}); len(conns) > 0 {
			u := &gatewayv1.UserConns{User: user}
			for _, c := range conns {
				u.Conns = append(u.Conns, c.id)
				for _, group := range c.groups {
					if q.GetUserGroups() && !g.Old && !slices.Contains(u.Groups, group) {
						u.Groups = append(u.Groups, group)
					}
				}
			}
			m.Users = append(m.Users, u)
		}
	}
	for _, group := range q.GetGroups() {
		conns := g.named(name{group: true, text: group})
		count := &gatewayv1.GroupCount{Group: group, Conns: uint32(len(conns))}
		for _, c := range conns {
			if !g.Old && len(count.Users) < int(q.GetGroupUsers()) && c.user != "" && !slices.Contains(count.Users, c.user) {
				count.Users = append(count.Users, c.user)
			}
		}
		if !g.Old {
			users := make(map[string]bool)
			for _, c := range conns {
				users[c.user] = c.user != ""
			}
			delete(users, "")
			count.DistinctUsers = uint32(len(users))
		}
		m.Groups = append(m.Groups, count)
	}
	if q.GetWorkers() && !g.Old {
		m.Workers = g.workers()
	}
	if q.GetList() != nil && !g.Old {
		if err := g.list(q.GetList(), m); err != nil {
			return err
		}
	}
	if q.GetConn() != nil {
		c, err := g.conn(q.GetConn())
		if err != nil {
			return err
		}
		m.Context = c.context(true)
	}
	if q.GetCounts() {
		m.Counts = &gatewayv1.Counts{}
		for _, c := range g.conns {
			if c.closed == nil && c.answer != nil {
				m.Counts.Conns++
			}
		}
		for n := range g.interest.names {
			if n.group {
				m.Counts.Groups++
			} else {
				m.Counts.Users++
			}
		}
	}
	return nil
}

// String tells what a conn is, for the messages of failing tests.
func (c *Conn) String() string {
	c.gateway.mu.Lock()
	defer c.gateway.mu.Unlock()
	return fmt.Sprintf("conn %d of %s: term %d, user %q, groups %q, %d events unacknowledged", c.id, c.gateway.Node, c.term, c.user, c.groups, len(c.events))
}
