package push

import (
	"context"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
	"github.com/parley-im/parley/worker"
)

// Bind implements pushv1.PushServiceServer.
func (s *service) Bind(ctx context.Context, r *pushv1.BindRequest) (*pushv1.BindResponse, error) {
	ids, err := boundConns(r.GetBindings(), maxMany)
	if err != nil {
		return nil, err
	}
	list := make([]worker.Binding, len(ids))
	for i, b := range r.GetBindings() {
		list[i] = worker.Binding{Conn: ids[i], User: b.GetUser()}
	}
	var o outcome
	o.many(s.sender.BindAll(ctx, list))
	out, err := o.answer()
	return &pushv1.BindResponse{Outcome: out}, err
}

// Unbind implements pushv1.PushServiceServer.
func (s *service) Unbind(ctx context.Context, r *pushv1.UnbindRequest) (*pushv1.UnbindResponse, error) {
	ids, err := boundConns(r.GetBindings(), maxMany)
	if err != nil {
		return nil, err
	}
	var anybodys, one []connid.ID // whoever they are bound to, and from one user only
	var users []string            // of the latter
	for i, b := range r.GetBindings() {
		if b.GetUser() == "" {
			anybodys = append(anybodys, ids[i])
		} else {
			one, users = append(one, ids[i]), append(users, b.GetUser())
		}
	}
	if err := within("bindings with a user", len(one), maxEach); err != nil {
		return nil, err
	}
	var o outcome
	if len(anybodys) > 0 {
		o.many(s.sender.UnbindAll(ctx, anybodys))
	}
	each(ctx, len(one), func(ctx context.Context, i int) {
		o.one(one[i], s.gatewayOf, s.sender.Unbind(ctx, one[i], users[i]))
	})
	out, err := o.answer()
	return &pushv1.UnbindResponse{Outcome: out}, err
}

func boundConns(list []*pushv1.Binding, most int) ([]connid.ID, error) {
	if err := some("bindings", len(list), most); err != nil {
		return nil, err
	}
	texts := make([]string, len(list))
	for i, b := range list {
		texts[i] = b.GetConn()
	}
	return connsOf("bindings", texts, most)
}

// Join implements pushv1.PushServiceServer.
func (s *service) Join(ctx context.Context, r *pushv1.JoinRequest) (*pushv1.JoinResponse, error) {
	out, err := regroup(ctx, r, s.sender.JoinAll, s.sender.JoinUsers)
	return &pushv1.JoinResponse{Outcome: out}, err
}

// Leave implements pushv1.PushServiceServer.
func (s *service) Leave(ctx context.Context, r *pushv1.LeaveRequest) (*pushv1.LeaveResponse, error) {
	out, err := regroup(ctx, r, s.sender.LeaveAll, s.sender.LeaveUsers)
	return &pushv1.LeaveResponse{Outcome: out}, err
}

// regroup joins or leaves, for conns, users or both.
func regroup(
	ctx context.Context, r interface {
		GetConns() []string
		GetUsers() []string
		GetGroups() []string
	},
	conns func(context.Context, []connid.ID, ...string) (worker.Outcome, error),
	users func(context.Context, []string, ...string) (worker.Affected, error),
) (*pushv1.Outcome, error) {
	ids, err := connsOf("conns", r.GetConns(), maxMany)
	named := len(ids) + len(r.GetUsers())
	err = firstOf(
		err, within("users", len(r.GetUsers()), maxMany), someone(named, "conns or users"), some("groups", len(r.GetGroups()), maxGroups),
		within("conns and users times groups", named*len(r.GetGroups()), maxPairs),
	)
	if err != nil {
		return nil, err
	}
	var o outcome
	if len(ids) > 0 {
		o.many(conns(ctx, ids, r.GetGroups()...))
	}
	if len(r.GetUsers()) > 0 {
		o.affected(users(ctx, r.GetUsers(), r.GetGroups()...))
	}
	return o.answer()
}

// someone wants anybody to be named at all.
func someone(n int, kinds string) error {
	if n == 0 {
		return fault.New(fault.Invalid, "nobody is named: give "+kinds)
	}
	return nil
}

// DissolveGroup implements pushv1.PushServiceServer.
func (s *service) DissolveGroup(ctx context.Context, r *pushv1.DissolveGroupRequest) (*pushv1.DissolveGroupResponse, error) {
	var o outcome
	o.affected(s.sender.DissolveGroup(ctx, r.GetGroup()))
	out, err := o.answer()
	return &pushv1.DissolveGroupResponse{Outcome: out}, err
}

// Confirm implements pushv1.PushServiceServer.
func (s *service) Confirm(ctx context.Context, r *pushv1.ConfirmRequest) (*pushv1.ConfirmResponse, error) {
	ids, err := connsOf("conns", r.GetConns(), maxEach)
	if err := firstOf(err, some("conns", len(r.GetConns()), maxEach)); err != nil {
		return nil, err
	}
	var o outcome
	each(ctx, len(ids), func(ctx context.Context, i int) {
		o.one(ids[i], s.gatewayOf, s.sender.Confirm(ctx, ids[i]))
	})
	out, err := o.answer()
	return &pushv1.ConfirmResponse{Outcome: out}, err
}
