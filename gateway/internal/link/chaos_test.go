package link_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/register/handshake"
)

// Workers are killed, drained, dialled twice and muted in any order, while
// clients send numbered frames and each frame is answered by a handler: every
// reply comes, once, in order, and nothing is left behind.
func TestChaos(t *testing.T) {
	const clients, window = 6, 10
	frames := 5000
	if testing.Short() {
		frames = 500
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 1))
	r := newRig(t, impatient, levelling)
	team := []*worker{r.attach(script{node: "w0", echo: true}), r.attach(script{node: "w1", echo: true})}

	var talk sync.WaitGroup
	errs := make(chan error, clients)
	for i := range clients {
		c := r.enter()
		talk.Go(func() { errs <- c.converse(i, frames, window) })
	}
	done := make(chan struct{})
	go func() { talk.Wait(); close(done) }()
	faults := map[string]int{}
	for n := 2; ; n++ {
		select {
		case <-done:
			close(errs)
			for err := range errs {
				if err != nil {
					t.Error(err)
				}
			}
			eventually(t, "all acknowledged", func() bool { return r.link.Unacked() == 0 })
			r.counted()
			s := r.link.Stats()
			t.Logf("%v; moves %d, redelivered %d, refused %d", faults, s.Moves.Load(), s.Redelivered.Load(), s.RefusedTerms.Load())
			if s.Moves.Load() == 0 || s.Redelivered.Load() == 0 {
				t.Error("nothing was tried")
			}
			return
		case <-time.After(time.Duration(dice.IntN(5)) * time.Millisecond):
		}
		s := script{node: fmt.Sprint("w", n), boot: handshake.NewBoot(), echo: true, work: time.Duration(dice.IntN(3)) * time.Millisecond}
		victim := dice.IntN(len(team))
		old := team[victim]
		switch fault := dice.IntN(10); {
		case fault < 4:
			faults["killed"]++
			team[victim] = r.attach(s)
			old.end()
		case fault < 5: // nobody is there for a moment
			faults["all killed"]++
			for _, w := range team {
				w.end()
			}
			team = []*worker{r.attach(s)}
		case fault < 8:
			faults["drained"]++
			team[victim] = r.attach(s)
			old.drain()
			old.until("drained", func() bool { return old.drained == 1 })
			old.leave()
			old.end()
		default:
			faults["dialled twice"]++
			s.boot = old.script.boot
			team[victim] = r.attach(s)
			old.end()
		}
		if len(team) < 2 {
			team = append(team, r.attach(script{node: "second", echo: true}))
		}
	}
}

// converse sends numbered frames, window of them unanswered, and closes.
func (c *client) converse(who, frames, window int) error {
	_ = c.nc.SetDeadline(time.Now().Add(6 * patience))
	defer c.nc.Close()
	for i := range frames + window {
		if i < frames {
			if err := c.write(opText, fmt.Appendf(nil, "%d", i)); err != nil {
				return fmt.Errorf("client %d: %w", who, err)
			}
		}
		if i < window {
			continue
		}
		if _, body, err := c.frame(); err != nil || string(body) != fmt.Sprint(i-window) {
			return fmt.Errorf("client %d, reply %d: got %q, %v", who, i-window, body, err)
		}
	}
	return nil
}
