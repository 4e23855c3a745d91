package e2e

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/local/build"
)

// allowed is how long each call of the matrix may take: with less than 3 s of standing
// still no link is given up.
const allowed = 1500 * time.Millisecond

// TestEveryCallOverOneGatewayAndFour plays every row of the matrix from a process without a
// Handler, from a handler of a worker process, what is the conn's own from a handler of that
// conn, and what is PushService's over HTTP and gRPC: first while all is well, then with the gateway of D stopped by SIGSTOP, then
// when its link is down. It holds that
//
//   - a call that needs an answer of the gateway that stands still returns when its context
//     ends, with what the others answered, and names it;
//   - calls that do not concern it take no longer than while all is well, and conns of the
//     others get their frames meanwhile;
//   - whatever was not refused arrives once when the gateway goes on, in order.
//
// Names may be on a gateway with which a process is not in step any more, 800 ms after it
// stopped: calls by name then concern it, until it is known that its link is down.
func TestEveryCallOverOneGatewayAndFour(t *testing.T) {
	for _, gateways := range []int{1, 4} {
		t.Run(fmt.Sprintf("%d gateways", gateways), func(t *testing.T) {
			t.Parallel()
			m := newMatrix(t, gateways)
			m.whileAllIsWell(t)
			m.whileOneStandsStill(t)
			if gateways > 1 {
				m.whileItsLinkIsDown(t)
			}
			m.pulses.end(t)
			m.afterProbation(t)
			m.ends(t)
		})
	}
}

// matrix is a stage of real processes, and what is played on it.
type matrix struct {
	*staged
	t        *testing.T
	gateways int
	prompter *prompter
	backend  *backend
	pulses   *pulses
	times    map[string]time.Duration // how long a call took while all was well, by row and door
	playing  sync.WaitGroup
	dialling sync.WaitGroup

	mu    sync.Mutex
	socks []*sock
	doubt []*take   // whose conns had to be confirmed
	last  time.Time // when the last of them was opened
}

// plain builds what users run. Under the race detector dozens of processes would be
// slower than what is measured here.
var plain = sync.OnceValues(func() (map[string]string, error) {
	b := build.Builder{Say: func(line string) { fmt.Println(line) }}
	return b.Programs(ctxBackground, build.Register, build.Gateway)
})

// plainly has a stage run them.
func plainly(t *testing.T, cfg *local.Config) {
	t.Helper()
	built, err := plain()
	must(t, err)
	cfg.Programs.Register, cfg.Programs.Gateway = built[build.Register], built[build.Gateway]
}

func newMatrix(t *testing.T, gateways int) *matrix {
	t.Helper()
	m := &matrix{t: t, gateways: gateways, prompter: newPrompter(t), backend: newBackend(t), times: map[string]time.Duration{}}
	t.Cleanup(m.prompter.end)
	program, err := os.Executable()
	must(t, err)
	c := cast{gateways: gateways, workers: 1, patience: 20 * time.Second}
	c.withDefaults()
	m.staged = processes(t, c, func(cfg *local.Config) {
		plainly(t, cfg)
		cfg.Programs.Worker = program
		m.backend.joins(t, cfg)
		cfg.Env = append(cfg.Env, actorAt+"="+m.prompter.Addr().String())
	})
	begin(t, m)
	m.backend.starts(t, m.Cluster)
	m.inStep(t)
	t.Cleanup(func() {
		m.leave()
		m.playing.Wait()
		m.dialling.Wait()
	})
	m.pulses = newPulses(t, m)
	return m
}

// inStep waits until both processes trust all their routes.
func (m *matrix) inStep(t *testing.T) {
	t.Helper()
	for _, by := range []door{outside, fromWorker} {
		eventually(t, func() bool { return m.trusts(by) }, func() string { return string(by) + " is not in step" })
	}
}

// trusts reports whether the process behind a door is in step with all gateways.
func (m *matrix) trusts(by door) bool {
	if by == outside {
		return m.Sender().Stats().InStep == m.gateways
	}
	got, err := m.Workers()[0].Metrics()
	return err == nil && got.Sum("parley_worker_gateways_in_step") == float64(m.gateways)
}

// still is the gateway that is stopped.
func (m *matrix) still() player { return m.Gateways()[m.gateways-1] }

// apart has every conn of a cell at a gateway of its own, with D at the one that is
// stopped; together at the others.
func (m *matrix) apart() [4]int {
	last := m.gateways - 1
	return [4]int{0, min(1, last), min(2, last), last}
}

func (m *matrix) together() [4]int { return [4]int{0, 1, 2, 0} }

// byDoor plays the takes of each door one after the other, the doors side by side.
func byDoor(all []*take, play func(k *take)) {
	var doors sync.WaitGroup
	for _, by := range []door{outside, fromWorker, fromConn, byHTTP, byGRPC} {
		doors.Go(func() {
			for _, k := range all {
				if k.by == by {
					play(k)
				}
			}
		})
	}
	doors.Wait()
}

func (m *matrix) whileAllIsWell(t *testing.T) {
	all := m.takes(t, allWell, m.apart())
	m.handle(t, all)
	var mu sync.Mutex
	byDoor(all, func(k *take) {
		m.begin(k, everything)
		s := m.end(t, k)
		mu.Lock()
		m.times[k.what.key()+string(k.by)] = s.Took
		mu.Unlock()
		if want := k.what.want(allWell, m.gateways, ""); !s.same(want) {
			t.Errorf("%s: %v, want %v", k.key(), s, want)
		}
	})
	m.over(t, all)
}

// over checks what has become of takes, now that all gateways answer again.
func (m *matrix) over(t *testing.T, all []*take) {
	t.Helper()
	m.dialling.Wait()
	m.settle(t, all, letters, false)
	ctx, deadline := within(t, everything), time.Now().Add(everything)
	for _, k := range all {
		if k.what.after == nil {
			continue
		}
		var got string
		if !holds(deadline, func() bool { got = k.what.look(ctx, m.Sender().Sender(), k.cell); return got == k.what.is }) {
			t.Errorf("%s: in the end %q, want %q", k.key(), got, k.what.is)
		}
	}
	m.marks(t, all)
	m.settle(t, all, letters, true)
}

func (m *matrix) whileOneStandsStill(t *testing.T) {
	concerned := m.takes(t, stopped, m.apart())
	var others []*take
	if m.gateways > 1 {
		others = m.takes(t, beside, m.together())
		// Those first for which the time runs.
		named := slices.DeleteFunc(slices.Clone(others), func(k *take) bool { return !byName(k.what) })
		others = append(named, slices.DeleteFunc(others, func(k *take) bool { return byName(k.what) })...)
	}
	m.handle(t, slices.Concat(concerned, others))
	m.inStep(t)
	m.pulses.begin()
	m.still().Freeze(t)
	stood := time.Now()
	for _, k := range concerned {
		m.begin(k, allowed)
	}
	skipped, slow := m.unhurt(t, others), 0
	for _, k := range concerned {
		s := m.end(t, k)
		want := k.what.want(stopped, m.gateways, m.still().Name())
		switch late := m.Sender().Stats().Attached < m.gateways; { // late: this machine was too slow
		case s.same(want), late && s.same(k.what.want(linkDown, m.gateways, m.still().Name())):
		case k.by == byGRPC && s.Code == "DEADLINE_EXCEEDED":
			slow++ // the answer is sent a tenth of the time before, and did not come in time
		default:
			t.Errorf("%s: %v, want %v", k.key(), s, want)
		}
		if !k.what.waits(stopped, m.gateways) {
			m.prompt(t, k, s)
		}
	}
	if slow > 10 {
		t.Errorf("%d answers over gRPC came too late", slow)
	}
	if m.gateways > 1 {
		m.settle(t, concerned, letters[:3], false)
		m.settle(t, slices.DeleteFunc(slices.Clone(others), func(k *take) bool { return skipped[k] }), letters, false)
		m.pulses.flow(t)
	}
	if !m.Cluster.Gateways[m.gateways-1].Frozen() {
		t.Error("it did not stand still all the time")
	}
	t.Logf("%s stood still for %v", m.still().Name(), time.Since(stood).Round(time.Millisecond))
	m.still().Thaw(t)
	m.inStep(t)
	for k := range skipped {
		m.begin(k, everything)
		if s, want := m.end(t, k), k.what.want(beside, m.gateways, ""); !s.same(want) {
			t.Errorf("%s: %v, want %v", k.key(), s, want)
		}
	}
	m.over(t, append(concerned, others...))
}

// prompt checks that a call took no longer than while all was well. What it may be longer is
// half of what it would take if it waited.
func (m *matrix) prompt(t *testing.T, k *take, s said) {
	t.Helper()
	if usual := m.times[k.what.key()+string(k.by)]; s.Took > usual+allowed/2 {
		t.Errorf("%s: took %v, and %v while all was well", k.key(), s.Took, usual)
	}
}

// unhurt plays what does not concern the gateway that stands still, one call of a door after
// the other, so that each is measured alone. Calls by name are at once only while their
// process is in step: those that come too late for that, on a machine that is too slow, are
// played together; the log says how many. It returns those that there was no time for at
// all: no link is to be given up meanwhile.
func (m *matrix) unhurt(t *testing.T, others []*take) map[*take]bool {
	t.Helper()
	began := time.Now()
	var mu sync.Mutex // guards what follows
	strict, missed, skipped := map[door]int{}, map[door]int{}, map[*take]bool{}
	var late []*take
	byDoor(others, func(k *take) {
		since := time.Since(began)
		inStep := !byName(k.what) || since <= leaseEnds && (k.what.push != nil || m.trusts(k.by)) // the api does not say
		if !inStep || since > allowed {
			mu.Lock()
			defer mu.Unlock()
			if late = append(late, k); since <= allowed {
				m.begin(k, allowed)
			} else {
				skipped[k] = true
			}
			return
		}
		m.begin(k, allowed)
		s := m.end(t, k)
		want := k.what.want(beside, m.gateways, "")
		if s.After != want.After && !m.trusts(k.by) {
			want.After = s.After // asked when the other might know
		}
		mu.Lock()
		defer mu.Unlock()
		switch {
		case s.same(want):
			m.prompt(t, k, s)
			if byName(k.what) {
				strict[k.by]++
			}
		case k.what.outOfStep(s, m.still().Name()) && missed[k.by] == 0 && strict[k.by] > 0:
			missed[k.by]++ // the lease ended after it was looked at: that can be once
		default:
			t.Errorf("%s: %v, want %v; %v after the stop", k.key(), s, want, since)
		}
	})
	late = slices.DeleteFunc(late, func(k *take) bool { return skipped[k] })
	for _, k := range late {
		s := m.end(t, k)
		if want := k.what.want(beside, m.gateways, ""); !s.same(want) && !k.what.outOfStep(s, m.still().Name()) {
			t.Errorf("%s: %v, want %v", k.key(), s, want)
		}
	}
	t.Logf("calls beside the one that stands still: by name in time %v, too late for that %d, not before it goes on %d", strict, len(late), len(skipped))
	return skipped
}

// leaseEnds is before the earliest that a lease ends which a gateway granted in time: it is
// worth 800 ms, and asked for every 250 ms.
const leaseEnds = 400 * time.Millisecond

// whileItsLinkIsDown has the register stand still, too: otherwise the gateway would be
// taken for gone.
func (m *matrix) whileItsLinkIsDown(t *testing.T) {
	all := m.takes(t, linkDown, m.apart())
	m.Registers()[0].Freeze(t)
	m.still().Freeze(t)
	eventually(t, func() bool { return m.Sender().Stats().Attached == m.gateways-1 }, func() string { return "the link is never given up" })
	await(t, m.Workers()[0], "parley_worker_links", float64(m.gateways-1))
	m.handle(t, all)
	for _, k := range all {
		m.begin(k, 3*time.Second) // it is a second until nobody waits for the link
	}
	for _, k := range all {
		s := m.end(t, k)
		if want := k.what.want(linkDown, m.gateways, m.still().Name()); !s.same(want) {
			t.Errorf("%s: %v, want %v", k.key(), s, want)
		}
	}
	m.settle(t, all, letters[:3], false)
	m.still().Thaw(t)
	m.Registers()[0].Thaw(t)
	m.inStep(t)
	m.over(t, all)
}

// afterProbation checks that whoever was confirmed is still there when the others are not.
func (m *matrix) afterProbation(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Until(m.last.Add(probation+time.Second)))
	defer cancel()
	<-ctx.Done()
	for _, k := range m.doubt {
		if end := k.socks[3].end(); end != 0 {
			t.Errorf("%s: D ended with %d", k.key(), end)
		}
	}
}
