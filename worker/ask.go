package worker

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/parley-im/parley/proto/connid"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/worker/internal/link"
	"github.com/parley-im/parley/worker/internal/route"
)

// one gives a command to the gateway of a conn and waits for the answer.
func (s *Sender) one(ctx context.Context, id connid.ID, cmd *gatewayv1.Command) error {
	g, err := s.gatewayOf(ctx, id)
	if err != nil {
		return err
	}
	_, err = s.worker.ask(ctx, g, cmd)
	return err
}

// user gives a command to every gateway that has, or may have, a user.
func (s *Sender) user(ctx context.Context, user string, cmd *gatewayv1.Command) (Affected, error) {
	return s.named(ctx, route.User, user, cmd)
}

// named gives a command to every gateway that has, or may have, a user or a group.
func (s *Sender) named(ctx context.Context, kind route.Kind, name string, cmd *gatewayv1.Command) (Affected, error) {
	var did Affected
	if err := s.known(ctx); err != nil {
		return did, err
	}
	shares := s.reach(kind, []string{name})
	to := make([]*link.Gateway, 0, len(shares))
	for _, share := range shares {
		to = append(to, share.To)
	}
	lost, err := s.worker.askAll(ctx, to, true, func(*link.Gateway) *gatewayv1.Command { return cmd }, func(_ *link.Gateway, r *gatewayv1.Result) {
		did.Conns += int(r.GetAffected())
	})
	did.Lost = lost
	return did, err
}

// reach returns the gateways that have, or may have, some of the names, with these.
func (s *Sender) reach(kind route.Kind, names []string) []link.Share {
	var plan link.Plan
	s.worker.mesh.Reach(&plan, kind, names)
	return plan.Shares
}

// ask gives a gateway a command and waits for its result.
func (w *Worker) ask(ctx context.Context, g *link.Gateway, cmd *gatewayv1.Command) (*gatewayv1.Result, error) {
	waiter := link.NewWaiter(1)
	defer waiter.Close()
	if err := g.Command(ctx, cmd, waiter); err != nil {
		return nil, linkError(err)
	}
	var reply link.Reply
	if _, err := waiter.Wait(ctx, func(r link.Reply) { reply = r }); err != nil {
		return nil, waitError(ctx, "the gateway has not answered")
	}
	if reply.Err != nil {
		return nil, linkError(reply.Err)
	}
	return reply.Result, resultError(reply.Result)
}

// askAll gives several gateways a command each and calls each for every good answer, one
// at a time. Who has no room is waited for on a goroutine of its own and holds up no other.
// Gateways that leave are named in lost and are no error: their conns are gone. Those
// that cannot be asked are named too, and with sure they are an error; those that take
// nothing, or do not answer, before ctx ends always are.
func (w *Worker) askAll(ctx context.Context, to []*link.Gateway, sure bool, cmd func(*link.Gateway) *gatewayv1.Command, each func(*link.Gateway, *gatewayv1.Result)) (lost []string, err error) {
	if err := w.running(); err != nil {
		return nil, err
	}
	var (
		mu   sync.Mutex // guards lost and errs, and is held for each
		errs []error
	)
	refused := func(g *link.Gateway, err error) {
		mu.Lock()
		defer mu.Unlock()
		lost = append(lost, g.Node())
		if !errors.Is(err, link.ErrGone) && (sure || !errors.Is(err, link.ErrAway)) {
			errs = append(errs, linkError(err))
		}
	}
	collect := func(waiter *link.Waiter) {
		silent, err := waiter.Wait(ctx, func(r link.Reply) {
			if r.Err != nil {
				refused(r.From, r.Err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if r.Result.GetStatus() == gatewayv1.Status_STATUS_OK {
				each(r.From, r.Result)
			} else {
				errs = append(errs, resultError(r.Result))
			}
		})
		mu.Lock()
		defer mu.Unlock()
		for _, g := range silent {
			lost = append(lost, g.Node())
		}
		if err != nil {
			errs = append(errs, waitError(ctx, "not every gateway has answered"))
		}
	}
	waiter := link.NewWaiter(len(to))
	defer waiter.Close()
	var full sync.WaitGroup
	for _, g := range to {
		c := cmd(g)
		switch err := g.TryCommand(c, waiter); {
		case errors.Is(err, link.ErrFull):
			full.Go(func() {
				waiter := link.NewWaiter(1)
				defer waiter.Close()
				if err := g.Command(ctx, c, waiter); err != nil {
					refused(g, err)
					return
				}
				collect(waiter)
			})
		case err != nil:
			refused(g, err)
		}
	}
	collect(waiter)
	full.Wait()
	slices.Sort(lost)
	return slices.Compact(lost), errors.Join(errs...)
}
