package verify

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/local/proc"
	"github.com/parley-im/parley/deploy/verify/compare"
)

// faults is the phase of the seeded schedule.
func (c *Config) faults(ctx context.Context, programs local.Programs, p *Phase) error {
	r, err := c.setup(ctx, programs, nil)
	if err != nil {
		return err
	}
	defer r.close()
	crowd, err := Gather(ctx, "c", c.Conns, r.urls(), r.start)
	if err != nil {
		return err
	}
	schedule := Schedule(c.Seed, c.Faults, c.Workers, c.Patience, r.lab != nil)
	if err := c.underFire(ctx, p, r, crowd, c.Rate, c.playing(p, r, schedule)); err != nil {
		return err
	}
	p.tried(r.lab != nil) // without dropped packets a refused term is a matter of luck
	p.judge()
	return nil
}

// tried is a problem of the phase for whatever its faults have not led to.
func (p *Phase) tried(refused bool) {
	for name, v := range map[string]float64{
		"moves": p.Counts.Moves, "redeliveries": p.Counts.Redelivered, "refused old terms": p.Counts.RefusedTerms,
	} {
		if v == 0 && (refused || name != "refused old terms") {
			p.problem("no %s: this run has not tried what it is to prove", name)
		}
	}
}

// playing carries out a schedule and then waits until every worker serves again.
func (c *Config) playing(p *Phase, r *rig, schedule []Fault) func(context.Context) error {
	return func(ctx context.Context) error {
		p.Faults = map[Kind]int{}
		err := r.play(ctx, schedule, func(f Fault) {
			p.Faults[f.Kind]++
			c.say("%-12s %v", p.Name, f)
		})
		if err != nil {
			return err
		}
		return r.awaitWhole(ctx)
	}
}

// rolling restarts all workers by SIGTERM, twice over.
func (c *Config) rolling(ctx context.Context, programs local.Programs, p *Phase) error {
	r, err := c.setup(ctx, programs, nil)
	if err != nil {
		return err
	}
	defer r.close()
	crowd, err := Gather(ctx, "r", c.Conns, r.urls(), r.start)
	if err != nil {
		return err
	}
	err = c.underFire(ctx, p, r, crowd, c.Rate, func(ctx context.Context) error {
		p.Faults = map[Kind]int{}
		for range 2 {
			for _, w := range r.Workers {
				pause(ctx, 500*time.Millisecond)
				p.Faults[Terminate]++
				began := time.Now()
				if e, err := w.Stop(ctx); err != nil || e.Code != 0 {
					return fmt.Errorf("%s ended with %v: %w", w.Name(), e, err)
				}
				r.drained(time.Since(began))
				c.say("%-12s %s drained in %v", p.Name, w.Name(), time.Since(began).Round(time.Millisecond))
				if err := w.Start(); err != nil {
					return err
				}
				if err := r.awaitWhole(ctx); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if p.Counts.Moves == 0 {
		p.problem("no conn moved")
	}
	p.judge()
	return nil
}

// messages is conn to conn under faults: acknowledged means delivered, once and
// in order.
func (c *Config) messages(ctx context.Context, programs local.Programs, p *Phase) error {
	r, err := c.setup(ctx, programs, nil)
	if err != nil {
		return err
	}
	defer r.close()
	crowd, err := GatherPairs(ctx, "m", c.Conns/4, r.urls(), r.start)
	if err != nil {
		return err
	}
	schedule := Schedule(c.Seed+1, max(c.Faults/2, 8), c.Workers, c.Patience, r.lab != nil)
	if err := c.underFire(ctx, p, r, crowd, c.Rate/4, c.playing(p, r, schedule)); err != nil {
		return err
	}
	p.tried(false) // no handler here takes long enough for its worker to be late with it
	p.judge()
	return nil
}

// lanesAtOnce is how many lanes bind at the same time.
const lanesAtOnce = 32

// binds is the race between a bind and a send, while workers are drained, killed
// and started, and a gateway without clients leaves and joins.
func (c *Config) binds(ctx context.Context, programs local.Programs, p *Phase) error {
	wider := *c
	wider.Gateways++ // the last one gets no clients
	r, err := wider.setup(ctx, programs, nil)
	if err != nil {
		return err
	}
	defer r.close()
	p.Faults = map[Kind]int{}
	err = c.race(ctx, p, r, c.Binds, func(ctx context.Context) error {
		idle := r.Gateways[c.Gateways]
		for range 2 {
			for i, w := range r.Workers {
				if err := c.churn(ctx, p, idle, w, i == 0); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err == nil {
		p.judge()
	}
	return err
}

// churn lets a gateway leave and a worker go, and both come back.
func (c *Config) churn(ctx context.Context, p *Phase, g, w *proc.Process, kill bool) error {
	if e, err := g.Stop(ctx); err != nil || e.Code != 0 {
		return fmt.Errorf("%s ended with %v: %w", g.Name(), e, err)
	}
	if kill {
		p.Faults[KillFast]++
		if err := w.Kill(); err != nil {
			return err
		}
	} else {
		p.Faults[Terminate]++
		if e, err := w.Stop(ctx); err != nil || e.Code != 0 {
			return fmt.Errorf("%s ended with %v: %w", w.Name(), e, err)
		}
	}
	for _, q := range []*proc.Process{w, g} {
		if err := q.Start(); err != nil {
			return err
		}
	}
	if err := g.Ready(ctx); err != nil {
		return err
	}
	return w.Ready(ctx)
}

// race runs lanes until there were enough binds and churn has returned. It fills the
// phase; the caller judges.
func (c *Config) race(ctx context.Context, p *Phase, r *rig, binds int, churn func(context.Context) error) error {
	churned := make(chan error, 1)
	var over atomic.Bool
	go func() {
		defer over.Store(true)
		churned <- churn(ctx)
	}()
	enough := func(n int) bool { return n >= binds && over.Load() }
	logs, err := RunLanes(ctx, lanesAtOnce, enough, r.urls()[:c.Gateways], r.start)
	if failed := <-churned; failed != nil {
		return failed
	}
	if err != nil {
		p.problem("%v", err)
	}
	f := compare.Logs(logs)
	p.Findings = &f
	p.Counts = r.counts(p)
	return ctx.Err()
}

// orders sets a variable in the environment of a process that is to obey it.
func orders(p *proc.Process, variable, value string) {
	p.Change(func(s *proc.Spec) { s.Env = append(s.Env[:len(s.Env):len(s.Env)], variable+"="+value) })
}
