package ctl

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

// Drain says which process gives everything away and ends.
type Drain struct {
	Node   string
	Role   string // gateway or worker; "": whichever has that name
	NoWait bool   // return when it has begun
}

// drainResult is what happened, for programs.
type drainResult struct {
	Node   string `json:"node"`
	Role   string `json:"role"`
	Before spread `json:"before,omitempty"` // of a gateway
	After  spread `json:"after,omitempty"`
}

// Drain makes a gateway or a worker end in order, and shows until it has.
func (c *Ctl) Drain(ctx context.Context, d Drain) error {
	l, err := c.look(ctx)
	if err != nil {
		return err
	}
	m, err := findNode(l.members.GetMembers(), d)
	if err != nil {
		return err
	}
	r := drainResult{Node: m.GetNode(), Role: m.GetRole()}
	if r.Role == "gateway" {
		r.Before = spreadOf(l.counts)
	}
	err = c.Door.call(ctx, "drainNode", &pushv1.DrainNodeRequest{Role: r.Role, Node: r.Node}, &pushv1.DrainNodeResponse{})
	if err != nil {
		return err
	}
	c.say("%s %s drains.", r.Role, shown(r.Node))
	if !d.NoWait {
		if r.After, err = c.followDrain(ctx, m, r.Before); err != nil {
			return err
		}
		if r.Role == "worker" {
			if slices.ContainsFunc(l.members.GetMembers(), func(o *pushv1.Member) bool { return o.GetRole() == "worker" && o.GetNode() != r.Node }) {
				c.say("%s has ended: the others have its conns.", shown(r.Node))
			} else {
				c.say("%s has ended, and it was the only worker: gateways hold what is said until there is another.", shown(r.Node))
			}
			r.After = nil
		} else {
			c.say("%s has ended.", shown(r.Node))
		}
	}
	if c.JSON {
		text, err := json.Marshal(r)
		if err != nil {
			return err
		}
		return c.emitLine(text)
	}
	if r.After == nil {
		return nil
	}
	return c.compareTable(r.Before, r.After)
}

// findNode is the member that is meant.
func findNode(members []*pushv1.Member, d Drain) (*pushv1.Member, error) {
	var found []*pushv1.Member
	for _, m := range members {
		drains := m.GetRole() == "gateway" || m.GetRole() == "worker"
		if m.GetNode() == d.Node && drains && (d.Role == "" || d.Role == m.GetRole()) {
			found = append(found, m)
		}
	}
	switch {
	case len(found) == 0:
		missing := "gateway and no worker"
		if d.Role != "" { // there may be one of the other role
			missing = d.Role
		}
		return nil, WrongUsage("there is no %s %s: parleyctl members lists them", missing, shown(d.Node))
	case found[0].GetRole() != found[len(found)-1].GetRole():
		return nil, WrongUsage("a gateway and a worker are called %s: --role says which", shown(d.Node))
	}
	return found[0], nil
}

// followDrain looks until that life of the process is gone: no register lists it, and,
// of a gateway, nothing answers under its name, or a later life does. Then it looks until
// the clients are back, for as long as they may take.
func (c *Ctl) followDrain(ctx context.Context, m *pushv1.Member, before spread) (after spread, err error) {
	p := &progress{w: c.Err, terminal: c.Width > 0}
	defer p.end()
	var gone time.Time
	for {
		if err := c.pause(ctx); err != nil {
			return nil, err
		}
		l, err := c.look(ctx)
		if err != nil {
			return nil, err
		}
		after = spreadOf(l.counts)
		listed, reborn := false, false
		for _, other := range l.members.GetMembers() {
			if other.GetRole() == m.GetRole() && other.GetNode() == m.GetNode() {
				listed = listed || other.GetBoot() == m.GetBoot()
				reborn = reborn || other.GetBoot() != m.GetBoot()
			}
		}
		if m.GetRole() == "worker" {
			has := l.counts.GetWorkers()[m.GetNode()]
			if !listed && (reborn || has == nil) {
				return after, nil
			}
			p.show(fmt.Sprintf("%s has %s to give away", shown(m.GetNode()), plural(has.GetConns(), "conn")))
			continue
		}
		_, answers := after[m.GetNode()]
		p.show(moves(m.GetNode(), before, after))
		if listed || !reborn && (answers || slices.Contains(l.counts.GetLost(), m.GetNode())) {
			continue
		}
		if gone.IsZero() {
			gone = c.clock()
		}
		if after.total() >= before.total() || c.clock().After(gone.Add(settleTime)) {
			return after, nil
		}
	}
}
