package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
)

// ofConn are the rows of a handler's own conn, D. What is kept for the acknowledgement
// asks nobody, whatever the gateway does.
var ofConn = []*row{
	{
		calls: "Conn.ID Conn.Number Conn.Facts Conn.User Conn.Groups Conn.In Conn.Session Conn.SessionVersion Conn.Sender",
		one:   true, quick: true, well: `D true of ~ at /, in ~ ~.bd true, {"n":1} in version 1, true`,
		conn: func(_ context.Context, k *worker.Conn, c cell) (any, error) {
			groups := strings.Join(slices.Sorted(slices.Values(k.Groups())), " ")
			return fmt.Sprintf("%s %v of %s at %s, in %s %v, %s in version %d, %v", c.named([]connid.ID{k.ID()}), k.Number() == c.d().Number(), k.User(), k.Facts().Path,
				groups, k.In(c.pair()), k.Session(), k.SessionVersion(), k.Sender() != nil), nil
		},
	}, {
		calls: "Conn.Reply", one: true, quick: true, hears: "D",
		conn: func(_ context.Context, k *worker.Conn, c cell) (any, error) { return nil, k.Reply(text(c)) },
	}, {
		calls: "Conn.Send", one: true, quick: true, hears: "D",
		conn: func(ctx context.Context, k *worker.Conn, c cell) (any, error) { return nil, k.Send(ctx, text(c)) },
	}, {
		calls: "Conn.Bind", one: true, sure: true, after: userOf, is: "~.new",
		conn: func(ctx context.Context, k *worker.Conn, c cell) (any, error) { return nil, k.Bind(ctx, fresh(c)) },
	}, {
		calls: "Conn.Unbind", one: true, sure: true, after: userOf,
		conn: func(ctx context.Context, k *worker.Conn, _ cell) (any, error) { return nil, k.Unbind(ctx) },
	}, {
		calls: "Conn.Join", one: true, sure: true, after: groupsOf, is: "~ ~.bd ~.new",
		conn: func(ctx context.Context, k *worker.Conn, c cell) (any, error) { return nil, k.Join(ctx, fresh(c)) },
	}, {
		calls: "Conn.Leave", one: true, sure: true, after: groupsOf, is: "~",
		conn: func(ctx context.Context, k *worker.Conn, c cell) (any, error) { return nil, k.Leave(ctx, c.pair()) },
	}, {
		calls: "Conn.Confirm", one: true, sure: true, probation: true,
		conn: func(ctx context.Context, k *worker.Conn, _ cell) (any, error) { return nil, k.Confirm(ctx) },
	}, {
		calls: "Conn.Close", one: true, quick: true, hears: "D", ends: "D", code: kicked,
		conn: func(_ context.Context, k *worker.Conn, c cell) (any, error) {
			return nil, k.Close(fault.CloseKicked, "out", text(c))
		},
	}, {
		calls: "Conn.Kill", one: true, quick: true, ends: "D",
		conn: func(_ context.Context, k *worker.Conn, _ cell) (any, error) { return nil, k.Kill() },
	}, {
		calls: "Conn.SetSession", one: true, quick: true, later: true, after: sessionOf, is: "~ in version 2",
		conn: func(_ context.Context, k *worker.Conn, c cell) (any, error) { return nil, k.SetSession([]byte(c.Name)) },
	}, {
		calls: "Conn.MergeSession", one: true, quick: true, later: true, after: sessionOf, is: `{"n":1,"m":2} in version 2`,
		conn: func(_ context.Context, k *worker.Conn, _ cell) (any, error) {
			return nil, k.MergeSession([]byte(`{"m":2}`))
		},
	}, {
		calls: "Conn.UpdateSession", one: true, quick: true, later: true, after: sessionOf, is: `{"n":7} in version 2`,
		conn: func(_ context.Context, k *worker.Conn, _ cell) (any, error) {
			return nil, k.UpdateSession(map[string]int{"n": 7})
		},
	}, {
		calls: "Conn.DeleteSessionKeys", one: true, quick: true, later: true, after: sessionOf, is: `{} in version 2`,
		conn: func(_ context.Context, k *worker.Conn, _ cell) (any, error) { return nil, k.DeleteSessionKeys("n") },
	}, {
		calls: "Conn.SetSubprotocol Conn.SetHeader", one: true, opens: true, quick: true, hears: "D", later: true, after: sessionOf, is: "~ in version 1",
		conn: func(ctx context.Context, k *worker.Conn, c cell) (any, error) {
			for _, err := range []error{k.SetSubprotocol("b"), k.SetHeader("X-Cell", c.Name), k.Bind(ctx, c.Name), k.Join(ctx, c.Name), k.SetSession([]byte(c.Name)), k.Reply(text(c))} {
				if err != nil {
					return nil, err
				}
			}
			return nil, nil
		},
	}, {
		calls: "Conn.ConfirmWithin", one: true, opens: true, quick: true, ends: "D", code: int(fault.CloseUnconfirmed),
		conn: func(_ context.Context, k *worker.Conn, _ cell) (any, error) {
			return nil, k.ConfirmWithin(time.Millisecond)
		},
	},
}
