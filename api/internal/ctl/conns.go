package ctl

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/parley-im/parley/proto/fault"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

// Filter says which conns are meant: those that fit in every respect that is given.
type Filter struct {
	Users, Groups, Gateways []string
	Limit                   int // 0: all
}

// Conns is the connections screen. Rows are written as they come, so that a million takes
// the memory of a page.
func (c *Ctl) Conns(ctx context.Context, f Filter) error {
	t := newTable(c.Width,
		column{title: "CONN"}, column{title: "USER", least: 8}, column{title: "GROUPS", least: 6}, column{title: "FROM", least: 15},
		column{title: "OPEN", right: true}, column{title: "GATEWAY", least: 7}, column{title: "PATH", least: 4})
	show := func(conns []*pushv1.Conn) error {
		rows := make([][]string, len(conns))
		for i, conn := range conns {
			if c.JSON {
				if err := c.emit(conn); err != nil {
					return err
				}
				continue
			}
			rows[i] = c.connRow(conn)
		}
		if c.JSON {
			return nil
		}
		return t.write(c.Out, rows)
	}
	if err := c.areGateways(ctx, f.Gateways); err != nil {
		return err
	}
	fetch := c.fetchConns(ctx, f)
	if len(f.Users) > 0 {
		fetch = c.fetchUsersConns(ctx, f)
	}
	away, cut, err := pages(f.Limit, fetch, show)
	if err != nil {
		return err
	}
	return c.told(away, cut, f.Limit, "conn")
}

// areGateways refuses a name that no gateway bears: a list of it would be of one that does
// not answer.
func (c *Ctl) areGateways(ctx context.Context, nodes []string) error {
	if len(nodes) == 0 {
		return nil
	}
	totals := &pushv1.GetTotalsResponse{}
	if err := c.Door.call(ctx, "getTotals", &pushv1.GetTotalsRequest{}, totals); err != nil {
		return err
	}
	for _, node := range nodes {
		if totals.GetGateways()[node] == nil && !slices.Contains(totals.GetLost(), node) {
			return noGateway(node)
		}
	}
	return nil
}

func (c *Ctl) connRow(conn *pushv1.Conn) []string {
	facts := conn.GetFacts()
	return []string{
		shown(conn.GetId()), shown(conn.GetUser()), names(conn.GetGroups()), shown(facts.GetRemoteAddr()),
		c.age(facts.GetOpenedAt()), shown(conn.GetGateway()), shown(facts.GetPath()),
	}
}

// names are several, as one cell.
func names(list []string) string {
	if len(list) == 0 {
		return none
	}
	list = slices.Sorted(slices.Values(list))
	for i, name := range list {
		if list[i] = shown(name); list[i] == name && strings.Contains(name, ",") {
			list[i] = strconv.Quote(name) // it is one name, not two
		}
	}
	return strings.Join(list, ",")
}

// fetchConns reads pages of conns.
func (c *Ctl) fetchConns(ctx context.Context, f Filter) func(string, uint32) (page[*pushv1.Conn], error) {
	return func(cursor string, size uint32) (page[*pushv1.Conn], error) {
		res := &pushv1.ListConnsResponse{}
		err := c.Door.call(ctx, "listConns", &pushv1.ListConnsRequest{
			Groups: f.Groups, Gateways: f.Gateways, WithGroups: true, WithFacts: true, Limit: size, Cursor: cursor,
		}, res)
		return page[*pushv1.Conn]{res.GetConns(), res.GetCursor(), res.GetLost()}, err
	}
}

// fetchUsersConns reads the conns of users one by one, in one page: the api names 100 of
// each. What else is asked for is picked out here.
func (c *Ctl) fetchUsersConns(ctx context.Context, f Filter) func(string, uint32) (page[*pushv1.Conn], error) {
	fits := func(conn *pushv1.Conn) bool {
		in := func(group string) bool { return slices.Contains(conn.GetGroups(), group) }
		return (len(f.Groups) == 0 || slices.ContainsFunc(f.Groups, in)) &&
			(len(f.Gateways) == 0 || slices.Contains(f.Gateways, conn.GetGateway()))
	}
	return func(string, uint32) (p page[*pushv1.Conn], err error) {
		online := &pushv1.IsOnlineResponse{}
		if err := c.Door.call(ctx, "isOnline", &pushv1.IsOnlineRequest{Users: f.Users}, online); err != nil {
			return p, err
		}
		p.lost = online.GetLost()
		for _, user := range f.Users {
			of := online.GetUsers()[user]
			if named := len(of.GetConns()); int(of.GetCount()) > named {
				c.say("%s has %s; %s of them can be told.", shown(user), plural(of.GetCount(), "conn"), count(named))
			}
			for _, id := range of.GetConns() {
				res := &pushv1.GetConnResponse{}
				err := c.Door.call(ctx, "getConn", &pushv1.GetConnRequest{Conn: id}, res)
				if err != nil && fault.CodeOf(err) == fault.Stale {
					continue // it has ended meanwhile
				}
				if err != nil {
					return p, err
				}
				if fits(res.GetConn()) {
					p.entries = append(p.entries, res.GetConn())
				}
			}
		}
		return p, nil
	}
}
