package worker

import (
	"context"
	"slices"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/worker/internal/link"
	"github.com/parley-im/parley/worker/internal/route"
)

// Sender acts for any conn, user or group of the cluster, from any process that
// runs a Worker, with or without a Handler. Its methods may be called from any
// goroutine; a Worker has one, for all.
//
// A send returns when the command is in the log of every gateway that has, or may
// have, a recipient: one command per gateway. The log is resent until the gateway
// has applied it, so what was sent is delivered although links break, in the order
// it was sent to that gateway; it ends with this process, or when the gateway
// leaves the cluster. With [Await] a send waits for the gateways' answers and says
// what became of it, with [Then] it says so later. Everything else waits for its answer.
//
// ctx limits every wait. Before the gateways are known, and while too much waits
// for one of them, calls wait; a context without a deadline waits as long as it
// takes. When several gateways are concerned and one of them is lost or silent,
// the others are not: results name it in Lost.
type Sender struct {
	worker *Worker
}

// ToConn sends to one conn.
func (s *Sender) ToConn(ctx context.Context, id connid.ID, f Frame, opts ...SendOption) error {
	return s.ToConns(ctx, []connid.ID{id}, f, opts...)
}

// ToConns sends to conns. Those that have ended are passed over, see
// [Result.Missed]; without Await a conn whose gateway is gone is too.
func (s *Sender) ToConns(ctx context.Context, ids []connid.ID, f Frame, opts ...SendOption) error {
	out, err := s.prepare(ctx, f, opts)
	if err != nil {
		return err
	}
	defer out.release()
	for _, id := range ids {
		if slices.Contains(out.except, id) {
			continue
		}
		g := s.worker.mesh.Gateway(id.Gateway)
		if g == nil {
			out.missed++
			continue
		}
		share := out.share(g)
		share.conns = append(share.conns, id.Conn)
	}
	return out.send(ctx, record.ToConns)
}

// ToUser sends to every conn of a user.
func (s *Sender) ToUser(ctx context.Context, user string, f Frame, opts ...SendOption) error {
	return s.toName(ctx, record.ToUsers, route.User, "user", user, f, opts)
}

// ToUsers sends to every conn of each of the users; each conn gets it once.
func (s *Sender) ToUsers(ctx context.Context, users []string, f Frame, opts ...SendOption) error {
	return s.toNames(ctx, record.ToUsers, route.User, "user", users, f, opts)
}

// ToGroup sends to every conn of a group.
func (s *Sender) ToGroup(ctx context.Context, group string, f Frame, opts ...SendOption) error {
	return s.toName(ctx, record.ToGroups, route.Group, "group", group, f, opts)
}

// ToGroups sends to every conn of the groups; a conn that is in several gets it
// once.
func (s *Sender) ToGroups(ctx context.Context, groups []string, f Frame, opts ...SendOption) error {
	return s.toNames(ctx, record.ToGroups, route.Group, "group", groups, f, opts)
}

// ToAll sends to every conn there is.
func (s *Sender) ToAll(ctx context.Context, f Frame, opts ...SendOption) error {
	out, err := s.prepare(ctx, f, opts)
	if err != nil {
		return err
	}
	defer out.release()
	for _, g := range s.worker.mesh.Gateways() {
		out.share(g)
	}
	return out.send(ctx, record.ToAll)
}

func (s *Sender) toNames(ctx context.Context, target record.Target, kind route.Kind, what string, names []string, f Frame, opts []SendOption) error {
	if err := checkNames(what, names); err != nil {
		return err
	}
	out, err := s.prepare(ctx, f, opts)
	if err != nil {
		return err
	}
	defer out.release()
	if out.result != nil {
		names = unique(names) // Result.Offline names each once
	}
	return s.spread(ctx, out, target, kind, names)
}

// toName is toNames of a single one, which lies in the pooled outgoing.
func (s *Sender) toName(ctx context.Context, target record.Target, kind route.Kind, what, name string, f Frame, opts []SendOption) error {
	if err := checkName(what, name); err != nil {
		return err
	}
	out, err := s.prepare(ctx, f, opts)
	if err != nil {
		return err
	}
	defer out.release()
	out.single[0] = name
	return s.spread(ctx, out, target, kind, out.single[:])
}

// spread finds out which gateways have the names and sends.
func (s *Sender) spread(ctx context.Context, out *outgoing, target record.Target, kind route.Kind, names []string) error {
	if target == record.ToUsers && len(out.exceptUsers) > 0 {
		names = without(names, out.exceptUsers) // a conn has one user: nothing else is left to leave out
	}
	out.names = names
	s.worker.mesh.Reach(&out.plan, kind, names)
	for _, part := range out.plan.Shares {
		out.share(part.To).names = part.Names
	}
	return out.send(ctx, target)
}

// unique returns the names without repeats, in their order.
func unique(names []string) []string {
	seen := make(map[string]bool, len(names))
	out := make([]string, 0, len(names))
	for _, name := range names {
		if !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	return out
}

// known waits until the gateways are known for the first time. It fails when the worker
// has ended.
func (s *Sender) known(ctx context.Context) error {
	if err := s.worker.running(); err != nil {
		return err
	}
	mesh := s.worker.mesh
	select {
	case <-mesh.Known():
		return nil
	default:
	}
	select {
	case <-mesh.Known():
		return nil
	case <-mesh.Ended():
		return linkError(link.ErrStopped)
	case <-ctx.Done():
		return waitError(ctx, "the gateways are not known yet")
	}
}

// running fails when the links have ended. Whoever looks at the gateways first and asks
// this afterwards does not take the empty roster of a worker that has ended for a cluster
// without gateways.
func (w *Worker) running() error {
	select {
	case <-w.mesh.Ended():
		return linkError(link.ErrStopped)
	default:
		return nil
	}
}

// gatewayOf returns the gateway that has a conn.
func (s *Sender) gatewayOf(ctx context.Context, id connid.ID) (*link.Gateway, error) {
	if err := s.worker.running(); err != nil {
		return nil, err
	}
	if g := s.worker.mesh.Gateway(id.Gateway); g != nil {
		return g, nil // its conns can be asked for before all others are known
	}
	if err := s.known(ctx); err != nil {
		return nil, err
	}
	if g := s.worker.mesh.Gateway(id.Gateway); g != nil {
		return g, nil
	}
	if err := s.worker.running(); err != nil {
		return nil, err
	}
	return nil, errStale
}
