package verify

import (
	"context"
	"fmt"
	"time"

	"github.com/parley-im/parley/deploy/verify/compare"
)

// settleFor is how long nothing may come before a run believes that nothing will:
// longer than any time-out on the way of a frame.
const settleFor = 12 * time.Second

// underFire lets a crowd talk while do torments the cluster, and afterwards until
// everything is answered. It fills the phase.
func (c *Config) underFire(ctx context.Context, p *Phase, r *rig, crowd *Crowd, rate int, do func(context.Context) error) error {
	defer crowd.Leave()
	talking, hush := context.WithCancel(ctx)
	defer hush()
	quiet := make(chan struct{})
	go func() {
		defer close(quiet)
		crowd.Talk(talking, rate, 0)
	}()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		c.watch(talking, p.Name, crowd)
	}()
	err := do(ctx)
	pause(ctx, time.Second) // what was mended last works under load, too
	hush()
	<-quiet
	<-watched
	if err != nil {
		return err
	}
	patience := settleFor
	if p.Sabotaged {
		patience /= 3 // what is lost does not come, and what comes will do
	}
	crowd.Settle(ctx, patience)
	p.Counts, p.Drain = r.counts(p), time.Duration(r.drain.Load())
	crowd.Leave()
	strict, excused := crowd.Logs()
	f := compare.Logs(strict)
	p.Findings = &f
	if len(excused) > 0 {
		e := compare.Logs(excused)
		p.Excused = &e
	}
	return ctx.Err()
}

// counts adds up what the gateways that run say of themselves.
func (r *rig) counts(p *Phase) (sum Counts) {
	for _, g := range r.Gateways {
		if !g.Running() {
			continue
		}
		m, err := g.Metrics()
		if err != nil {
			p.problem("%v", err)
			continue
		}
		sum.Moves += m.Sum("parley_gateway_moves_total")
		sum.Redelivered += m.Sum("parley_gateway_redelivered_total")
		sum.RefusedTerms += m.Sum("parley_gateway_refused_terms_total")
		sum.GivenUp += m.Sum("parley_gateway_poison_events_total")
		sum.AskedToMove += m.Sum("parley_gateway_asked_to_move_total")
	}
	if sum.GivenUp > 0 { // workers are killed here, but not by what they handle
		p.problem("%g innocent events were given up as poison", sum.GivenUp)
	}
	return sum
}

// watchEvery is how often progress is printed.
const watchEvery = 5 * time.Second

// watch prints progress until ctx ends.
func (c *Config) watch(ctx context.Context, phase string, crowd *Crowd) {
	began := time.Now()
	for pause(ctx, watchEvery) {
		sent, waiting, got := crowd.Progress()
		c.say("%-12s %4.0fs  sent %s, came %s, waiting for %s", phase, time.Since(began).Seconds(), n(sent), n(got), n(waiting))
	}
}

func (c *Config) say(format string, args ...any) { fmt.Fprintf(c.Out, format+"\n", args...) }
