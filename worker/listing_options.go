package worker

import (
	"slices"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/worker/internal/link"
)

// Bounds of a list, as gateways have them.
const (
	maxPageSize     = 1000
	maxListGroups   = 1000
	maxListGateways = 1000
)

// A ListOption says what a list is to have.
type ListOption func(*listOptions)

type listOptions struct {
	list  gatewayv1.List
	limit int // 0: no bound
	from  string
	nodes []string // of the gateways that are asked; nil: all
}

// InGroups leaves in only conns that are in one of the groups, each once, or users who
// have such a conn: 1,000 groups at most. Not for a list of groups.
func InGroups(groups ...string) ListOption {
	return func(o *listOptions) { o.list.Groups = append(o.list.Groups, groups...) }
}

// OnGateways leaves in only what these gateways have, by their nodes: 1,000 at most. One
// that is not there is among [Listing.Lost].
func OnGateways(nodes ...string) ListOption {
	return func(o *listOptions) { o.nodes = append(o.nodes, nodes...) }
}

// WithFacts adds to each conn what its handshake said.
func WithFacts() ListOption { return func(o *listOptions) { o.list.WithFacts = true } }

// WithGroups adds to each conn its groups.
func WithGroups() ListOption { return func(o *listOptions) { o.list.WithGroups = true } }

// WithSession adds to each conn its session.
func WithSession() ListOption { return func(o *listOptions) { o.list.WithSession = true } }

// PageSize is how many entries are asked of a gateway at once, 1 to 1,000; without it
// 1,000. A page has about 256 KiB at most, whatever this says.
func PageSize(n int) ListOption { return func(o *listOptions) { o.list.Limit = uint32(max(n, 0)) } }

// Limit ends the list after n entries, and [Listing.Position] tells where to go on.
func Limit(n int) ListOption { return func(o *listOptions) { o.limit = n } }

// From goes on where another list of the same options stood, see [Listing.Position];
// "" is the beginning.
func From(position string) ListOption { return func(o *listOptions) { o.from = position } }

func listOf(of gatewayv1.Listed, opts []ListOption) (*listOptions, error) {
	o := &listOptions{list: gatewayv1.List{Of: of, Limit: maxPageSize}, limit: -1}
	for _, opt := range opts {
		opt(o)
	}
	switch {
	case o.limit == 0 || o.limit < -1:
		return o, invalid("a list of %d entries: want 1 or more", o.limit)
	case o.list.Limit < 1 || o.list.Limit > maxPageSize:
		return o, invalid("a page of %d entries: from 1 to %d can be asked for", o.list.GetLimit(), maxPageSize)
	case len(o.list.Groups) > maxListGroups:
		return o, invalid("a list of %d groups: %d at most", len(o.list.Groups), maxListGroups)
	case len(o.nodes) > maxListGateways:
		return o, invalid("a list of %d gateways: %d at most", len(o.nodes), maxListGateways)
	case of == gatewayv1.Listed_LISTED_GROUPS && len(o.list.Groups) > 0:
		return o, invalid("a list of groups is of all of them")
	}
	o.limit = max(o.limit, 0)
	return o, checkNames("group", o.list.Groups)
}

// asks reports whether a gateway is asked.
func (o *listOptions) asks(node string) bool { return o.nodes == nil || slices.Contains(o.nodes, node) }

// strangers are the gateways that were named and are none of those.
func (o *listOptions) strangers(there []*link.Gateway) (nodes []string) {
	for _, node := range o.nodes {
		if !slices.ContainsFunc(there, func(g *link.Gateway) bool { return g.Node() == node }) {
			nodes = append(nodes, node)
		}
	}
	return nodes
}
