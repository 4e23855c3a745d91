package fakegate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
)

// maxPage is how many entries a page has at most.
const maxPage = 1000

// list answers with a page: conns by their numbers, names by the alphabet. A cursor is
// what is listed and the last entry.
func (g *Gateway) list(do *gatewayv1.List, m *gatewayv1.Result) error {
	limit, head := int(cmp.Or(do.GetLimit(), maxPage)), fmt.Sprintf("%d %q ", do.GetOf(), do.GetGroups())
	after, ok := strings.CutPrefix(string(do.GetAfter()), head)
	if limit > maxPage || len(do.GetAfter()) > 0 && !ok || do.GetOf() == gatewayv1.Listed_LISTED_GROUPS && len(do.GetGroups()) > 0 {
		return refusal(gatewayv1.Status_STATUS_INVALID)
	}
	entries := make(map[string]*Conn)
	for _, c := range g.conns {
		if c.closed != nil || c.answer == nil {
			continue
		}
		in := func(group string) bool { return slices.Contains(c.groups, group) }
		if len(do.GetGroups()) > 0 && !slices.ContainsFunc(do.GetGroups(), in) {
			continue
		}
		switch do.GetOf() {
		case gatewayv1.Listed_LISTED_CONNS:
			entries[fmt.Sprintf("%016x", c.id)] = c
		case gatewayv1.Listed_LISTED_USERS:
			entries[c.user] = c
		case gatewayv1.Listed_LISTED_GROUPS:
			for _, group := range c.groups {
				entries[group] = c
			}
		default:
			return refusal(gatewayv1.Status_STATUS_INVALID)
		}
	}
	delete(entries, "")
	m.Page = &gatewayv1.Page{}
	n := 0
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		if key <= after {
			continue
		}
		if n == limit {
			m.Page.Next = []byte(head + after)
			break
		}
		n, after = n+1, key
		if do.GetOf() == gatewayv1.Listed_LISTED_CONNS {
			m.Page.Conns = append(m.Page.Conns, entries[key].listed(do))
		} else {
			m.Page.Names = append(m.Page.Names, key)
		}
	}
	return nil
}

func (c *Conn) listed(do *gatewayv1.List) *gatewayv1.ListedConn {
	m := c.context(do.GetWithFacts())
	if !do.GetWithGroups() {
		m.Groups = nil
	}
	if !do.GetWithSession() {
		m.Session, m.SessionVersion = nil, 0
	}
	return &gatewayv1.ListedConn{Conn: c.id, Context: m}
}
