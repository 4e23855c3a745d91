package verify

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/local/netlab"
	"github.com/parley-im/parley/deploy/verify/chat"
)

// Run builds the programs and goes through the phases. The report is whole even
// when something was broken; an error means that the run itself could not be
// done.
func Run(ctx context.Context, c Config) (*Report, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	began := time.Now()
	report := &Report{Seed: c.Seed, OK: true, Cuts: netlab.Available() == nil}
	c.say("seed %d: %d conns, %d frames/s, %d gateways with a patience of %v, %d workers", c.Seed, c.Conns, c.Rate, c.Gateways, c.Patience, c.Workers)

	var plain, faulty local.Programs
	var err error
	if c.wants(phaseFaults, phaseRolling, phaseMessages, phaseDrain, phaseShed, phaseBinds) {
		if plain, err = c.compile(ctx, nil); err != nil {
			return nil, err
		}
	}
	if c.wants(phasePoints, phaseSabotage) {
		if faulty, err = c.compile(ctx, tags); err != nil {
			return nil, err
		}
	}
	var chatty talkers
	if c.wants(phaseChat, phaseChatOutages, phaseChatSabotage) {
		if chatty, err = c.compileChat(ctx); err != nil {
			return nil, err
		}
	}
	for _, step := range append(c.steps(plain, faulty), c.chatSteps(chatty)...) {
		p := &Phase{Name: step.name}
		at := time.Now()
		c.say("\n%s", p.Name)
		if err := step.run(ctx, p); err != nil {
			p.OK = false
			p.problem("%v", err)
		}
		p.Took = time.Since(at)
		report.Phases = append(report.Phases, p)
		report.OK = report.OK && p.OK
		if ctx.Err() != nil {
			break
		}
	}
	report.Took = time.Since(began)
	return report, ctx.Err()
}

func (c *Config) wants(phases ...string) bool {
	return slices.ContainsFunc(phases, func(p string) bool { return slices.Contains(c.Phases, p) })
}

// step is a phase that is to come.
type step struct {
	name string
	run  func(context.Context, *Phase) error
}

// chatSteps are the phases of the chat.
func (c *Config) chatSteps(t talkers) (list []step) {
	if c.wants(phaseChat) {
		for _, database := range c.databases() {
			list = append(list, step{"chat on " + database, func(ctx context.Context, p *Phase) error { return c.talk(ctx, t, p, database) }})
		}
	}
	if c.wants(phaseChatOutages) {
		for _, database := range c.databases() {
			if database == chat.SQLite {
				continue // a file is never down
			}
			list = append(list,
				step{"outages of " + database, func(ctx context.Context, p *Phase) error { return c.outages(ctx, t, p, database) }},
				step{"frozen on " + database, func(ctx context.Context, p *Phase) error { return c.lockHolder(ctx, t, p, database) }})
		}
	}
	if c.wants(phaseChatSabotage) {
		for _, weakness := range chatWeaknesses() {
			list = append(list, step{"chat " + weakness, func(ctx context.Context, p *Phase) error { return c.talkSabotaged(ctx, t, p, weakness) }})
		}
	}
	return list
}

func (c *Config) steps(plain, faulty local.Programs) (list []step) {
	add := func(phase, name string, run func(context.Context, local.Programs, *Phase) error, programs local.Programs) {
		if c.wants(phase) {
			list = append(list, step{name, func(ctx context.Context, p *Phase) error { return run(ctx, programs, p) }})
		}
	}
	add(phaseFaults, phaseFaults, c.faults, plain)
	add(phaseRolling, phaseRolling, c.rolling, plain)
	add(phaseMessages, phaseMessages, c.messages, plain)
	add(phaseDrain, phaseDrain, c.drain, plain)
	add(phaseShed, phaseShed, c.shed, plain)
	add(phaseBinds, phaseBinds, c.binds, plain)
	for _, point := range points {
		add(phasePoints, string(point), func(ctx context.Context, programs local.Programs, p *Phase) error {
			return c.pointFor(ctx, programs, p, point)
		}, faulty)
	}
	for _, weakness := range append(weaknesses[:0:0], append(weaknesses, "")...) {
		name := fmt.Sprintf("sabotage %s", weakness)
		if weakness == "" {
			name = "no sabotage"
		}
		add(phaseSabotage, name, func(ctx context.Context, programs local.Programs, p *Phase) error {
			return c.sabotage(ctx, programs, p, weakness)
		}, faulty)
	}
	for _, weakness := range moving {
		add(phaseSabotage, fmt.Sprintf("sabotage %s", weakness), func(ctx context.Context, programs local.Programs, p *Phase) error {
			return c.moveSabotaged(ctx, programs, p, weakness)
		}, faulty)
	}
	return list
}
