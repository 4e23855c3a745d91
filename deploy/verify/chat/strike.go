package chat

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/parley-im/parley/deploy/local/proc"
)

// play carries out a schedule, each fault at its time, and returns when the last one is
// mended. What is struck waits for the fault before it on the same thing.
func (r *rig) play(ctx context.Context, schedule []Fault, note func(Fault)) error {
	began := time.Now()
	errs := make([]error, len(schedule))
	var all sync.WaitGroup
	for i, f := range schedule {
		if !pause(ctx, f.At-time.Since(began)) {
			break
		}
		turn := r.turn(fmt.Sprintf("%s-%d", f.Role, f.Index+1)) // what processes are called
		turn.Lock()
		note(f)
		all.Go(func() {
			defer turn.Unlock()
			if err := r.strike(ctx, f); err != nil {
				errs[i] = fmt.Errorf("%v: %w", f, err)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// haltsWithin is how long a process may take to come to the point where it stands still.
const haltsWithin = 10 * time.Second

// strike does one fault and mends it.
func (r *rig) strike(ctx context.Context, f Fault) error {
	switch f.Role {
	case Database:
		return r.db.strike(ctx, f)
	case People:
		r.cut(f)
		return nil
	}
	p := r.process(f)
	if err := r.revive(p); err != nil {
		return err
	}
	switch f.Kind {
	case Kill, KillLong:
		if err := p.Kill(); err != nil {
			return err
		}
		pause(ctx, f.For)
		return p.Start()
	case Stop:
		if err := hears(ctx, p); err != nil {
			return err
		}
		e, err := p.Stop(ctx)
		if err == nil && e.Code != 0 {
			err = fmt.Errorf("ended with %v", e)
		}
		return errors.Join(err, p.Start())
	case Shed:
		return r.shed(ctx, p.Name())
	case Freeze:
		if err := p.Signal(syscall.SIGSTOP); err != nil {
			return err
		}
		pause(ctx, f.For)
		return p.Thaw()
	case Halt:
		waiting, cancel := context.WithTimeout(ctx, haltsWithin)
		defer cancel()
		if err := p.AwaitFrozen(waiting); err != nil {
			return err
		}
		pause(ctx, f.For)
		return p.Thaw()
	}
	return fmt.Errorf("nobody knows how to do %q to a %s", f.Kind, f.Role)
}

// hearsWithin is how long a process may take to be there for a signal.
const hearsWithin = 10 * time.Second

// hears waits until a process that may have been started a moment ago takes signals: before
// that it has nothing to end in order, and dies of one as every program does.
func hears(ctx context.Context, p *proc.Process) error {
	ctx, cancel := context.WithTimeout(ctx, hearsWithin)
	defer cancel()
	return p.Alive(ctx)
}

// shedWindow is over how long half of a gateway's people are asked to go elsewhere, and
// shedsWithin how long it may take until one that was started a moment ago can be asked.
const (
	shedWindow  = 500 * time.Millisecond
	shedsWithin = 10 * time.Second
)

// shed asks half of a gateway's people to go elsewhere, and waits for the window.
func (r *rig) shed(ctx context.Context, node string) error {
	ctx, cancel := context.WithTimeout(ctx, shedsWithin)
	defer cancel()
	for {
		trying, over := context.WithTimeout(ctx, time.Second)
		_, err := r.sender.ShedGateway(trying, node, 0.5, shedWindow)
		over()
		if err == nil {
			pause(ctx, shedWindow)
			return nil
		}
		if !pause(ctx, 100*time.Millisecond) {
			return fmt.Errorf("%w; last: %w", context.Cause(ctx), err)
		}
	}
}

// strike does one fault to a database and mends it. A file cannot be down or stuck, but
// another process can hold its lock.
func (d *database) strike(ctx context.Context, f Fault) error {
	switch {
	case f.Kind == Locked:
		return d.lock(ctx, f.For)
	case f.Kind == Down:
		d.proxy.Stop()
		pause(ctx, f.For)
		return d.proxy.Start()
	case f.Kind == Stuck:
		d.proxy.Freeze()
		pause(ctx, f.For)
		d.proxy.Thaw()
		return nil
	}
	return fmt.Errorf("nobody knows how to do %q to a database", f.Kind)
}
