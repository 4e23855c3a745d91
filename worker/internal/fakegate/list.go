package fakegate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
)

// maxPage is how many entries a page has at most, and maxPageBytes what they have
// together, about.
const (
	maxPage      = 1000
	maxPageBytes = 256 << 10
)

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
	n, bytes := 0, 0
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		if key <= after {
			continue
		}
		if n == limit || bytes > maxPageBytes {
			m.Page.Next = []byte(head + after)
			break
		}
		n, after = n+1, key
		if do.GetOf() == gatewayv1.Listed_LISTED_CONNS {
			c := entries[key].listed(do)
			m.Page.Conns, bytes = append(m.Page.Conns, c), bytes+proto.Size(c)
		} else {
			m.Page.Names, bytes = append(m.Page.Names, key), bytes+len(key)
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
