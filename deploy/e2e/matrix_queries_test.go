package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/worker"
)

// queries are the rows that ask.
var queries = []*row{
	{
		calls: "Sender.ConnContext", reads: true, sure: true, well: `user ~, groups ~ ~.bd, session {"n":1}, version 1, path /`, part: "nothing",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) { return s.ConnContext(ctx, c.d()) },
	}, {
		calls: "Sender.Session", reads: true, sure: true, well: `{"n":1} in version 1`, part: " in version 0",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			session, version, err := s.Session(ctx, c.d())
			return fmt.Sprintf("%s in version %d", session, version), err
		},
	}, {
		calls: "Sender.UserOf", reads: true, sure: true, well: "~",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) { return s.UserOf(ctx, c.d()) },
	}, {
		calls: "Sender.GroupsOf", reads: true, sure: true, well: "~ ~.bd",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) { return s.GroupsOf(ctx, c.d()) },
	}, {
		calls: "Sender.IsOnline", reads: true, sure: true, well: "true", part: "false",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) { return s.IsOnline(ctx, c.d()) },
	}, {
		calls: "Sender.IsUserOnline", reads: true, enough: true, names: true, well: "true", part: "false",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			online, lost, err := s.IsUserOnline(ctx, c.Name)
			return lacking{online, lost}, err
		},
	}, {
		calls: "Sender.IsUserOnline", how: "on that gateway only", reads: true, own: true, names: true, well: "true", part: "false",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			online, lost, err := s.IsUserOnline(ctx, c.own('D'))
			return lacking{online, lost}, err
		},
	}, {
		calls: "Sender.Online", reads: true, own: true, names: true, well: "~.A=A ~.B=B ~.C=C ~.D=D", part: "~.A=A ~.B=B ~.C=C", none: nothing,
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) { return s.Online(ctx, c.owns()...) },
	}, {
		calls: "Sender.ConnsOf", reads: true, names: true, well: "ABCD", part: "ABC", none: nothing,
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			ids, lost, err := s.ConnsOf(ctx, c.Name)
			return lacking{ids, lost}, err
		},
	}, {
		calls: "Sender.UserGroups", reads: true, own: true, names: true, well: "~.A=~ ~.D=~+~.bd", part: "~.A=~", none: nothing,
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return s.UserGroups(ctx, c.own('A'), c.own('D'))
		},
	}, {
		calls: "Sender.GroupSize", reads: true, own: true, names: true, well: "4 of 4", part: "3 of 3", none: "0 of 0",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			n, lost, err := s.GroupSize(ctx, c.Name)
			return lacking{fmt.Sprintf("%d of %d", n.Conns, n.Users), lost}, err
		},
	}, {
		calls: "Sender.GroupSizes", reads: true, own: true, names: true, well: "~.bd=2/2 ~=4/4", part: "~.bd=1/1 ~=3/3", none: nothing,
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return s.GroupSizes(ctx, c.Name, c.pair())
		},
	}, {
		calls: "Sender.GroupUsers", reads: true, own: true, names: true, well: "4 conns of ~.A ~.B ~.C ~.D", part: "3 conns of ~.A ~.B ~.C", none: "0 conns of ",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) { return s.GroupUsers(ctx, c.Name, 10) },
	}, {
		calls: "Sender.Totals", reads: true, everyone: true, names: true, well: "all, summed up", part: "some, summed up", none: "none, summed up",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) { return s.Totals(ctx) },
	}, {
		calls: "Sender.Conns", reads: true, own: true, everyone: true, names: true, well: "A of ~.A in ~ B of ~.B in ~+~.bd C of ~.C in ~ D of ~.D in ~+~.bd", part: "A of ~.A in ~ B of ~.B in ~+~.bd C of ~.C in ~", none: nothing,
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return drain(s.Conns(ctx, worker.InGroups(c.Name), worker.WithGroups()), func(e worker.ListedConn) string {
				return fmt.Sprintf("%s of %s in %s", c.named([]connid.ID{e.ID}), e.User, strings.Join(slices.Sorted(slices.Values(e.Groups)), "+"))
			})
		},
	}, {
		calls: "Sender.Users", reads: true, own: true, everyone: true, names: true, well: "~.A ~.B ~.C ~.D", part: "~.A ~.B ~.C", none: nothing,
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return drain(s.Users(ctx, worker.InGroups(c.Name)), func(user string) string { return user })
		},
	}, {
		calls: "Sender.Groups", reads: true, everyone: true, names: true, well: "~ ~.bd", part: "~ ~.bd", none: nothing,
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return drain(s.Groups(ctx), func(group string) string {
				if group == c.Name || group == c.pair() {
					return group
				}
				return ""
			})
		},
	},
}
