package verify

import (
	"context"
	"time"

	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/local/proc"
	"github.com/parley-im/parley/deploy/verify/compare"
	"github.com/parley-im/parley/proto/faultpoint"
)

// sabotageBinds is how many binds are raced in this phase.
const sabotageBinds = 320

// caught says whether the findings are what leaving out the guarantee breaks. That
// something else went wrong, such as sockets that end, proves nothing about it.
func caught(w faultpoint.Weakness, f compare.Findings) bool {
	switch w {
	case faultpoint.NoRedelivery, faultpoint.AckOnEnqueue, faultpoint.LateInterest:
		return f.Lost+f.Unanswered > 0
	case faultpoint.NoTerms: // two workers act for one conn: a second answer, another session or user
		return f.Doubled+f.Strange > 0
	}
	return false
}

// sabotage runs a short schedule, or some binds, on processes that leave one
// guarantee out; that must be caught. "" leaves nothing out and must be found clean
// by both.
func (c *Config) sabotage(ctx context.Context, programs local.Programs, p *Phase, weakness faultpoint.Weakness) error {
	r, err := c.setup(ctx, programs, func(q *proc.Process) {
		if weakness != "" {
			orders(q, "PARLEY_SABOTAGE", string(weakness))
		}
	})
	if err != nil {
		return err
	}
	defer r.close()
	p.Sabotaged = weakness != ""
	if weakness == faultpoint.NoTerms && r.lab == nil {
		// A worker that lost its conns without dying or standing still is needed.
		p.OK, p.Skipped = true, "no packets can be dropped here"
		return nil
	}
	nothing := func(context.Context) error { return nil }
	if weakness == faultpoint.LateInterest || weakness == "" {
		if err := c.race(ctx, p, r, sabotageBinds, nothing); err != nil {
			return err
		}
	}
	if weakness == "" {
		p.judge() // the crowd's findings take the place of these
	}
	if weakness != faultpoint.LateInterest {
		crowd, err := Gather(ctx, "x", c.Conns, r.urls(), r.start)
		if err != nil {
			return err
		}
		if err := c.underFire(ctx, p, r, crowd, c.Rate, c.playing(p, r, c.short(r.lab != nil))); err != nil {
			return err
		}
	}
	switch {
	case weakness == "":
		p.judge()
	case caught(weakness, *p.Findings) && len(p.Problems) == 0:
		p.OK = true
	default:
		p.problem("sabotage %s was not caught by what it breaks: %+v", weakness, *p.Findings)
	}
	return nil
}

// short is the schedule of the sabotage phase: what each weakness needs to show.
func (c *Config) short(cuts bool) []Fault {
	long := c.Patience + c.Patience/2
	list := []Fault{
		{At: 1000 * time.Millisecond, Kind: KillFast, Worker: 0},
		{At: 1500 * time.Millisecond, Kind: FreezeLong, Worker: 1, For: long},
		{At: 2500 * time.Millisecond, Kind: KillFast, Worker: 2},
	}
	after := 2500*time.Millisecond + long
	for i := range 3 {
		f := Fault{At: after + time.Duration(i)*(long+500*time.Millisecond), Kind: MuteLong, Worker: i % c.Workers, For: long}
		if !cuts {
			f.Kind = FreezeLong
		}
		list = append(list, f)
	}
	return list
}
