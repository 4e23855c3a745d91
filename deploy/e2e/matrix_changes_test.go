package e2e

import (
	"context"
	"fmt"

	"github.com/parley-im/parley/worker"
)

// What is asked after a row has changed something.
func userOf(ctx context.Context, s *worker.Sender, c cell) (any, error) { return s.UserOf(ctx, c.d()) }
func groupsOf(ctx context.Context, s *worker.Sender, c cell) (any, error) {
	return s.GroupsOf(ctx, c.d())
}

func sessionOf(ctx context.Context, s *worker.Sender, c cell) (any, error) {
	session, version, err := s.Session(ctx, c.d())
	return fmt.Sprintf("%s in version %d", session, version), err
}

// size asks how many are in a group.
func size(group func(cell) string) func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
	return func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
		n, lost, err := s.GroupSize(ctx, group(c))
		return lacking{n.Conns, lost}, err
	}
}

func fresh(c cell) string { return c.Name + ".new" }

// changes are the rows that bind, join and write sessions.
var changes = []*row{
	{
		calls: "Sender.Bind", one: true, sure: true, is: "D",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return nil, s.Bind(ctx, c.d(), fresh(c))
		},
		after: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			ids, lost, err := s.ConnsOf(ctx, fresh(c))
			return lacking{ids, lost}, err
		},
	}, {
		calls: "Sender.Unbind", one: true, sure: true, after: userOf,
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return nil, s.Unbind(ctx, c.d(), c.Name)
		},
	}, {
		calls: "Sender.BindAll", ids: true, names: true, sure: true, well: "done 4", part: "done 3, unsure D", none: "done 0, unsure ABCD", is: "~.A=A ~.B=B ~.C=C ~.D=D",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			var list []worker.Binding
			for i, id := range c.IDs {
				list = append(list, worker.Binding{Conn: id, User: c.own(letters[i])})
			}
			return s.BindAll(ctx, list)
		},
		after: func(ctx context.Context, s *worker.Sender, c cell) (any, error) { return s.Online(ctx, c.owns()...) },
	}, {
		calls: "Sender.UnbindAll", ids: true, own: true, names: true, sure: true, well: "done 4", part: "done 3, unsure D", none: "done 0, unsure ABCD",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) { return s.UnbindAll(ctx, c.IDs[:]) },
		after:  func(ctx context.Context, s *worker.Sender, c cell) (any, error) { return s.Online(ctx, c.owns()...) },
	}, {
		calls: "Sender.Join", one: true, sure: true, after: groupsOf, is: "~ ~.bd ~.new",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return nil, s.Join(ctx, c.d(), fresh(c))
		},
	}, {
		calls: "Sender.Leave", one: true, sure: true, after: groupsOf, is: "~",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return nil, s.Leave(ctx, c.d(), c.pair())
		},
	}, {
		calls: "Sender.JoinAll", ids: true, names: true, sure: true, well: "done 4", part: "done 3, unsure D", none: "done 0, unsure ABCD", after: size(fresh), is: "4",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return s.JoinAll(ctx, c.IDs[:], fresh(c))
		},
	}, {
		calls: "Sender.LeaveAll", ids: true, names: true, sure: true, well: "done 4", part: "done 3, unsure D", none: "done 0, unsure ABCD", after: size(cell.pair), is: "0",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return s.LeaveAll(ctx, c.IDs[:], c.pair())
		},
	}, {
		calls: "Sender.JoinUser", names: true, sure: true, well: "4 conns", part: "3 conns", none: "0 conns", after: size(fresh), is: "4",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return s.JoinUser(ctx, c.Name, fresh(c))
		},
	}, {
		calls: "Sender.LeaveUser", names: true, sure: true, well: "2 conns", part: "1 conns", none: "0 conns", after: size(cell.pair), is: "0",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return s.LeaveUser(ctx, c.Name, c.pair())
		},
	}, {
		calls: "Sender.JoinUsers", own: true, names: true, sure: true, well: "4 conns", part: "3 conns", none: "0 conns", after: size(fresh), is: "4",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return s.JoinUsers(ctx, c.owns(), fresh(c))
		},
	}, {
		calls: "Sender.LeaveUsers", own: true, names: true, sure: true, well: "2 conns", part: "1 conns", none: "0 conns", after: size(cell.pair), is: "0",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return s.LeaveUsers(ctx, c.owns(), c.pair())
		},
	}, {
		calls: "Sender.DissolveGroup", names: true, sure: true, well: "2 conns", part: "1 conns", none: "0 conns", after: size(cell.pair), is: "0",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return s.DissolveGroup(ctx, c.pair())
		},
	}, {
		// That it was confirmed shows in the end: it is still open.
		calls: "Sender.Confirm", one: true, sure: true, probation: true,
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) { return nil, s.Confirm(ctx, c.d()) },
	}, {
		calls: "Sender.SetSession", one: true, sure: true, well: "2", part: "0", after: sessionOf, is: "~ in version 2",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return s.SetSession(ctx, c.d(), []byte(c.Name))
		},
	}, {
		calls: "Sender.SetSession", how: "if it is still the first", one: true, sure: true, well: "2", part: "0", after: sessionOf, is: "~ in version 2",
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return s.SetSession(ctx, c.d(), []byte(c.Name), worker.IfVersion(1))
		},
	}, {
		calls: "Sender.MergeSession", one: true, sure: true, well: "2", part: "0", after: sessionOf, is: `{"n":1,"m":2} in version 2`,
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return s.MergeSession(ctx, c.d(), []byte(`{"m":2}`))
		},
	}, {
		calls: "Sender.MergeSession", how: "if it is still the first", one: true, sure: true, well: "2", part: "0", after: sessionOf, is: `{"n":1,"m":2} in version 2`,
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return s.MergeSession(ctx, c.d(), []byte(`{"m":2}`), worker.IfVersion(1))
		},
	}, {
		calls: "Sender.UpdateSession", how: "if it is still the first", one: true, sure: true, well: "2", part: "0", after: sessionOf, is: `{"n":7} in version 2`,
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return s.UpdateSession(ctx, c.d(), map[string]int{"n": 7}, worker.IfVersion(1))
		},
	}, {
		calls: "Sender.UpdateSession", one: true, sure: true, well: "2", part: "0", after: sessionOf, is: `{"n":7} in version 2`,
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return s.UpdateSession(ctx, c.d(), map[string]int{"n": 7})
		},
	}, {
		calls: "Sender.DeleteSessionKeys", one: true, sure: true, well: "2", part: "0", after: sessionOf, is: `{} in version 2`,
		sender: func(ctx context.Context, s *worker.Sender, c cell) (any, error) {
			return s.DeleteSessionKeys(ctx, c.d(), "n")
		},
	},
}
