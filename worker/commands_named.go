package worker

import (
	"context"
	"errors"

	"github.com/parley-im/parley/proto/fault"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/worker/internal/route"
)

// CloseUser ends every conn that a user has now, like Close.
func (s *Sender) CloseUser(ctx context.Context, user string, code fault.CloseCode, reason string, last ...Frame) (Affected, error) {
	how, err := closeConn(code, reason, last)
	if err := errors.Join(err, checkName("user", user)); err != nil {
		return Affected{}, err
	}
	return s.user(ctx, user, endOf(targetUser(user), how))
}

// CloseGroup ends every conn that is in a group now, like Close.
func (s *Sender) CloseGroup(ctx context.Context, group string, code fault.CloseCode, reason string, last ...Frame) (Affected, error) {
	how, err := closeConn(code, reason, last)
	if err := errors.Join(err, checkName("group", group)); err != nil {
		return Affected{}, err
	}
	return s.named(ctx, route.Group, group, endOf(targetGroup(group), how))
}

// KillUser ends every conn that a user has now, like Kill.
func (s *Sender) KillUser(ctx context.Context, user string) (Affected, error) {
	if err := checkName("user", user); err != nil {
		return Affected{}, err
	}
	return s.user(ctx, user, endOf(targetUser(user), &gatewayv1.CloseConn{Now: true}))
}

// KillGroup ends every conn that is in a group now, like Kill.
func (s *Sender) KillGroup(ctx context.Context, group string) (Affected, error) {
	if err := checkName("group", group); err != nil {
		return Affected{}, err
	}
	return s.named(ctx, route.Group, group, endOf(targetGroup(group), &gatewayv1.CloseConn{Now: true}))
}

// DissolveGroup takes everybody out of a group; the conns stay. When it returns nil, sends
// to the group from then on reach none of those who were in it. One who joins meanwhile may
// stay, and the group may be used again.
func (s *Sender) DissolveGroup(ctx context.Context, group string) (Affected, error) {
	if err := checkName("group", group); err != nil {
		return Affected{}, err
	}
	return s.named(ctx, route.Group, group, leaveOf(targetGroup(group), []string{group}))
}

// JoinUsers puts every conn that the users have now into groups: one command per gateway
// and 1,000 users.
func (s *Sender) JoinUsers(ctx context.Context, users []string, groups ...string) (Affected, error) {
	return s.eachUser(ctx, users, groups, joinOf)
}

// LeaveUsers takes every conn of the users out of groups. When it returns nil, sends to the
// groups from then on do not reach the users.
func (s *Sender) LeaveUsers(ctx context.Context, users []string, groups ...string) (Affected, error) {
	return s.eachUser(ctx, users, groups, leaveOf)
}

// eachUser gives every gateway that has, or may have, some of the users a command for each
// of these.
func (s *Sender) eachUser(ctx context.Context, users, groups []string, command func(*gatewayv1.Target, []string) *gatewayv1.Command) (did Affected, err error) {
	if err := errors.Join(checkNames("user", users), checkNames("group", groups)); err != nil || len(groups) == 0 || len(users) == 0 {
		return did, err
	}
	if err := s.known(ctx); err != nil {
		return did, err
	}
	var orders []*order
	for _, share := range s.reach(route.User, unique(users)) {
		o := &order{to: share.To}
		for _, user := range share.Names {
			o.add(command(targetUser(user), groups), 0)
		}
		orders = append(orders, o)
	}
	did.Lost, err = s.worker.carryOut(ctx, orders)
	var refused error // the first of them
	for _, o := range orders {
		for _, r := range o.results {
			did.Conns += int(r.GetAffected())
			if r != nil && refused == nil {
				refused = resultError(r)
			}
		}
	}
	return did, errors.Join(refused, err)
}

func endOf(t *gatewayv1.Target, how *gatewayv1.CloseConn) *gatewayv1.Command {
	return &gatewayv1.Command{Do: &gatewayv1.Command_Close{Close: &gatewayv1.Close{Target: t, Close: how}}}
}

func joinOf(t *gatewayv1.Target, groups []string) *gatewayv1.Command {
	return &gatewayv1.Command{Do: &gatewayv1.Command_Join{Join: &gatewayv1.Join{Target: t, Groups: groups}}}
}

func leaveOf(t *gatewayv1.Target, groups []string) *gatewayv1.Command {
	return &gatewayv1.Command{Do: &gatewayv1.Command_Leave{Leave: &gatewayv1.Leave{Target: t, Groups: groups}}}
}
