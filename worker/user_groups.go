package worker

import (
	"context"
	"slices"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/worker/internal/link"
	"github.com/parley-im/parley/worker/internal/route"
)

// UserGroups are the groups of users.
type UserGroups struct {
	Groups map[string][]string // by user, each group once, sorted; who has no conn is not in it
	Lost   []string            // gateways (their nodes) that left, did not answer, or are too old to
}

// UserGroups asks in which groups the conns of each user are. Unimplemented: a gateway
// is too old to say so.
func (s *Sender) UserGroups(ctx context.Context, users ...string) (UserGroups, error) {
	got := UserGroups{Groups: make(map[string][]string)}
	if err := checkNames("user", users); err != nil {
		return got, err
	}
	var old []*link.Gateway
	lost, err := s.ask(ctx, route.User, unique(users),
		func(names []string) *gatewayv1.Query {
			return &gatewayv1.Query{Users: names, UserGroups: true, List: probe()}
		},
		func(g *link.Gateway, r *gatewayv1.Result) {
			if r.GetPage() == nil {
				old = append(old, g)
				return
			}
			for _, u := range r.GetUsers() {
				got.Groups[u.GetUser()] = append(got.Groups[u.GetUser()], u.GetGroups()...)
			}
		})
	for user, groups := range got.Groups { // they may be thousands
		slices.Sort(groups)
		got.Groups[user] = slices.Compact(groups)
	}
	got.Lost, err = withOld(old, lost, err)
	return got, err
}
