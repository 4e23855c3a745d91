package worker

import (
	"context"
	"errors"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/worker/internal/link"
)

// Binding is a conn and the user to bind it to.
type Binding struct {
	Conn connid.ID
	User string
}

// Outcome is what a call for many conns did, conn by conn. Every conn that was given is
// counted in Done, or stands in one of the others.
type Outcome struct {
	Done   int                 // conns that it was done for
	Stale  []connid.ID         // conns that have ended, or whose gateway is gone
	Failed map[connid.ID]error // conns that it was not done for, and why: a gateway refused, or was not given it; nil: none
	Unsure []connid.ID         // conns whose gateway was given it and is in Lost: whether it was done is unknown
	Lost   []string            // gateways (their nodes) that left, with their conns, or did not answer; these make an error too
}

// BindAll binds many conns at once, each to its user, as Bind does: one command per gateway
// and 1,000 conns. When it returns, whatever anybody sends from then on to the user of a conn that
// counts as done reaches it. Conns that are Stale are no error.
func (s *Sender) BindAll(ctx context.Context, bindings []Binding) (Outcome, error) {
	ids := make([]connid.ID, len(bindings))
	for i, b := range bindings {
		if err := checkName("user", b.User); err != nil {
			return Outcome{}, err
		}
		ids[i] = b.Conn
	}
	return s.eachConn(ctx, ids, func(i int) *gatewayv1.Command {
		return &gatewayv1.Command{Do: &gatewayv1.Command_Bind{Bind: &gatewayv1.Bind{Conn: refOf(ids[i]), User: bindings[i].User}}}
	})
}

// UnbindAll unties many conns at once, each from whichever user it has.
func (s *Sender) UnbindAll(ctx context.Context, ids []connid.ID) (Outcome, error) {
	return s.eachConn(ctx, ids, func(i int) *gatewayv1.Command {
		return &gatewayv1.Command{Do: &gatewayv1.Command_Unbind{Unbind: &gatewayv1.Unbind{Conn: refOf(ids[i])}}}
	})
}

// JoinAll puts many conns into groups at once, as Join and BindAll do.
func (s *Sender) JoinAll(ctx context.Context, ids []connid.ID, groups ...string) (Outcome, error) {
	if err := checkNames("group", groups); err != nil || len(groups) == 0 {
		return Outcome{}, err
	}
	return s.eachConn(ctx, ids, func(i int) *gatewayv1.Command { return joinOf(targetConn(ids[i]), groups) })
}

// LeaveAll takes many conns out of groups at once.
func (s *Sender) LeaveAll(ctx context.Context, ids []connid.ID, groups ...string) (Outcome, error) {
	if err := checkNames("group", groups); err != nil || len(groups) == 0 {
		return Outcome{}, err
	}
	return s.eachConn(ctx, ids, func(i int) *gatewayv1.Command { return leaveOf(targetConn(ids[i]), groups) })
}

// CloseAll ends many conns at once, each as Close does.
func (s *Sender) CloseAll(ctx context.Context, ids []connid.ID, code fault.CloseCode, reason string, last ...Frame) (Outcome, error) {
	how, err := closeConn(code, reason, last)
	if err != nil {
		return Outcome{}, err
	}
	return s.eachConn(ctx, ids, func(i int) *gatewayv1.Command { return endOf(targetConn(ids[i]), how) })
}

// KillAll ends many conns at once, each as Kill does.
func (s *Sender) KillAll(ctx context.Context, ids []connid.ID) (Outcome, error) {
	how := &gatewayv1.CloseConn{Now: true}
	return s.eachConn(ctx, ids, func(i int) *gatewayv1.Command { return endOf(targetConn(ids[i]), how) })
}

// eachConn gives the gateway of each conn a command for it, batch by batch.
func (s *Sender) eachConn(ctx context.Context, ids []connid.ID, command func(i int) *gatewayv1.Command) (out Outcome, err error) {
	if err := s.known(ctx); err != nil || len(ids) == 0 {
		return out, err
	}
	var orders []*order
	byGateway := make(map[*link.Gateway]*order)
	for i, id := range ids {
		g := s.worker.mesh.Gateway(id.Gateway)
		if g == nil {
			out.Stale = append(out.Stale, id)
			continue
		}
		o := byGateway[g]
		if o == nil {
			o = &order{to: g}
			byGateway[g] = o
			orders = append(orders, o)
		}
		o.add(command(i), i)
	}
	// A roster that is empty because this worker has ended makes nobody stale.
	if err := s.worker.running(); err != nil {
		return Outcome{}, err
	}
	out.Lost, err = s.worker.carryOut(ctx, orders)
	var refused error
	for _, o := range orders {
		for n, r := range o.results {
			id := ids[o.about[n]]
			if n >= o.given {
				out.notGiven(id, o.refused)
			} else if failed := out.note(id, r); refused == nil {
				refused = failed
			}
		}
	}
	return out, errors.Join(refused, err)
}

// note counts what one conn was answered, nil for nothing, and returns why it was refused.
func (o *Outcome) note(id connid.ID, r *gatewayv1.Result) error {
	switch r.GetStatus() {
	case gatewayv1.Status_STATUS_UNSPECIFIED, gatewayv1.Status_STATUS_UNKNOWN:
		o.Unsure = append(o.Unsure, id)
	case gatewayv1.Status_STATUS_OK:
		o.Done++
	case gatewayv1.Status_STATUS_STALE:
		o.Stale = append(o.Stale, id)
	default:
		err := resultError(r)
		o.fail(id, err)
		return err
	}
	return nil
}

// notGiven counts one whose gateway was not given its command.
func (o *Outcome) notGiven(id connid.ID, why error) {
	if fault.CodeOf(why) == fault.Stale { // with its gateway
		o.Stale = append(o.Stale, id)
		return
	}
	o.fail(id, why)
}

func (o *Outcome) fail(id connid.ID, why error) {
	if o.Failed == nil {
		o.Failed = make(map[connid.ID]error)
	}
	o.Failed[id] = why
}
