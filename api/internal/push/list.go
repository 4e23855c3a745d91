package push

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/proto/fault"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
	"github.com/parley-im/parley/worker"
)

const (
	defaultPage = 100
	maxPage     = 1_000
	pageBytes   = maxAnswer * 2 / 3 // a page with more ends sooner than its limit
	maxNode     = 256 + 8           // bytes of a gateway's name beside a conn
)

// page is what all lists have.
type page[T any] struct {
	limit  uint32
	cursor string
	opts   []worker.ListOption

	list func(context.Context, ...worker.ListOption) *worker.Listing[T]
	size func(T) int // in an answer
}

// read reads a page. One that would be too large is read again, shorter: so its cursor is
// exact.
func (p *page[T]) read(ctx context.Context) (all []T, cursor string, lost []string, err error) {
	limit := int(p.limit)
	if p.limit > maxPage {
		return nil, "", nil, fault.New(fault.Invalid, fmt.Sprintf("limit: %d, want 1 to %d", limit, maxPage))
	}
	if limit == 0 {
		limit = defaultPage
	}
	for {
		l := p.list(ctx, append(p.opts, worker.Limit(limit), worker.PageSize(limit), worker.From(p.cursor))...)
		all = all[:0]
		bytes := 0
		for one := range l.All() {
			if bytes += p.size(one); bytes > pageBytes && len(all) > 0 {
				break
			}
			all = append(all, one)
		}
		if bytes > pageBytes && len(all) < limit && len(all) > 0 {
			limit = len(all)
			continue
		}
		if err := partial(l.Lost(), l.Err()); err != nil {
			return nil, "", nil, err
		}
		return all, l.Position(), l.Lost(), nil
	}
}

// ListConns implements pushv1.PushServiceServer.
func (s *service) ListConns(ctx context.Context, r *pushv1.ListConnsRequest) (*pushv1.ListConnsResponse, error) {
	opts, err := inGroups(r.GetGroups())
	if err := firstOf(err, within("gateways", len(r.GetGateways()), maxGroups)); err != nil {
		return nil, err
	}
	if len(r.GetGateways()) > 0 {
		opts = append(opts, worker.OnGateways(r.GetGateways()...))
	}
	for _, with := range []struct {
		wanted bool
		opt    worker.ListOption
	}{{r.GetWithGroups(), worker.WithGroups()}, {r.GetWithSession(), worker.WithSession()}, {r.GetWithFacts(), worker.WithFacts()}} {
		if with.wanted {
			opts = append(opts, with.opt)
		}
	}
	p := page[worker.ListedConn]{
		limit: r.GetLimit(), cursor: r.GetCursor(), opts: opts, list: s.sender.Conns,
		size: func(c worker.ListedConn) int { return proto.Size(connInfo(c, "")) + maxNode },
	}
	conns, cursor, lost, err := p.read(ctx)
	if err != nil {
		return nil, err
	}
	res := &pushv1.ListConnsResponse{Cursor: cursor, Lost: lost, Conns: make([]*pushv1.Conn, len(conns))}
	nodes := s.nodes()
	for i, c := range conns {
		res.Conns[i] = connInfo(c, nodes[c.ID.Gateway])
	}
	return res, nil
}

// ListUsers implements pushv1.PushServiceServer.
func (s *service) ListUsers(ctx context.Context, r *pushv1.ListUsersRequest) (*pushv1.ListUsersResponse, error) {
	opts, err := inGroups(r.GetGroups())
	if err != nil {
		return nil, err
	}
	p := page[string]{limit: r.GetLimit(), cursor: r.GetCursor(), opts: opts, list: s.sender.Users, size: nameSize}
	users, cursor, lost, err := p.read(ctx)
	return &pushv1.ListUsersResponse{Users: users, Cursor: cursor, Lost: lost}, err
}

// ListGroups implements pushv1.PushServiceServer.
func (s *service) ListGroups(ctx context.Context, r *pushv1.ListGroupsRequest) (*pushv1.ListGroupsResponse, error) {
	p := page[string]{limit: r.GetLimit(), cursor: r.GetCursor(), list: s.sender.Groups, size: nameSize}
	groups, cursor, lost, err := p.read(ctx)
	return &pushv1.ListGroupsResponse{Groups: groups, Cursor: cursor, Lost: lost}, err
}

func nameSize(name string) int { return len(name) + 8 }

func inGroups(groups []string) ([]worker.ListOption, error) {
	if err := within("groups", len(groups), maxGroups); err != nil {
		return nil, err
	}
	for _, g := range groups {
		if g == "" {
			return nil, fault.New(fault.Invalid, "groups: one has no name")
		}
	}
	if len(groups) == 0 {
		return nil, nil
	}
	return []worker.ListOption{worker.InGroups(groups...)}, nil
}
