package worker

import (
	"context"

	"github.com/parley-im/parley/proto/connid"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
)

// ListedConn is a conn in a list: its user, and of the rest what was asked for.
type ListedConn struct {
	ID connid.ID
	ConnContext
}

// Conns lists the conns of the cluster, or with [InGroups] those in groups. What is
// there from beginning to end comes exactly once; what comes or goes meanwhile once or
// not at all.
func (s *Sender) Conns(ctx context.Context, opts ...ListOption) *Listing[ListedConn] {
	return newListing(ctx, s, gatewayv1.Listed_LISTED_CONNS, opts, func(boot uint64, p *gatewayv1.Page) []ListedConn {
		conns := make([]ListedConn, len(p.GetConns()))
		for i, m := range p.GetConns() {
			var k known
			k.learn(m.GetContext())
			conns[i] = ListedConn{
				ID:          connid.ID{Gateway: boot, Conn: m.GetConn()},
				ConnContext: ConnContext{Facts: k.facts, User: k.user, Groups: k.groups, Session: k.session, SessionVersion: k.version},
			}
		}
		return conns
	}, nil)
}

// Users lists the users who have conns, or with [InGroups] conns in groups, each once
// wherever they are: the listing remembers those it has named, about 50 bytes and the
// name for each. One that begins [From] a position does not know who was named before
// it, and names those again who have conns on a further gateway.
func (s *Sender) Users(ctx context.Context, opts ...ListOption) *Listing[string] {
	return s.listNames(ctx, gatewayv1.Listed_LISTED_USERS, opts)
}

// Groups lists the groups that have conns, each once, as Users does.
func (s *Sender) Groups(ctx context.Context, opts ...ListOption) *Listing[string] {
	return s.listNames(ctx, gatewayv1.Listed_LISTED_GROUPS, opts)
}

func (s *Sender) listNames(ctx context.Context, of gatewayv1.Listed, opts []ListOption) *Listing[string] {
	seen := make(map[string]bool)
	return newListing(ctx, s, of, opts,
		func(_ uint64, p *gatewayv1.Page) []string { return p.GetNames() },
		func(name string) bool {
			if seen[name] {
				return false
			}
			seen[name] = true
			return true
		})
}
