package worker

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/parley-im/parley/proto/fault"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/worker/internal/link"
)

// MaxShedWindow is the longest time over which conns are asked to move.
const MaxShedWindow = time.Hour

// DrainGateway makes a gateway drain, as SIGTERM does: it leaves the register, refuses new
// sockets, sends its own away over its drain window, and its process ends with 0. It returns
// when that has begun, and nil when it had before. NotFound: there is no gateway of that
// name. Unimplemented: it is of an older version.
func (s *Sender) DrainGateway(ctx context.Context, node string) error {
	_, err := s.askNode(ctx, node, &gatewayv1.Command{Do: &gatewayv1.Command_Drain{Drain: &gatewayv1.Drain{}}})
	return err
}

// ShedGateway makes a gateway ask a share of its conns, above 0 and at most 1, to go
// elsewhere, spread over window; it goes on serving. They are drawn by chance and closed
// with 1012, and the reason says when each is to be back. It returns at once with how many
// will be asked: those who leave by themselves before their turn are not. Conflict: another
// shed goes on, or the gateway drains. NotFound and Unimplemented as for DrainGateway.
func (s *Sender) ShedGateway(ctx context.Context, node string, share float64, window time.Duration) (asked int, err error) {
	if !(share > 0 && share <= 1) { // NaN is neither
		return 0, invalid("a share is above 0 and at most 1, not %v", share)
	}
	if window < 0 || window > MaxShedWindow {
		return 0, invalid("a window is from 0 to %v, not %v", MaxShedWindow, window)
	}
	ms := uint32(math.Ceil(float64(window) / float64(time.Millisecond)))
	r, err := s.askNode(ctx, node, &gatewayv1.Command{Do: &gatewayv1.Command_Shed{Shed: &gatewayv1.Shed{Share: share, WindowMs: ms}}})
	return int(r.GetAffected()), err
}

// askNode gives a command to the gateway of that name. A name that two gateways bear for a
// moment, one that has gone and one that has come, means those that can be asked.
func (s *Sender) askNode(ctx context.Context, node string, cmd *gatewayv1.Command) (*gatewayv1.Result, error) {
	if err := s.known(ctx); err != nil {
		return nil, err
	}
	var named []*link.Gateway
	for _, g := range s.worker.mesh.Gateways() {
		if g.Node() == node {
			named = append(named, g)
		}
	}
	if len(named) == 0 {
		if err := s.worker.running(); err != nil {
			return nil, err
		}
		return nil, fault.New(fault.NotFound, fmt.Sprintf("there is no gateway %q", node))
	}
	var errs []error
	for _, g := range named {
		r, err := s.worker.ask(ctx, g, cmd)
		if err == nil {
			return r, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// DrainWorker makes a worker drain, as SIGTERM does: its conns move to others, Run returns
// nil, and a process that Main runs ends with 0. A gateway that the worker is attached to
// passes it on; DrainWorker returns when one has, and asking again changes nothing. What
// comes late, because a link broke, never meets a later life of the same name.
// NotFound: no worker of that name is attached to any gateway that answered, and all did.
// Unimplemented: the gateways, or the worker, are of an older version, or it handles no
// events.
func (s *Sender) DrainWorker(ctx context.Context, node string) error {
	found, err := s.findWorker(ctx, node)
	if err != nil {
		return err
	}
	var errs []error
	for boot, g := range found {
		cmd := &gatewayv1.Command{Do: &gatewayv1.Command_DrainWorker{DrainWorker: &gatewayv1.DrainWorker{Boot: boot}}}
		if _, err := s.worker.ask(ctx, g, cmd); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) == len(found) {
		return errors.Join(errs...)
	}
	return nil // of two lives of one name the older had gone
}

// findWorker returns the boots of a worker's node, each with a gateway that it is attached
// to. The first gateway that knows it ends the search: one that is silent delays nobody.
func (s *Sender) findWorker(ctx context.Context, node string) (found map[uint64]*link.Gateway, err error) {
	if err := s.known(ctx); err != nil {
		return nil, err
	}
	found = make(map[uint64]*link.Gateway)
	old := false
	searching, end := context.WithCancel(ctx)
	defer end()
	question := query(&gatewayv1.Query{Workers: true})
	lost, err := s.worker.askAll(searching, s.worker.mesh.Gateways(), true, func(*link.Gateway) *gatewayv1.Command { return question }, func(g *link.Gateway, r *gatewayv1.Result) {
		old = old || r.GetWorkers() == nil
		for _, w := range r.GetWorkers().GetList() {
			if w.GetNode() == node && (w.GetServesEvents() || w.GetDraining()) {
				found[w.GetBoot()] = g
			}
		}
		if len(found) > 0 {
			end()
		}
	})
	switch {
	case len(found) > 0:
		return found, nil
	case err != nil:
		return nil, err
	case old:
		return nil, fault.New(fault.Unimplemented, "a gateway is of an older version")
	case len(lost) > 0:
		return nil, fault.New(fault.Unavailable, fmt.Sprintf("gateways %q did not answer", lost))
	}
	return nil, fault.New(fault.NotFound, fmt.Sprintf("there is no worker %q", node))
}
