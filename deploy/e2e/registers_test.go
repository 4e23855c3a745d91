package e2e

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// patient is the patience of gateways where no worker may be given up, however
// busy the machine is.
const patient = 3 * time.Second

// slowRate is the traffic of tests that run side by side, in frames a second. They ask
// whether it flows, and not what a fault in the middle of it does.
const slowRate = 150

// TestTrafficGoesOnWithoutRegisters takes every register down and brings them
// back empty, in another order than they went.
func TestTrafficGoesOnWithoutRegisters(t *testing.T) {
	t.Parallel()
	play(t, cast{registers: 2, gateways: 2, workers: 3, patience: patient}, func(t *testing.T, s stage) {
		newcomer := s.Workers()[2]
		old := &without{s, newcomer}
		begin(t, old)
		stop := shrinks(t, old)
		clean(t, underFireAt(t, s, slowRate, func() {
			one, two := s.Registers()[0], s.Registers()[1]
			one.Kill(t)
			two.Kill(t)
			// Longer than anybody stays in a view on the word of registers alone.
			time.Sleep(4 * lease)
			two.Start(t) // it knows nobody
			two.Ready(t)
			newcomer.Start(t) // and can still tell a newcomer about everybody
			newcomer.Ready(t)
			await(t, newcomer, "parley_worker_gateways_in_step", 2)
			one.Start(t)
			two.Kill(t)
			one.Ready(t)
			time.Sleep(2 * lease)
			two.Start(t)
			two.Ready(t)
		}))
		if where := stop(); where != "" {
			t.Error(where)
		}
		if moves := sum(t, s.Gateways(), lostMoves); moves != 0 {
			t.Errorf("%g conns moved although no worker was lost", moves)
		}
	})
}

// without is a stage on which one worker is not yet.
type without struct {
	stage
	worker player
}

func (w *without) Workers() (list []player) {
	for _, p := range w.stage.Workers() {
		if p != w.worker {
			list = append(list, p)
		}
	}
	return list
}

// shrinks watches what workers and gateways see of each other until it is
// stopped, and then tells where it became less than all.
func shrinks(t *testing.T, s stage) (stop func() string) {
	t.Helper()
	end := make(chan struct{})
	var found string
	var watching sync.WaitGroup
	look := func(list []player, metric string, least int) {
		for _, p := range list {
			if m, err := p.Metrics(); err == nil && m.Sum(metric) < float64(least) && found == "" {
				found = fmt.Sprintf("%s: %s fell to %g, want never less than %d", p.Name(), metric, m.Sum(metric), least)
			}
		}
	}
	watching.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-end:
				return
			}
			look(s.Workers(), "parley_worker_gateways", len(s.Gateways()))
			look(s.Gateways(), "parley_gateway_workers", len(s.Workers()))
		}
	})
	return sync.OnceValue(func() string {
		close(end)
		watching.Wait()
		return found
	})
}

func TestCutOffRegisterEndsNobody(t *testing.T) {
	t.Parallel()
	play(t, cast{gateways: 1, workers: 2, patience: patient}, func(t *testing.T, s stage) {
		begin(t, s)
		stop := shrinks(t, s)
		clean(t, underFireAt(t, s, slowRate, func() {
			s.Registers()[0].Freeze(t)
			time.Sleep(4 * lease)
			s.Registers()[0].Thaw(t)
			time.Sleep(2 * lease) // what it has to say about all that silence
		}))
		if where := stop(); where != "" {
			t.Error(where)
		}
	})
}
