package e2e

import (
	"context"
	"errors"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
)

func text(c cell) worker.Frame { return worker.Text(c.frame()) }

// sends are the rows that only send.
var sends = []*row{
	{
		calls: "Sender.ToConn", one: true, names: true, well: "hit 1", part: "hit 0", hears: "D",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return awaited(func(o worker.SendOption) error { return s.ToConn(ctx, c.d(), text(c), o) })
		},
	}, {
		calls: "Sender.ToConn", how: "and goes on", one: true, quick: true, hears: "D",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return nil, s.ToConn(ctx, c.d(), text(c))
		},
	}, {
		calls: "Sender.ToConns", how: "one of them gone", ids: true, names: true, well: "hit 4, missed 1", part: "hit 3, missed 1", none: "hit 0, missed 1", hears: "ABCD",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return awaited(func(o worker.SendOption) error {
				return s.ToConns(ctx, append([]connid.ID{connid.Random(1)}, c.IDs[:]...), text(c), o)
			})
		},
	}, {
		calls: "Sender.ToUser", names: true, well: "hit 4", part: "hit 3", none: "hit 0", hears: "ABCD",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return awaited(func(o worker.SendOption) error { return s.ToUser(ctx, c.Name, text(c), o) })
		},
	}, {
		calls: "Sender.ToUser", how: "and goes on", quick: true, hears: "ABCD",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return nil, s.ToUser(ctx, c.Name, text(c), worker.Droppable())
		},
	}, {
		calls: "Sender.ToUsers", own: true, names: true, well: "hit 4", part: "hit 3", none: "hit 0", hears: "ABCD",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return awaited(func(o worker.SendOption) error { return s.ToUsers(ctx, c.owns(), text(c), o) })
		},
	}, {
		calls: "Sender.ToUsers", how: "one of them offline", own: true, calm: true, names: true, well: "hit 4, offline ~.X", hears: "ABCD",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return awaited(func(o worker.SendOption) error { return s.ToUsers(ctx, append(c.owns(), c.own('X')), text(c), o) })
		},
	}, {
		calls: "Sender.ToUsers", how: "but two", own: true, names: true, well: "hit 2", part: "hit 1", none: "hit 0", hears: "CD",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return awaited(func(o worker.SendOption) error {
				return s.ToUsers(ctx, c.owns(), text(c), o, worker.ExceptUsers(c.own('A')), worker.Except(c.IDs[1]))
			})
		},
	}, {
		calls: "Sender.ToGroup", names: true, well: "hit 4", part: "hit 3", none: "hit 0", hears: "ABCD",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return awaited(func(o worker.SendOption) error { return s.ToGroup(ctx, c.Name, text(c), o) })
		},
	}, {
		calls: "Sender.ToGroup", how: "and goes on", quick: true, hears: "ABCD",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return nil, s.ToGroup(ctx, c.Name, text(c), worker.NoWait(), worker.Merge(c.Name))
		},
	}, {
		calls: "Sender.ToGroup", how: "but two", own: true, names: true, well: "hit 2", part: "hit 1", none: "hit 0", hears: "CD",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return awaited(func(o worker.SendOption) error {
				return s.ToGroup(ctx, c.Name, text(c), o, worker.ExceptUsers(c.own('A')), worker.Except(c.IDs[1]))
			})
		},
	}, {
		calls: "Sender.ToGroup", how: "twice under one key", names: true, well: "hit 0, duplicate", none: "hit 0", hears: "ABCD",
		part: "hit 0, duplicate",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			first := s.ToGroup(ctx, c.Name, text(c), worker.Once(c.Name))
			v, err := awaited(func(o worker.SendOption) error { return s.ToGroup(ctx, c.Name, text(c), o, worker.Once(c.Name)) })
			return v, errors.Join(first, err)
		},
	}, {
		calls: "Sender.ToGroup", how: "and is told later", names: true, well: "hit 4", part: "hit 3", none: "hit 0", hears: "ABCD",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			type end struct {
				r   worker.Result
				err error
			}
			told := make(chan end, 1)
			if err := s.ToGroup(ctx, c.Name, text(c), worker.Then(func(r worker.Result, err error) { told <- end{r, err} })); err != nil {
				return nil, err
			}
			e := <-told
			return e.r, e.err
		},
	}, {
		calls: "Sender.ToGroups", how: "that overlap", names: true, well: "hit 4", part: "hit 3", none: "hit 0", hears: "ABCD",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return awaited(func(o worker.SendOption) error { return s.ToGroups(ctx, []string{c.Name, c.pair()}, text(c), o) })
		},
	}, {
		calls: "Sender.ToAll", everyone: true, names: true, well: "hit some", part: "hit some", none: "hit nobody", blast: true, hears: "ABCD",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			v, err := awaited(func(o worker.SendOption) error { return s.ToAll(ctx, worker.Text(c.toAll()), o) })
			r := v.(worker.Result)
			if r.Hit >= len(c.IDs)-1 { // there are many others, and they come and go
				return lacking{"hit some", r.Lost}, err
			}
			return lacking{"hit nobody", r.Lost}, err
		},
	}, {
		calls: "Sender.ToAll", how: "and goes on", quick: true, blast: true, hears: "ABCD",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return nil, s.ToAll(ctx, worker.Text(c.toAll()))
		},
	},
}

// kicks are the rows that end conns.
var kicks = []*row{
	{
		calls: "Sender.Close", one: true, sure: true, hears: "D", ends: "D", code: kicked,
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return nil, s.Close(ctx, c.d(), fault.CloseKicked, "out", text(c))
		},
	}, {
		calls: "Sender.Kill", one: true, sure: true, ends: "D",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) { return nil, s.Kill(ctx, c.d()) },
	}, {
		calls: "Sender.CloseAll", ids: true, names: true, sure: true, well: "done 4", part: "done 3, unsure D", none: "done 0, unsure ABCD", hears: "ABCD", ends: "ABCD", code: kicked,
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return s.CloseAll(ctx, c.IDs[:], fault.CloseKicked, "out", text(c))
		},
	}, {
		calls: "Sender.KillAll", ids: true, names: true, sure: true, well: "done 4", part: "done 3, unsure D", none: "done 0, unsure ABCD", ends: "ABCD",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) { return s.KillAll(ctx, c.IDs[:]) },
	}, {
		calls: "Sender.CloseUser", names: true, sure: true, well: "4 conns", part: "3 conns", none: "0 conns", hears: "ABCD", ends: "ABCD", code: kicked,
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return s.CloseUser(ctx, c.Name, fault.CloseKicked, "out", text(c))
		},
	}, {
		calls: "Sender.KillUser", names: true, sure: true, well: "4 conns", part: "3 conns", none: "0 conns", ends: "ABCD",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) { return s.KillUser(ctx, c.Name) },
	}, {
		calls: "Sender.CloseGroup", names: true, sure: true, well: "2 conns", part: "1 conns", none: "0 conns", hears: "BD", ends: "BD", code: kicked,
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return s.CloseGroup(ctx, c.pair(), fault.CloseKicked, "out", text(c))
		},
	}, {
		calls: "Sender.KillGroup", names: true, sure: true, well: "2 conns", part: "1 conns", none: "0 conns", ends: "BD",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) { return s.KillGroup(ctx, c.pair()) },
	},
}

const kicked = int(fault.CloseKicked)
