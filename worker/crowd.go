package worker

import (
	"context"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/worker/internal/link"
	"github.com/parley-im/parley/worker/internal/route"
)

// maxGroupUsers is how many users of a group gateways name at most.
const maxGroupUsers = 1000

// Crowd is who has conns in a group.
type Crowd struct {
	Users []string // each once; at most as many as were asked for
	Conns int      // all there are, as GroupSize says
	Lost  []string // gateways (their nodes) that left or did not answer
}

// GroupUsers asks who has conns in a group, for up to limit users (1 to 1,000). Of more
// users those are named whose conns have been in it longest, about, at each gateway in
// turn. When some gateways do not answer before ctx ends, it returns what the others
// said with the error.
func (s *Sender) GroupUsers(ctx context.Context, group string, limit int) (Crowd, error) {
	var crowd Crowd
	if err := checkName("group", group); err != nil {
		return crowd, err
	}
	if limit < 1 || limit > maxGroupUsers {
		return crowd, invalid("%d users of a group: from 1 to %d can be named", limit, maxGroupUsers)
	}
	var named [][]string // by gateway
	lost, err := s.ask(ctx, route.Group, []string{group},
		func(names []string) *gatewayv1.Query {
			return &gatewayv1.Query{Groups: names, GroupUsers: uint32(limit)}
		},
		func(_ *link.Gateway, r *gatewayv1.Result) {
			for _, c := range r.GetGroups() {
				crowd.Conns += int(c.GetConns())
				named = append(named, c.GetUsers())
			}
		})
	crowd.Users, crowd.Lost = inTurn(named, limit), lost
	return crowd, err
}

// inTurn takes from lists in turn, each name once and at most limit.
func inTurn(lists [][]string, limit int) (names []string) {
	seen := make(map[string]bool)
	for i, more := 0, true; more; i++ {
		more = false
		for _, list := range lists {
			if i >= len(list) {
				continue
			}
			more = true
			if name := list[i]; !seen[name] && len(names) < limit {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	return names
}
