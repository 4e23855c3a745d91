package e2e

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/deploy/client"
	"github.com/parley-im/parley/deploy/local/proc"
	"github.com/parley-im/parley/deploy/verify/answer"
	"github.com/parley-im/parley/proto/fault"
)

const poisoned = `parley_gateway_poison_events_total{kind="message"}`

// kept starts the workers again whenever they die, as a supervisor does, until release.
func kept(t *testing.T, s *staged) (release func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for _, w := range s.Cluster.Workers {
		all.Go(func() { keep(ctx, t, w) })
	}
	release = func() { cancel(); all.Wait() }
	t.Cleanup(release) // before the stage ends
	return release
}

// keep does so without the pauses of proc.Process.Keep, which grow.
func keep(ctx context.Context, t *testing.T, w *proc.Process) {
	for {
		select {
		case <-w.Done():
			if err := w.Start(); err != nil {
				t.Error(err)
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// murder sends a frame that kills each worker that handles it, and returns what the
// client hears.
func murder(ctx context.Context, url string) error {
	c, err := client.Dial(ctx, url, client.Options{})
	for refused := (*client.Refused)(nil); errors.As(err, &refused) && refused.Status == 503; {
		c, err = client.Dial(ctx, url, client.Options{}) // nobody is there at the moment
	}
	if err != nil {
		return err
	}
	defer c.Cut()
	for _, kind := range []answer.Kind{answer.Die, answer.Reply} {
		if err := c.Send(answer.Ask(kind, "m", 1, "")); err != nil {
			return err
		}
	}
	_, err = c.ReadWithin(everything)
	return err
}

// expectPoison checks that a client was sent away for good, and has no answer.
func expectPoison(t *testing.T, err error) {
	t.Helper()
	var closed *client.Closed
	if !errors.As(err, &closed) || fault.CloseCode(closed.Code) != fault.ClosePoison {
		t.Errorf("the guilty client got %v, want close code %v", err, fault.ClosePoison)
	}
}

// One client, and then three at once at both gateways, say what kills whoever handles it.
// Each of them is sent away; sixty others who talk all the time, at the same workers, keep
// their sockets and get every answer once and in order.
func TestPoisonEventsEndTheirConnsAndNoOthers(t *testing.T) {
	t.Parallel()
	s := processes(t, cast{gateways: 2, workers: 3}, nil)
	begin(t, s)
	release := kept(t, s)
	clean(t, underFire(t, s, func() {
		expectPoison(t, murder(within(t, everything), s.URL(0)))
		began := time.Now()
		ends := make(chan error, 3)
		for i := range 3 {
			go func() { ends <- murder(within(t, everything), s.URL(i%2)) }()
		}
		for range 3 {
			expectPoison(t, <-ends)
		}
		t.Logf("three at once were sent away after %v", time.Since(began).Round(time.Millisecond))
		whole(t, s)
		release()
	}))
	deaths := 0
	for _, w := range s.Cluster.Workers {
		deaths += w.Lives() - 1
	}
	alone := sum(t, s.Gateways(), "parley_gateway_alone_tries_total")
	t.Logf("%d workers died; %g events were tried alone", deaths, alone)
	if n := sum(t, s.Gateways(), poisoned); n != 4 || alone < 8 {
		t.Errorf("poison events: counted %g, %g tried alone; want 4, and 8 or more", n, alone)
	}
}

// Workers are killed at random and start again, for long and for no reason of theirs:
// nobody is sent away, and nobody is without an answer.
func TestRandomKillsSendNobodyAway(t *testing.T) {
	t.Parallel()
	s := processes(t, cast{gateways: 2, workers: 3}, nil)
	begin(t, s)
	release := kept(t, s)
	seed := rand.Uint64()
	dice := rand.New(rand.NewPCG(seed, 1))
	kills := 0
	clean(t, underFire(t, s, func() {
		for end := time.Now().Add(killedFor); time.Now().Before(end); {
			time.Sleep(time.Duration(dice.IntN(400)) * time.Millisecond) // the fault itself
			if w := s.Cluster.Workers[dice.IntN(3)]; w.Running() && w.Kill() == nil {
				kills++
			}
		}
		whole(t, s)
		release()
	}))
	again := sum(t, s.Gateways(), "parley_gateway_redelivered_total")
	t.Logf("seed %d: %d kills, %g events again, %g alone", seed, kills, again, sum(t, s.Gateways(), "parley_gateway_alone_tries_total"))
	if n := sum(t, s.Gateways(), "parley_gateway_poison_events_total"); n != 0 || again == 0 {
		t.Errorf("%g innocent events were given up; %g were delivered again", n, again)
	}
}

// killedFor is how long the random kills go on.
const killedFor = 5 * time.Second
