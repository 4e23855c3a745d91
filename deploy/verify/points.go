package verify

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/local/proc"
	"github.com/parley-im/parley/proto/faultpoint"
)

// hits is when each point strikes: after so many of its moments that the crowd
// is in full flow.
var hits = map[faultpoint.Point]int{
	faultpoint.WorkerHandled:         400,
	faultpoint.WorkerAckSent:         200,
	faultpoint.WorkerDeltaApplied:    100, // after those of the crowd's own users and groups; see armed
	faultpoint.GatewayReplyQueued:    800,
	faultpoint.GatewayBound:          60,
	faultpoint.GatewaySnapshotHalf:   0, // of the first snapshot after the start; see armed
	faultpoint.GatewayCommandApplied: 80,
	faultpoint.GatewayMoving:         5,
}

// pointFor is what one phase of points proves: a process that dies exactly there
// and another that stops there for longer than patience.
//
// Of the workers the first is killed and the second stops. Of the gateways the
// first stops; the second is killed, and its conns are excused from being
// answered, not from being answered twice. Conns of the first must notice nothing
// but the wait.
func (c *Config) pointFor(ctx context.Context, programs local.Programs, p *Phase, point faultpoint.Point) error {
	var killed, stopped *proc.Process
	onWorkers := strings.HasPrefix(string(point), "worker.")
	r, err := c.setup(ctx, programs, func(q *proc.Process) {
		switch {
		case onWorkers && q.Name() == "worker-1", !onWorkers && q.Name() == "gateway-2":
			orders(q, "PARLEY_FAULTPOINTS", c.armed(point, "kill"))
			killed = q
		case onWorkers && q.Name() == "worker-2", !onWorkers && q.Name() == "gateway-1":
			orders(q, "PARLEY_FAULTPOINTS", c.armed(point, "stop"))
			stopped = q
		}
	})
	if err != nil {
		return err
	}
	defer r.close()
	crowd, err := Gather(ctx, "p", c.Conns, r.urls(), r.start)
	if err != nil {
		return err
	}
	if !onWorkers {
		crowd.Excuse(1)
	}
	err = c.underFire(ctx, p, r, crowd, c.Rate, func(ctx context.Context) error {
		pause(ctx, time.Second)
		if point == faultpoint.GatewayMoving || point == faultpoint.GatewaySnapshotHalf {
			// These moments need a worker that goes and comes back.
			if err := r.strike(ctx, Fault{Kind: KillFast, Worker: 2}); err != nil {
				return err
			}
		}
		return c.mend(ctx, r, killed, stopped, onWorkers)
	})
	if err != nil {
		return err
	}
	p.judge()
	return nil
}

// armed is the order for a process.
func (c *Config) armed(point faultpoint.Point, action string) string {
	n := hits[point]
	switch point {
	case faultpoint.GatewaySnapshotHalf:
		n = c.Workers + 1 // as many snapshots are sent before the crowd comes
	case faultpoint.WorkerDeltaApplied:
		n += 2 * c.Conns // each brings a user and a group, while nobody talks yet
	}
	return fmt.Sprintf("%s=%s@%d", point, action, n)
}

// mend waits for both to be struck and repairs what can be: a worker that died is
// started again, without orders; who stopped goes on.
func (c *Config) mend(ctx context.Context, r *rig, killed, stopped *proc.Process, restart bool) error {
	within, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	select {
	case <-killed.Done():
	case <-within.Done():
		return fmt.Errorf("%s never came to the point where it was to die", killed.Name())
	}
	if err := stopped.AwaitFrozen(within); err != nil {
		return err
	}
	if restart {
		killed.Change(func(s *proc.Spec) { s.Env = nil })
		if err := killed.Start(); err != nil {
			return err
		}
	}
	pause(ctx, c.Patience*3/2)
	if err := stopped.Thaw(); err != nil {
		return err
	}
	if restart {
		return r.awaitWhole(ctx)
	}
	return stopped.Ready(within)
}
