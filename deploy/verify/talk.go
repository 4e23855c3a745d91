package verify

import (
	"context"
	"os"
	"time"

	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/local/build"
	"github.com/parley-im/parley/deploy/verify/chat"
	"github.com/parley-im/parley/proto/faultpoint"
)

// The programs of the chat.
const (
	chatWorker = "worker/chat/cmd/parley-worker"
	natsServer = "deploy/cmd/parley-nats"
)

// talkers are the programs that the chat's phases run.
type talkers struct {
	local.Programs
	nats string
}

// compileChat builds them, with fault points: the runs give orders.
func (c *Config) compileChat(ctx context.Context) (talkers, error) {
	b := build.Builder{Race: c.Race, Tags: tags, Say: func(line string) { c.say("%s", line) }}
	p, err := b.Programs(ctx, build.Register, build.Gateway, chatWorker, natsServer)
	return talkers{local.Programs{Register: p[build.Register], Gateway: p[build.Gateway], Worker: p[chatWorker]}, p[natsServer]}, err
}

// databases are those of the chat phase.
func (c *Config) databases() []string {
	if len(c.Databases) > 0 {
		return c.Databases
	}
	list := []string{chat.SQLite, chat.Postgres}
	if c.Long {
		list = append(list, chat.MySQL)
	}
	return list
}

// reachable reports whether a database is there. A phase without one is skipped, in CI it
// fails.
func (p *Phase) reachable(ctx context.Context, database string) (bool, error) {
	err := chat.Reachable(ctx, database)
	if err == nil || os.Getenv("PARLEY_CI") != "" {
		return err == nil, err
	}
	p.OK, p.Skipped = true, err.Error()
	return false, nil
}

// talk is people who chat on a database while everything that the chat stands on
// breaks. Processes die and stop at the fault points of the chat, too.
func (c *Config) talk(ctx context.Context, t talkers, p *Phase, database string) error {
	if there, err := p.reachable(ctx, database); !there {
		return err
	}
	cfg := c.chatConfig(t, database)
	cfg.Races = true
	if c.Long {
		cfg.Faults, cfg.Users = 60, 240
	}
	// Each count is reached soon after a start, for a process that is killed by the
	// schedule counts from the beginning.
	cfg.Points = map[string]string{
		"worker-1":  string(faultpoint.ChatCommitted) + "=kill@60", // between commit and fan-out
		"worker-2":  string(faultpoint.ChatBound) + "=kill@12",     // between bind and the heads, while everybody comes
		"gateway-1": string(faultpoint.GatewayReplyQueued) + "=kill@800",
		"worker-3":  string(faultpoint.WorkerHandled) + "=kill@420", // between the commit and the answer's way
	}
	r, err := chat.Run(ctx, cfg)
	if err != nil {
		return err
	}
	p.Chat = r
	for name, v := range map[string]float64{
		"resumes": float64(r.Resumes), "redeliveries": r.Redelivered, "history fetches": float64(r.HistoryFetches),
		"outbox rescues": r.Rescued, "duplicates answered": float64(r.Duplicates),
	} {
		if v == 0 {
			p.problem("no %s: this run has not tried what it is to prove", name)
		}
	}
	if r.AckedPerSecond < leastAcks {
		p.problem("%.0f acknowledged sends a second, want %d at least", r.AckedPerSecond, leastAcks)
	}
	p.judgeChat()
	return nil
}

// outages takes the database away for twenty seconds, and NATS at the same time and for
// longer. Sockets stay, sends are answered "temporary", and everything goes on without a
// restart.
func (c *Config) outages(ctx context.Context, t talkers, p *Phase, database string) error {
	if there, err := p.reachable(ctx, database); !there {
		return err
	}
	cfg := c.chatConfig(t, database)
	cfg.Users, cfg.Rate = 24, 100
	cfg.Schedule = []chat.Fault{
		{At: time.Second, Role: chat.NATS, Kind: chat.KillLong, For: 24 * time.Second},
		{At: 2 * time.Second, Role: chat.Database, Kind: chat.Down, For: 20 * time.Second},
	}
	r, err := chat.Run(ctx, cfg)
	if err != nil {
		return err
	}
	p.Chat = r
	if r.Temporary == 0 {
		p.problem("nobody was told that the database is away")
	}
	if r.Ended > 0 {
		p.problem("%d sockets ended, and none should have", r.Ended)
	}
	p.judgeChat()
	return nil
}

// lockHolder has a worker stand still while it holds the locks of conversations, for much
// longer than a database lets a transaction do so. Those who wait for the locks go on
// without it.
func (c *Config) lockHolder(ctx context.Context, t talkers, p *Phase, database string) error {
	if there, err := p.reachable(ctx, database); !there {
		return err
	}
	cfg := c.chatConfig(t, database)
	cfg.Users, cfg.Rate = 24, 100
	// It stops by itself soon after people begin to talk, and is let go on by the schedule.
	cfg.Points = map[string]string{"worker-1": string(faultpoint.ChatLocked) + "=stop@40"}
	cfg.Schedule = []chat.Fault{{At: time.Second, Role: chat.Workers, Kind: chat.Halt, For: frozenFor}}
	r, err := chat.Run(ctx, cfg)
	if err != nil {
		return err
	}
	p.Chat = r
	if r.Findings.LongestToAck >= heldFor {
		p.problem("a send waited %v: others did not go on without the one that holds the locks", r.Findings.LongestToAck)
	}
	p.judgeChat()
	return nil
}

// frozenFor is how long a lock holder stands still, and heldFor how long a send may wait
// then: gateways miss it after their patience, and databases end its transaction after a
// second.
const (
	frozenFor = 14 * time.Second
	heldFor   = 5 * time.Second
)

// leastAcks is how many sends a second must be acknowledged for a run to be one under
// load.
const leastAcks = 300

func (c *Config) chatConfig(t talkers, database string) chat.Config {
	cfg := chat.Config{
		Database: database, Programs: t.Programs, NATS: t.nats, Seed: c.Seed, Patience: c.Patience,
		Say: func(format string, args ...any) { c.say(format, args...) },
	}
	if c.Verbose {
		cfg.Output = c.Out
	}
	return cfg
}

// judgeChat decides about a run that must be clean.
func (p *Phase) judgeChat() {
	r := p.Chat
	if f := &r.Findings; !f.Clean() {
		p.problem("%d unstored, %d twice, %d gaps, %d lost, %d doubled, %d swapped, %d strange, %d stale, %d unread, %d marks back, %d presence of %d acknowledged",
			f.Unstored, f.Twice, f.Gaps, f.Lost, f.Doubled, f.Swapped, f.Strange, f.Stale, f.Unread, f.Fell, f.Stuck, f.Acked)
	}
	p.Problems = append(p.Problems, r.Problems...)
	p.OK = len(p.Problems) == 0
}

// noDedupe is the weakness of clients that show what is pushed again.
const noDedupe = "no-client-dedupe"

// chatWeaknesses are those that one run each must catch.
func chatWeaknesses() []string {
	list := []string{noDedupe}
	for _, w := range faultpoint.ChatWeaknesses() {
		list = append(list, string(w))
	}
	return list
}

// talkSabotaged is a short run on a build that leaves one guarantee out.
func (c *Config) talkSabotaged(ctx context.Context, t talkers, p *Phase, weakness string) error {
	p.Sabotaged = true
	cfg := c.chatConfig(t, chat.SQLite)
	cfg.Users, cfg.Rate, cfg.Settle, cfg.Linger = 24, 400, 6*time.Second, time.Second
	kill := func(at time.Duration, worker int) chat.Fault {
		return chat.Fault{At: at, Role: chat.Workers, Kind: chat.Kill, Index: worker}
	}
	cfg.Schedule = []chat.Fault{kill(1500*time.Millisecond, 0), kill(3*time.Second, 1), kill(4500*time.Millisecond, 2), kill(6*time.Second, 0)}
	everyWorker := func(order string) map[string]string {
		return map[string]string{"worker-1": order, "worker-2": order, "worker-3": order}
	}
	committed, bound := string(faultpoint.ChatCommitted), string(faultpoint.ChatBound)
	switch weakness {
	case noDedupe:
		cfg.NoDedupe = true
		// A worker that lives and is slow: another does its rows, and then it does them.
		cfg.Points = map[string]string{"worker-1": committed + "=delay:2500ms"}
	case string(faultpoint.AckBeforeCommit):
		cfg.Weakness = weakness
		// The moment between answer and commit is made long, so that kills fall into it.
		cfg.Points = everyWorker(committed + "=delay:60ms")
	case string(faultpoint.OutboxOff):
		cfg.Weakness = weakness
		cfg.Points = map[string]string{"worker-1": committed + "=kill@100", "worker-2": committed + "=kill@200"}
		cfg.Schedule = []chat.Fault{kill(4*time.Second, 2)}
	case string(faultpoint.HeadsBeforeBind):
		// The hole is made wide, and the talk ends in it: what comes later would tell clients
		// of what they missed, and so does a conversation that they have to fetch from anyway.
		// So there are many conversations, and not much is said.
		cfg.Users, cfg.Rate = 60, 60
		cfg.Weakness, cfg.Linger, cfg.Abrupt = weakness, 1200*time.Millisecond, true
		cfg.Points = everyWorker(bound + "=delay:2s")
		cfg.Schedule = []chat.Fault{{At: 2 * time.Second, Role: chat.People, Kind: chat.Lift}}
	case string(faultpoint.RequestIgnored):
		// Stored, and not answered: the gateway gives the frame to another worker.
		cfg.Weakness = weakness
		cfg.Points = everyWorker(string(faultpoint.WorkerHandled) + "=kill@300")
		cfg.Schedule = []chat.Fault{kill(5*time.Second, 2)}
	}
	r, err := chat.Run(ctx, cfg)
	if err != nil {
		return err
	}
	p.Chat = r
	if !caughtInChat(weakness, r) {
		p.problem("sabotage %s was not caught by what it breaks: %+v, %d rows left in the outbox", weakness, r.Findings, r.Left)
		return nil
	}
	p.OK = true
	return nil
}

// caughtInChat says whether the findings are what leaving out the guarantee breaks.
func caughtInChat(weakness string, r *chat.Result) bool {
	f := &r.Findings
	switch weakness {
	case noDedupe:
		return f.Doubled > 0
	case string(faultpoint.AckBeforeCommit):
		return f.Unstored > 0
	case string(faultpoint.OutboxOff):
		return r.Left > 0 // the resync frame of the gateways heals the screens
	case string(faultpoint.HeadsBeforeBind):
		return f.Lost > 0
	case string(faultpoint.RequestIgnored):
		return f.Twice > 0
	}
	return false
}
