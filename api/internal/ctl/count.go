package ctl

import (
	"context"
	"maps"
	"slices"

	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

// Count tells how many conns, users and groups there are, at each gateway and in all.
func (c *Ctl) Count(ctx context.Context) error {
	res := &pushv1.GetTotalsResponse{}
	if err := c.Door.call(ctx, "getTotals", &pushv1.GetTotalsRequest{}, res); err != nil {
		return err
	}
	if c.JSON {
		if err := c.emit(res); err != nil {
			return err
		}
		return lost(res.GetLost())
	}
	var rows [][]string
	row := func(name string, n *pushv1.Counts) {
		rows = append(rows, []string{name, count(n.GetGroups()), count(n.GetUsers()), count(n.GetConns())})
	}
	for _, node := range slices.Sorted(maps.Keys(res.GetGateways())) {
		row(shown(node), res.GetGateways()[node])
	}
	row("all", res.GetTotal())
	t := newTable(c.Width, column{title: "GATEWAY"}, column{title: "GROUPS", right: true}, column{title: "USERS", right: true}, column{title: "CONNS", right: true})
	if err := t.write(c.Out, rows); err != nil {
		return err
	}
	if len(res.GetGateways()) > 1 {
		c.say("Who has conns at two gateways counts twice among users; so do groups.")
	}
	return lost(res.GetLost())
}

// CountGroups tells how large some groups are; one without conns has none.
func (c *Ctl) CountGroups(ctx context.Context, groups []string) error {
	t := newTable(c.Width, column{title: "GROUP"}, column{title: "USERS", right: true}, column{title: "CONNS", right: true})
	away, err := c.groupRows(ctx, t, groups)
	if err != nil {
		return err
	}
	return lost(away)
}

// Online tells which users have conns, and how many.
func (c *Ctl) Online(ctx context.Context, users []string) error {
	res := &pushv1.IsOnlineResponse{}
	if err := c.Door.call(ctx, "isOnline", &pushv1.IsOnlineRequest{Users: users}, res); err != nil {
		return err
	}
	t := newTable(c.Width, column{title: "USER"}, column{title: "STATE"}, column{title: "CONNS", right: true})
	err := c.rows(t, users, func(user string) (any, []string) {
		of := res.GetUsers()[user]
		state := "online"
		switch {
		case of.GetCount() > 0:
		case len(res.GetLost()) > 0:
			state = "unsure" // there may be conns where nobody answers
		default:
			state = "offline"
		}
		return map[string]any{"user": user, "state": state, "conns": of.GetCount(), "ids": append([]string{}, of.GetConns()...)},
			[]string{shown(user), state, count(of.GetCount())}
	})
	if err != nil {
		return err
	}
	return lost(res.GetLost())
}
