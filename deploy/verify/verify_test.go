package verify

import (
	"context"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/verify/compare"
	"github.com/parley-im/parley/proto/faultpoint"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// small is a run that fits into the tests of every commit; `make verify` runs the
// same at length.
func small() Config {
	return Config{Seed: 4, Conns: 90, Rate: 700, Faults: 10}.withDefaults()
}

// faulty builds processes that obey fault points, once.
var faulty = sync.OnceValues(func() (local.Programs, error) {
	c := Config{Out: os.Stdout}
	return c.compile(context.Background(), tags)
})

// phase runs one phase and fails the test when a promise was broken.
func phase(t *testing.T, run func(*Phase) error) {
	t.Helper()
	p := &Phase{Name: t.Name()}
	if err := run(p); err != nil {
		t.Fatal(err)
	}
	if p.Skipped != "" {
		if os.Getenv("PARLEY_CI") != "" {
			t.Fatal(p.Skipped)
		}
		t.Skip(p.Skipped)
	}
	if f := p.Findings; f != nil {
		t.Logf("%d sent, %d received; %d lost, %d unanswered, %d doubled, %d swapped, %d strange; %g moves, %g again, %g refused",
			f.Sent, f.Received, f.Lost, f.Unanswered, f.Doubled, f.Swapped, f.Strange, p.Counts.Moves, p.Counts.Redelivered, p.Counts.RefusedTerms)
	}
	if !p.OK {
		t.Errorf("%v", p.Problems)
		if p.Findings != nil && p.Findings.First != nil {
			t.Logf("first: %+v", *p.Findings.First)
		}
	}
}

func TestFaultsLoseNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real processes for half a minute")
	}
	programs, err := faulty()
	if err != nil {
		t.Fatal(err)
	}
	c := small()
	phase(t, func(p *Phase) error { return c.faults(t.Context(), programs, p) })
}

// What is broken beside a weakness is not what catches it.
func TestSabotageIsCaughtByWhatItBreaksOnly(t *testing.T) {
	for _, weakness := range faultpoint.Weaknesses() {
		for _, other := range []compare.Findings{{Sent: 9}, {Dropped: 9}, {Swapped: 9}} {
			if caught(weakness, other) {
				t.Errorf("%s counts as caught by %+v", weakness, other)
			}
		}
	}
	if caught(faultpoint.NoTerms, compare.Findings{Lost: 9}) || caught(faultpoint.NoRedelivery, compare.Findings{Doubled: 9}) {
		t.Error("one weakness counts as caught by what another breaks")
	}
}

func TestEverySabotageIsCaught(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real processes for half a minute")
	}
	programs, err := faulty()
	if err != nil {
		t.Fatal(err)
	}
	for _, weakness := range append(faultpoint.Weaknesses(), "") {
		t.Run("sabotage "+string(weakness), func(t *testing.T) {
			t.Parallel() // nearly all of it is waiting
			c := small()
			phase(t, func(p *Phase) error { return c.sabotage(t.Context(), programs, p, weakness) })
		})
	}
	for _, weakness := range faultpoint.MoveWeaknesses() {
		t.Run("sabotage "+string(weakness), func(t *testing.T) {
			t.Parallel()
			c := small()
			phase(t, func(p *Phase) error { return c.moveSabotaged(t.Context(), programs, p, weakness) })
		})
	}
}
