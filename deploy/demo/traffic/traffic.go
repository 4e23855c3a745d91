// Package traffic lets bots talk in a running `make run`, kills what carries them while
// they do, and counts what came of it. They are users of their own in group chats of
// their own, which they leave at the end: nobody else's conversations are touched.
//
// What it prints is measured from outside, as anybody could: what the clients sent and
// showed is compared with what the store has, asked for by ordinary calls.
package traffic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/parley-im/parley/deploy/local/runfile"
)

// Config is what a run of traffic is made of.
type Config struct {
	Data  string        // folder of the run that is talked in
	Users int           // 0: 20
	Rate  int           // messages a second, all together; 0: 40
	For   time.Duration // how long they talk; 0: until ctx ends

	// Kill kills workers and gateways while they talk, and compares at the end.
	Kill bool

	Out      io.Writer
	Terminal bool // Out is one: the live line is written over
}

// The defaults, and how many users there may be: they are in one group chat.
const (
	DefaultUsers = 20
	DefaultRate  = 40
	minUsers     = 4
	maxUsers     = 100
	maxRate      = 1000
)

// Validate reports everything wrong at once.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	if c.Users < minUsers || c.Users > maxUsers {
		errs = append(errs, fmt.Errorf("USERS=%d: want %d to %d", c.Users, minUsers, maxUsers))
	}
	if c.Rate < 1 || c.Rate > maxRate {
		errs = append(errs, fmt.Errorf("RATE=%d: want 1 to %d", c.Rate, maxRate))
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.Users == 0 {
		c.Users = DefaultUsers
	}
	if c.Rate == 0 {
		c.Rate = DefaultRate
	}
	if c.Out == nil {
		c.Out = io.Discard
	}
	return c
}

// ErrBroken says that a promise was broken: the last line has told which.
var ErrBroken = errors.New("a promise was broken")

// The times of a run besides its own.
const (
	runWithin    = 2 * time.Minute // to be ready; it may still be compiled
	gatherWithin = 90 * time.Second
	warmUp       = time.Second     // before the first kill
	linger       = 2 * time.Second // after the last one: what was mended works under load, too
	settleWithin = 45 * time.Second
	leaveWithin  = 10 * time.Second
)

// Run talks. That ctx ends is how somebody stops it, and no error.
func Run(ctx context.Context, c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	c = c.withDefaults()
	waiting, cancel := context.WithTimeout(ctx, runWithin)
	defer cancel()
	run, err := runfile.Await(waiting, c.Data)
	if err != nil {
		return err
	}
	p := &printer{out: c.Out, terminal: c.Terminal}
	p.say("%d bots sign in at %d gateways", c.Users, len(run.Gateways))
	k := newKills(time.Now())
	crowd, err := c.gather(ctx, run, k)
	if crowd != nil {
		defer crowd.end()
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("the bots could not come together: %w", err)
	}
	p.say("they talk in a group chat of all and in %d small ones, %d messages a second", len(crowd.groups)-1, c.Rate)
	if err := c.talk(ctx, crowd, k, p); err != nil {
		return err
	}
	// What was begun is finished, whoever stopped it.
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWithin+leaveWithin)
	defer cancel()
	result, err := crowd.judge(after, k)
	if err != nil {
		return fmt.Errorf("the comparison could not be made: %w", err)
	}
	crowd.leave(after)
	p.last(result)
	if !result.ok() {
		return ErrBroken
	}
	return nil
}

// talk lets them talk, and meanwhile watches, and kills if that is wanted.
func (c Config) talk(ctx context.Context, crowd *crowd, k *kills, p *printer) error {
	talking, hush := context.WithCancel(ctx)
	defer hush()
	if c.For > 0 && !c.Kill {
		talking, hush = context.WithTimeout(ctx, c.For)
		defer hush()
	}
	done := make(chan struct{}, 3)
	begin := func(f func()) {
		go func() {
			f()
			done <- struct{}{}
		}()
	}
	begin(func() { crowd.talk(talking, c.Rate) })
	begin(func() { k.watch(talking, c.Data) })
	begin(func() { p.live(talking, func() live { return crowd.live(k) }) })
	var err error
	if c.Kill {
		if pause(talking, warmUp) {
			err = k.strike(talking, c.Data, c.For, p)
		}
		pause(talking, linger)
		hush()
	}
	for range cap(done) {
		<-done
	}
	return err
}

// pause waits, and reports false when ctx ended before.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
