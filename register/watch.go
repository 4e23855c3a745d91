package register

import (
	"context"
	"errors"
	"fmt"
	"time"

	registerv1 "github.com/parley-im/parley/proto/register/v1"
)

// watch follows the members of one role at one register until the stream ends or
// the role is no longer watched. afterJoin says that our own lease was confirmed
// here before.
func (s *session) watch(ctx context.Context, r *role, afterJoin bool, cancel context.CancelCauseFunc) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	defer context.AfterFunc(r.ctx, end)()
	err := s.follow(ctx, r, afterJoin, cancel)
	if r.ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("watch: %w", err)
}

func (s *session) follow(ctx context.Context, r *role, afterJoin bool, cancel context.CancelCauseFunc) error {
	dog := newWatchdog(s.c.cfg.Lease, cancel)
	defer dog.stop()
	stream, err := s.rpc.Watch(ctx)
	if err != nil {
		return err
	}
	if err := s.shake(watchSteps{stream}); err != nil {
		return err
	}
	dog.heard()
	if err := stream.Send(&registerv1.WatchRequest{Kind: &registerv1.WatchRequest_Start{
		Start: &registerv1.WatchStart{Role: r.name},
	}}); err != nil {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}

	var all []account // parts of the snapshot so far
	whole := false
	for {
		m, err := stream.Recv()
		if err != nil {
			return err
		}
		switch k := m.GetKind().(type) {
		case *registerv1.WatchResponse_Snapshot:
			if whole {
				return errors.New("a second snapshot came")
			}
			all = append(all, accounts(k.Snapshot.GetMembers())...)
			if whole = k.Snapshot.GetLast(); whole {
				s.c.snapshot(s.addr, r, k.Snapshot.GetState(), all, afterJoin)
				all = nil
				s.reached()
			}
			dog.setLease(k.Snapshot.GetState().GetLeaseMs())
		case *registerv1.WatchResponse_Changes:
			if !whole {
				return errors.New("changes came before the snapshot was whole")
			}
			s.c.changes(s.addr, r, k.Changes)
			dog.setLease(k.Changes.GetState().GetLeaseMs())
		case *registerv1.WatchResponse_Draining:
			return errDraining
		default:
			dog.heard() // of a newer minor version
		}
	}
}

// snapshot hands a whole snapshot to the merge of a role.
func (c *Client) snapshot(addr string, r *role, state *registerv1.State, all []account, afterJoin bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if lease := time.Duration(state.GetLeaseMs()) * time.Millisecond; lease > c.lease {
		c.lease = lease
		for _, each := range c.roles {
			each.merge.patience = patience(lease)
		}
	}
	r.merge.snapshot(addr, state.GetSettled(), all, c.observe())
	r.notify()
	if c.self == nil || afterJoin {
		r.becomeReady()
	}
}

// changes hands changes to the merge of a role, in order.
func (c *Client) changes(addr string, r *role, all *registerv1.Changes) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.observe()
	for _, ch := range all.GetChanges() {
		switch k := ch.GetKind().(type) {
		case *registerv1.Change_Present:
			r.merge.present(addr, accountOf(k.Present), now)
		case *registerv1.Change_Ended:
			if e := k.Ended; e.GetReason() == registerv1.Ended_REASON_LEFT {
				r.merge.leave(addr, e.GetBoot(), e.GetRevision(), now)
			} else {
				r.merge.expired(addr, e.GetBoot(), now)
			}
		}
	}
	r.merge.settle(addr, all.GetState().GetSettled())
	r.notify()
}

func accounts(members []*registerv1.Member) []account {
	all := make([]account, 0, len(members))
	for _, m := range members {
		all = append(all, accountOf(m))
	}
	return all
}

func accountOf(m *registerv1.Member) account {
	return account{member: FromProto(m), revision: m.GetRevision()}
}
