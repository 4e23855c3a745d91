package worker

import (
	"context"
	"errors"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/worker/internal/link"
)

// What one batch holds: as many commands as the link allows, in about as many bytes as
// should stand together in a record.
const (
	maxBatch      = 1000
	maxBatchBytes = 256 << 10
)

// order is the commands that one gateway gets in batches, and what it answers.
type order struct {
	to       *link.Gateway
	commands []*gatewayv1.Command
	about    []int // which of the caller's things each command is about

	results []*gatewayv1.Result // of each command; nil: unknown, or not given
	given   int                 // how many the gateway was given; the others are surely not done
	refused error               // why not all
	err     error               // why some results are unknown
	lost    bool                // the gateway is to be named
}

func (o *order) add(c *gatewayv1.Command, about int) {
	o.commands = append(o.commands, c)
	o.about = append(o.about, about)
}

// carryOut gives all orders away, each on a goroutine of its own, so that a gateway that has no
// room or does not answer holds up no other, and waits for what comes of them. It names
// the gateways that left or did not answer. Those that left are no error.
func (w *Worker) carryOut(ctx context.Context, orders []*order) (lost []string, err error) {
	var all sync.WaitGroup
	for _, o := range orders {
		all.Go(func() { o.carryOut(ctx) })
	}
	all.Wait()
	var errs []error
	for _, o := range orders {
		if o.lost {
			lost = append(lost, o.to.Node())
		}
		errs = append(errs, o.err)
		if !errors.Is(o.refused, link.ErrGone) {
			errs = append(errs, o.refused)
		}
	}
	slices.Sort(lost)
	return lost, errors.Join(errs...)
}

// carryOut gives all batches away before it waits for the first answer.
func (o *order) carryOut(ctx context.Context) {
	o.results = make([]*gatewayv1.Result, len(o.commands))
	type batch struct {
		from, to int
		waiter   *link.Waiter
	}
	var batches []batch
	for from := 0; from < len(o.commands); {
		b := batch{from, o.batchEnd(from), link.NewWaiter(1)}
		cmd := &gatewayv1.Command{Do: &gatewayv1.Command_Batch{Batch: &gatewayv1.Batch{Commands: o.commands[b.from:b.to]}}}
		if err := o.to.Command(ctx, cmd, b.waiter); err != nil {
			o.refuse(err)
			break
		}
		batches, from = append(batches, b), b.to
		o.given = from
	}
	for _, b := range batches {
		_, err := b.waiter.Wait(ctx, func(r link.Reply) { o.take(b.from, b.to, r) })
		b.waiter.Close()
		if err != nil && o.err == nil {
			o.lost, o.err = true, waitError(ctx, "not every gateway has answered")
		}
	}
}

// batchEnd returns where the batch ends that begins at from.
func (o *order) batchEnd(from int) (to int) {
	size := 0
	for to = from; to < len(o.commands) && to-from < maxBatch; to++ {
		if size += proto.Size(o.commands[to]); size > maxBatchBytes && to > from {
			break
		}
	}
	return to
}

// take notes the answer to a batch.
func (o *order) take(from, to int, r link.Reply) {
	switch {
	case r.Err != nil:
		o.fail(r.Err)
	case r.Result.GetStatus() == gatewayv1.Status_STATUS_OK && len(r.Result.GetResults()) == to-from:
		copy(o.results[from:to], r.Result.GetResults())
	case r.Result.GetStatus() == gatewayv1.Status_STATUS_OK, r.Result.GetStatus() == gatewayv1.Status_STATUS_UNKNOWN:
		o.lost, o.err = true, errors.Join(o.err, errUnknown)
	default: // refused as a whole: a gateway of a version without batches
		for i := from; i < to; i++ {
			o.results[i] = r.Result
		}
	}
}

// refuse notes why the rest was not given. Only some reasons are the gateway's.
func (o *order) refuse(err error) {
	o.refused = linkError(err)
	o.lost = o.lost || errors.Is(err, link.ErrGone) || errors.Is(err, link.ErrAway) || errors.Is(err, link.ErrFull)
}

// fail notes why an answer did not come. That the gateway has left is no error.
func (o *order) fail(err error) {
	o.lost = true
	if o.err == nil && !errors.Is(err, link.ErrGone) {
		o.err = linkError(err)
	}
}
