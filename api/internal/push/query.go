package push

import (
	"context"
	"slices"
	"sync"

	pushv1 "github.com/parley-im/parley/proto/push/v1"
	"github.com/parley-im/parley/worker"
)

// maxShown is how many conns of one user are named.
const maxShown = 100

// IsOnline implements pushv1.PushServiceServer.
func (s *service) IsOnline(ctx context.Context, r *pushv1.IsOnlineRequest) (*pushv1.IsOnlineResponse, error) {
	ids, err := connsOf("conns", r.GetConns(), maxEach)
	if err := firstOf(err, within("users", len(r.GetUsers()), maxEach), someone(len(ids)+len(r.GetUsers()), "conns or users")); err != nil {
		return nil, err
	}
	res := &pushv1.IsOnlineResponse{Users: map[string]*pushv1.UserConns{}}
	if len(r.GetUsers()) > 0 {
		got, err := s.sender.Online(ctx, r.GetUsers()...)
		if err := partial(got.Lost, err); err != nil {
			return nil, err
		}
		res.Lost = got.Lost
		for user, conns := range got.Conns {
			res.Users[user] = &pushv1.UserConns{Conns: textsOf(conns[:min(len(conns), maxShown)]), Count: int32(len(conns))}
		}
	}
	var (
		mu    sync.Mutex // guards res and whole
		whole error
	)
	each(ctx, len(ids), func(ctx context.Context, i int) {
		open, err := s.sender.IsOnline(ctx, ids[i])
		node := ""
		if unanswered(err) {
			node = s.gatewayOf(ids[i])
		}
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil && open:
			res.Conns = append(res.Conns, r.GetConns()[i])
		case err == nil:
		case unanswered(err) && node != "":
			res.Unsure, res.Lost = append(res.Unsure, r.GetConns()[i]), append(res.Lost, node)
		default:
			whole = firstOf(whole, err)
		}
	})
	if whole != nil {
		return nil, whole
	}
	slices.Sort(res.Lost)
	res.Lost = slices.Compact(res.Lost)
	return res, nil
}

// GetConn implements pushv1.PushServiceServer.
func (s *service) GetConn(ctx context.Context, r *pushv1.GetConnRequest) (*pushv1.GetConnResponse, error) {
	id, err := connOf(r.GetConn())
	if err != nil {
		return nil, err
	}
	c, err := s.sender.ConnContext(ctx, id)
	if err != nil {
		return nil, s.silent(id, err)
	}
	return &pushv1.GetConnResponse{Conn: connInfo(worker.ListedConn{ID: id, ConnContext: c}, s.gatewayOf(id))}, nil
}

// GetUserGroups implements pushv1.PushServiceServer.
func (s *service) GetUserGroups(ctx context.Context, r *pushv1.GetUserGroupsRequest) (*pushv1.GetUserGroupsResponse, error) {
	if err := some("users", len(r.GetUsers()), maxAsked); err != nil {
		return nil, err
	}
	got, err := s.sender.UserGroups(ctx, r.GetUsers()...)
	if err := partial(got.Lost, err); err != nil {
		return nil, err
	}
	res := &pushv1.GetUserGroupsResponse{Users: map[string]*pushv1.GroupNames{}, Lost: got.Lost}
	for user, groups := range got.Groups {
		res.Users[user] = &pushv1.GroupNames{Groups: groups}
	}
	return res, nil
}

// GetGroupSizes implements pushv1.PushServiceServer.
func (s *service) GetGroupSizes(ctx context.Context, r *pushv1.GetGroupSizesRequest) (*pushv1.GetGroupSizesResponse, error) {
	if err := some("groups", len(r.GetGroups()), maxGroups); err != nil {
		return nil, err
	}
	got, err := s.sender.GroupSizes(ctx, r.GetGroups()...)
	if err := partial(got.Lost, err); err != nil {
		return nil, err
	}
	res := &pushv1.GetGroupSizesResponse{Groups: map[string]*pushv1.GroupSize{}, Lost: got.Lost}
	for group, size := range got.Groups {
		res.Groups[group] = &pushv1.GroupSize{Conns: int32(size.Conns), Users: int32(size.Users)}
	}
	return res, nil
}

// GetTotals implements pushv1.PushServiceServer.
func (s *service) GetTotals(ctx context.Context, _ *pushv1.GetTotalsRequest) (*pushv1.GetTotalsResponse, error) {
	got, err := s.sender.Totals(ctx)
	if err := partial(got.Lost, err); err != nil {
		return nil, err
	}
	res := &pushv1.GetTotalsResponse{Total: countsOf(got.Counts), Gateways: map[string]*pushv1.Counts{}, Workers: map[string]*pushv1.WorkerCounts{}, Lost: got.Lost}
	for node, counts := range got.Gateways {
		res.Gateways[node] = countsOf(counts)
	}
	for node, w := range got.Workers {
		res.Workers[node] = &pushv1.WorkerCounts{Conns: int32(w.Conns), Draining: w.Draining}
	}
	return res, nil
}

func countsOf(c worker.Counts) *pushv1.Counts {
	return &pushv1.Counts{Conns: int32(c.Conns), Users: int32(c.Users), Groups: int32(c.Groups)}
}
