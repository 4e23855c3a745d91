package delivery

import (
	"context"
	"errors"
	"time"

	"github.com/parley-im/parley/proto/faultpoint"
)

// The bounds of what is done for others.
const (
	claimAtOnce = 256
	// mostRescues is how many claimed rows may be under way. When they are more, no more
	// are claimed: a gateway that does not answer makes every row come back after its
	// lease, and rows that wait here would be claimed by others meanwhile.
	mostRescues = 1024
)

// How often a process looks for rows that others left, unless it is told otherwise.
const (
	// DefaultSweep is a backstop for when the bus is away, or the worker whose turn it is
	// stands still: otherwise the bus calls [Delivery.Drain] on one of all workers each
	// second. With the lease of a row and the jitter it makes six seconds.
	DefaultSweep = 3 * time.Second
	// DefaultLoneSweep is for a process without a bus: nothing else looks.
	DefaultLoneSweep = 2 * time.Second
)

// Drain does what others have left, or could not do: rows of the outbox whose lease is
// over. more says that there may be further ones, and that it is of use to ask at once:
// while gateways do not answer it is not.
func (d *Delivery) Drain(ctx context.Context) (more bool, err error) {
	if faultpoint.Sabotaged(faultpoint.OutboxOff) || d.retired.Load() || d.cfg.Reach != nil && !d.cfg.Reach() {
		return false, nil
	}
	_, rescues := d.underway.count()
	limit := min(claimAtOnce, mostRescues-rescues)
	if limit <= 0 {
		return false, nil
	}
	futile := d.futile.Swap(false)
	list, err := d.cfg.Outbox.Claim(ctx, limit, d.underway.ids())
	if err != nil {
		return false, err
	}
	for i := range list {
		if !d.underway.begin(list[i].ID, true) {
			continue // it was committed here meanwhile, and is on its way
		}
		select {
		case d.queue <- list[i]:
			d.stats.rescued.Add(1)
		case <-ctx.Done():
			d.underway.over(list[i].ID)
			return true, context.Cause(ctx)
		}
	}
	return len(list) == limit && !futile, nil
}

// sweep drains now and then, whatever the bus does.
func (d *Delivery) sweep(ctx context.Context) {
	if d.cfg.SweepEvery < 0 {
		return
	}
	for sleep(ctx, jittered(d.cfg.SweepEvery)) {
		for {
			more, err := d.Drain(ctx)
			if err != nil && ctx.Err() == nil && !errors.Is(err, context.Canceled) {
				d.cfg.Log.Warn("the outbox cannot be read", "err", err)
			}
			if err != nil || !more {
				break
			}
		}
	}
}
