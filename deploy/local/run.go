package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/parley-im/parley/deploy/local/build"
	"github.com/parley-im/parley/deploy/local/logline"
	"github.com/parley-im/parley/deploy/local/proc"
	"github.com/parley-im/parley/deploy/local/runfile"
)

// self is what the supervisor's own lines are called by.
const self = "parley"

// startTime is how long a cluster may take from the first start to the last
// readiness, and earlyDeaths how often one of its processes may die meanwhile.
const (
	startTime   = 60 * time.Second
	earlyDeaths = 3
)

// Run builds the programs, starts everything, and keeps it running until ctx
// ends. Then it drains everything in order. When now is closed meanwhile it
// kills instead. It returns when no process is left.
func Run(ctx context.Context, now <-chan struct{}, o Options) error {
	root, err := build.Root(".")
	if err != nil {
		return err
	}
	if o.Chat {
		release, err := o.hold()
		if err != nil {
			return err
		}
		defer release()
		if err := o.keys(); err != nil {
			return err
		}
	}
	if pkg, ok := build.Feeder(root, o.Example); ok && o.Workers > 0 {
		o.Feeder = pkg
	}
	natsArgs := build.NATSArgs(root, o.Example)
	o.NATS = natsArgs != nil
	cfg, err := o.config(root)
	if err != nil {
		return err
	}
	if o.NATS {
		dir, err := os.MkdirTemp("", "parley-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		cfg.NATSArgs = append([]string{"--store", dir}, natsArgs...)
	}
	if o.Feeder != "" {
		dir, err := os.MkdirTemp("", "parley-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		if err := cfg.LetFeederPush(dir); err != nil {
			return err
		}
	}
	log := logline.New(o.Out, o.Color)
	say := func(line string) { log.Plain(line + "\n") }
	if err := o.build(ctx, &cfg, build.Builder{Root: root, Say: say}); err != nil {
		return err
	}
	cfg.Output = log
	c, err := New(cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, p := range c.Processes() {
		log.Names(p.Name())
	}
	if o.Chat {
		defer runfile.Remove(o.Data)
		c.changed = func() {
			if err := c.writeDown(o.Data, o.database()); err != nil {
				log.Say(self, "%v", err)
			}
		}
	}
	box, err := o.box(&cfg)
	if err != nil {
		return err
	}
	return c.supervise(ctx, now, log, box)
}

// build makes what is to be started, and the data that it starts with. Whether the ports
// are free is asked first: nobody waits for a compiler to hear that they are not.
func (o Options) build(ctx context.Context, cfg *Config, b build.Builder) error {
	switch later := "not built yet"; {
	case o.Chat:
		cfg.Programs = Programs{API: later, NATS: later, Bots: later}
	case o.Feeder != "":
		cfg.Programs = Programs{API: later}
	case o.NATS:
		cfg.Programs = Programs{NATS: later}
	}
	if err := cfg.CheckPorts(); err != nil {
		return err
	}
	if o.Chat {
		// The page is built beside the programs; the one that it is put into waits for it.
		ctx, cancel := context.WithCancel(ctx)
		page := make(chan error, 1)
		go func() { page <- b.Page(ctx) }()
		wait := sync.OnceValue(func() error { return <-page })
		defer func() {
			cancel()
			_ = wait() // it was told by who waited for it
		}()
		b.Before = func(pkg string) error {
			if pkg != build.API {
				return nil
			}
			return wait()
		}
	}
	built, err := b.Programs(ctx, o.packages()...)
	if err != nil {
		return err
	}
	cfg.Programs = o.programs(built)
	if o.Chat {
		return o.seed(ctx, built[build.Demo], b.Say)
	}
	return nil
}

// supervise starts the cluster, says so when it is ready, restarts what dies,
// and drains when ctx ends.
func (c *Cluster) supervise(ctx context.Context, now <-chan struct{}, log *logline.Writer, box string) error {
	// What keeps the processes ends before they are stopped.
	keep, release := context.WithCancelCause(ctx)
	defer release(nil)
	kept := make(chan error, len(c.Processes()))
	if err := c.Start(); err != nil {
		return err
	}
	ready := make(chan struct{})
	for _, p := range c.Processes() {
		go func() { kept <- p.Keep(keep, c.mourn(p, ready, log), c.reborn(ready)) }()
	}
	left := len(c.Processes())
	go func() {
		starting, cancel := context.WithTimeout(keep, startTime)
		defer cancel()
		if err := c.awaitAll(starting); err != nil {
			release(err)
			return
		}
		close(ready)
		c.tell()
		log.Plain(box)
	}()

	var failed error
	select {
	case <-keep.Done():
		failed = context.Cause(keep)
	case failed = <-kept:
		left--
		release(failed)
	}
	for range left {
		<-kept
	}
	if ctx.Err() != nil {
		failed = nil // we were asked to end
	}
	if failed != nil {
		log.Say(self, "stopping everything: %v", failed)
	} else {
		log.Say(self, "draining; once more Ctrl-C kills")
	}
	return errors.Join(failed, c.end(now, log))
}

// awaitAll waits for the readiness of all; without workers of ours only for their
// lives, since no gateway is ready before a worker comes. A process that dies
// meanwhile is not the end: Keep decides about that.
func (c *Cluster) awaitAll(ctx context.Context) error {
	up := (*proc.Process).Ready
	if len(c.Workers) == 0 {
		up = (*proc.Process).Alive
	}
	return each(c.Processes(), func(p *proc.Process) error {
		for {
			err := up(p, ctx)
			if err == nil || ctx.Err() != nil {
				return err
			}
			select {
			case <-time.After(proc.PollEvery):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	})
}

// mourn says that a process died and starts again. Before everything is ready
// the third death of one process is the end: a wrong flag does not heal.
func (c *Cluster) mourn(p *proc.Process, ready <-chan struct{}, log *logline.Writer) func(proc.Exit, time.Duration) error {
	deaths := 0
	return func(e proc.Exit, pause time.Duration) error {
		deaths++
		select {
		case <-ready:
		default:
			if deaths >= earlyDeaths {
				return fmt.Errorf("%s died %d times before it was ready (%v)", p.Name(), deaths, e)
			}
		}
		log.Say(self, "%s died (%v); it starts again in %v", p.Name(), e, pause)
		return nil
	}
}

// reborn is told that a process was started again.
func (c *Cluster) reborn(ready <-chan struct{}) func() {
	return func() {
		select {
		case <-ready:
			c.tell()
		default: // whoever waits for all to be ready tells
		}
	}
}

// tell tells who wants to know that something is different. Calls come one at a time.
func (c *Cluster) tell() {
	c.telling.Lock()
	defer c.telling.Unlock()
	if c.changed != nil {
		c.changed()
	}
}

// end drains, or kills as soon as now is closed.
func (c *Cluster) end(now <-chan struct{}, log *logline.Writer) error {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-now:
			log.Say(self, "killing")
			cancel(errKilled) // whoever waits for a process kills it now
		case <-done:
		}
	}()
	err := c.Drain(ctx)
	if context.Cause(ctx) != nil {
		return errKilled
	}
	if err == nil {
		log.Say(self, "everything has ended")
	}
	return err
}

var errKilled = errors.New("killed before everything had drained")
