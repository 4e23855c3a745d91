package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/parley-im/parley/deploy/verify"
	"github.com/parley-im/parley/deploy/verify/compare"
)

// The traffic of most tests here: enough that every fault strikes in the middle. Of a
// machine that is too slow for it they ask less: a backlog that grows for as long as a
// test runs would have these tests measure the machine.
const (
	crowdConns  = 60
	crowdRate   = 600 // frames a second
	crowdWindow = 4   // unanswered frames of a conn
)

// underFire lets a crowd talk while do torments the stage, and compares.
func underFire(t *testing.T, s stage, do func()) compare.Findings {
	t.Helper()
	return underFireAt(t, s, crowdRate, do)
}

func underFireAt(t *testing.T, s stage, rate int, do func()) compare.Findings {
	t.Helper()
	crowd, err := verify.Gather(t.Context(), "c", crowdConns, urls(s), time.Now())
	must(t, err)
	defer crowd.Leave()
	ctx, hush := context.WithCancel(t.Context())
	quiet := make(chan struct{})
	go func() {
		defer close(quiet)
		crowd.Talk(ctx, rate, crowdWindow)
	}()
	defer func() { <-quiet }()
	defer hush()
	answered := func() int {
		_, _, got := crowd.Progress()
		return got
	}
	flowing := func() {
		from := answered()
		eventually(t, func() bool { return answered() > from+crowdConns }, func() string { return "nobody is answered" })
	}
	flowing()
	do()
	flowing()
	hush()
	<-quiet
	crowd.Settle(t.Context(), 12*time.Second)
	crowd.Leave()
	logs, _ := crowd.Logs()
	return compare.Logs(logs)
}

// clean fails the test unless every promise was kept, and tells the pause.
func clean(t *testing.T, f compare.Findings) {
	t.Helper()
	t.Logf("%d frames; longest pause %v, p99 %v; %d processes answered", f.Sent, f.Pause.Round(time.Millisecond), f.P99.Round(time.Millisecond), f.Answerers)
	if f.Clean() {
		return
	}
	t.Errorf("%d lost, %d unanswered, %d doubled, %d swapped, %d strange, %d dropped", f.Lost, f.Unanswered, f.Doubled, f.Swapped, f.Strange, f.Dropped)
	if f.First != nil {
		t.Logf("first: %+v", *f.First)
	}
}

func TestKilledWorkersLoseNothing(t *testing.T) {
	play(t, cast{gateways: 2, workers: 3}, func(t *testing.T, s stage) {
		begin(t, s)
		clean(t, underFire(t, s, func() {
			for _, w := range s.Workers() {
				w.Kill(t)
				w.Start(t)
				whole(t, s)
			}
		}))
		if again := sum(t, s.Gateways(), "parley_gateway_redelivered_total"); again == 0 {
			t.Error("nothing was delivered again: the kills came when nothing was under way")
		}
	})
}

func TestAllWorkersKilledAtOnceLoseNothing(t *testing.T) {
	play(t, cast{gateways: 2, workers: 2}, func(t *testing.T, s stage) {
		begin(t, s)
		clean(t, underFire(t, s, func() {
			for _, w := range s.Workers() {
				w.Kill(t)
			}
			for _, w := range s.Workers() {
				w.Start(t)
			}
			whole(t, s)
		}))
	})
}

func TestWorkerFrozenForAMomentKeepsItsConns(t *testing.T) {
	play(t, cast{gateways: 2, workers: 2, patience: patient}, func(t *testing.T, s stage) {
		begin(t, s)
		clean(t, underFire(t, s, func() {
			s.Workers()[0].Freeze(t)
			time.Sleep(500 * time.Millisecond) // the fault itself
			s.Workers()[0].Thaw(t)
		}))
		if moves := sum(t, s.Gateways(), lostMoves); moves != 0 {
			t.Errorf("%g conns moved although the gateways' patience was not over", moves)
		}
	})
}

func TestWorkerFrozenForLongLosesItsConnsAndNothingElse(t *testing.T) {
	play(t, cast{gateways: 2, workers: 2}, func(t *testing.T, s stage) {
		begin(t, s)
		clean(t, underFire(t, s, func() {
			s.Workers()[0].Freeze(t)
			eventually(t, func() bool {
				return sum(t, s.Gateways(), "parley_gateway_silent_workers_total") >= 2
			}, func() string { return "the gateways never gave the frozen worker up" })
			s.Workers()[0].Thaw(t)
			whole(t, s)
		}))
		if sum(t, s.Gateways(), lostMoves) == 0 || sum(t, s.Gateways(), "parley_gateway_redelivered_total") == 0 {
			t.Error("no conn moved, or nothing was under way when it did")
		}
	})
}

func TestRollingRestartIsNotNoticed(t *testing.T) {
	play(t, cast{gateways: 2, workers: 2, patience: patient}, func(t *testing.T, s stage) {
		begin(t, s)
		f := underFire(t, s, func() {
			for range 2 {
				for _, w := range s.Workers() {
					w.Stop(t)
					w.Start(t)
					whole(t, s)
				}
			}
		})
		clean(t, f)
		if again := sum(t, s.Gateways(), "parley_gateway_redelivered_total"); again != 0 {
			t.Errorf("%g events were delivered again: a drain waits for what is under way", again)
		}
		t.Logf("rolling restart: the longest pause that a client saw was %v", f.Pause.Round(time.Millisecond))
	})
}
