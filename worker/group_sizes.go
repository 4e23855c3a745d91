package worker

import (
	"context"
	"errors"
	"slices"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/worker/internal/link"
	"github.com/parley-im/parley/worker/internal/route"
)

// GroupSize is how large a group is.
type GroupSize struct {
	Conns int
	Users int // who have those conns; one with conns on two gateways counts twice
}

// GroupSizes are the sizes of groups.
type GroupSizes struct {
	Groups map[string]GroupSize // a group without a conn is not in it
	Lost   []string             // gateways (their nodes) that left or did not answer; of those too old to count users the conns are counted
}

// GroupSizes asks how large groups are, without looking at their conns: gateways keep the
// counts. Unimplemented: a gateway is too old to count users.
func (s *Sender) GroupSizes(ctx context.Context, groups ...string) (GroupSizes, error) {
	got := GroupSizes{Groups: make(map[string]GroupSize)}
	if err := checkNames("group", groups); err != nil {
		return got, err
	}
	var old []*link.Gateway
	lost, err := s.ask(ctx, route.Group, unique(groups),
		func(names []string) *gatewayv1.Query { return &gatewayv1.Query{Groups: names, List: probe()} },
		func(g *link.Gateway, r *gatewayv1.Result) {
			if r.GetPage() == nil {
				old = append(old, g)
			}
			for _, c := range r.GetGroups() {
				if c.GetConns() == 0 {
					continue
				}
				size := got.Groups[c.GetGroup()]
				size.Conns += int(c.GetConns())
				size.Users += int(c.GetDistinctUsers())
				got.Groups[c.GetGroup()] = size
			}
		})
	got.Lost, err = withOld(old, lost, err)
	return got, err
}

// GroupSize is GroupSizes of one group.
func (s *Sender) GroupSize(ctx context.Context, group string) (size GroupSize, lost []string, err error) {
	got, err := s.GroupSizes(ctx, group)
	return got.Groups[group], got.Lost, err
}

// withOld adds gateways that passed over the question to those that are lost, and to err.
func withOld(old []*link.Gateway, lost []string, err error) ([]string, error) {
	errs := []error{err}
	for _, g := range old {
		lost, errs = append(lost, g.Node()), append(errs, tooOld(g))
	}
	slices.Sort(lost)
	return slices.Compact(lost), errors.Join(errs...)
}

// probe is a list of one, which tells a gateway that knows what came with lists from one
// that passes it over.
func probe() *gatewayv1.List {
	return &gatewayv1.List{Of: gatewayv1.Listed_LISTED_CONNS, Limit: 1}
}
