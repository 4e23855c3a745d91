package worker

import (
	"context"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/worker/internal/link"
	"github.com/parley-im/parley/worker/internal/route"
)

// IsOnline reports whether a conn is open, until its end has been noticed. With an
// error, Unavailable, it is not known.
func (s *Sender) IsOnline(ctx context.Context, id connid.ID) (bool, error) {
	_, err := s.ConnContext(ctx, id)
	if fault.CodeOf(err) == fault.Stale {
		return false, nil
	}
	return err == nil, err
}

// IsUserOnline reports whether a user has a conn. One gateway that has one is enough:
// the others are not waited for. When none says so, lost are those that left or did not
// answer, and the user may have conns there.
func (s *Sender) IsUserOnline(ctx context.Context, user string) (online bool, lost []string, err error) {
	if err := checkName("user", user); err != nil {
		return false, nil, err
	}
	enough, cancel := context.WithCancel(ctx)
	defer cancel()
	lost, err = s.ask(enough, route.User, []string{user},
		func(names []string) *gatewayv1.Query { return &gatewayv1.Query{Users: names} },
		func(_ *link.Gateway, r *gatewayv1.Result) {
			if len(r.GetUsers()) > 0 {
				online = true
				cancel()
			}
		})
	if online {
		return true, nil, nil
	}
	return false, lost, err
}

// UserOf returns the user that a conn is bound to, "" when it is nobody's. Stale: the
// conn has ended.
func (s *Sender) UserOf(ctx context.Context, id connid.ID) (string, error) {
	c, err := s.ConnContext(ctx, id)
	return c.User, err
}

// GroupsOf returns the groups that a conn is in. Stale: the conn has ended.
func (s *Sender) GroupsOf(ctx context.Context, id connid.ID) ([]string, error) {
	c, err := s.ConnContext(ctx, id)
	return c.Groups, err
}
