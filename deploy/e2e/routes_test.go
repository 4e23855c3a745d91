package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/worker"
)

// TestNothingSentAfterAnAnswerIsMissedWhileLinksBreak lets one process bind a conn
// or put it into a group and another send to that name the moment the answer was
// seen, in every way there is to do so: by a Sender, inside a handler, and in the
// handshake, before the client reads its 101. Meanwhile links freeze and break, and
// workers and a gateway come and go. Every send has to arrive, once.
func TestNothingSentAfterAnAnswerIsMissedWhileLinksBreak(t *testing.T) {
	want := int64(10_000)
	if testing.Short() {
		want = 1_000
	}
	c := cast{gateways: 3, workers: 4, patience: 2 * time.Second}
	c.withDefaults()
	m := &match{inside: oneProcess(t, c).(*inside), want: want, told: map[string]chan struct{}{}, conns: map[string]connid.ID{}}
	for _, w := range m.workers {
		w.(*insideWorker).handler = usher{match: m}
	}
	begin(t, m)

	ctx, over := context.WithCancelCause(t.Context())
	defer over(nil)
	var playing sync.WaitGroup
	for i := range m.pairs() {
		for way := range ways {
			playing.Go(func() {
				if err := m.play(ctx, i, way); err != nil {
					t.Errorf("%s, pair %d: %v", ways[way].name, i, err)
					over(err) // the others would each wait for something, too
				}
			})
		}
	}
	rounds := m.torment(ctx, t)
	playing.Wait()
	t.Logf("%d sends right after an answer: %v; %d more to conns of a gateway that left; %d times there was no link to ask by; %d rounds of faults",
		m.done.Load(), m.tally(), m.excused.Load(), m.unanswered.Load(), rounds)
	if m.reborn.Load() == 0 && !t.Failed() {
		t.Error("nobody was ever let in by the gateway that comes and goes")
	}
}

// match is one run of the race.
type match struct {
	*inside
	want       int64
	done       atomic.Int64    // sends that arrived
	byWay      [5]atomic.Int64 // of done, as ways has them
	excused    atomic.Int64    // sends to a conn whose gateway left before they came
	reborn     atomic.Int64    // of done: on the gateway that comes and goes
	unanswered atomic.Int64    // binds and joins by a process whose link was down for too long: nothing was sent
	last       atomic.Bool     // the faults are over
	phase      atomic.Int64    // rises with each thing that was done to the stage
	fresh      atomic.Int64    // of done: begun in this phase

	guest sync.RWMutex // worker 3 sends; written while it leaves and comes back

	mu    sync.Mutex
	told  map[string]chan struct{} // by name: a handler has seen the answer
	conns map[string]connid.ID     // by tag
}

// Who is tormented how: the last worker is killed, the one before leaves in order
// and may send meanwhile, the first two freeze and lose their links. The last
// gateway comes and goes.
const (
	frozen, severed, guest, victim = 0, 1, 2, 3
	fickle                         = 2
)

// binders and senders are all who do so; victim is neither, because what a killed
// process has not yet got rid of is lost with it.
var (
	binders = []int{frozen, severed, onlySends}
	senders = []int{frozen, severed, onlySends, guest}
)

// onlySends is the process without a handler.
const onlySends = -1

// pairs counts the pairs of different ones.
func (m *match) pairs() int { return len(binders) * (len(senders) - 1) }

// pair returns the i-th of them.
func pair(i int) (binder, sender int) {
	binder, i = binders[i%len(binders)], i/len(binders)
	for _, s := range senders {
		if s == binder {
			continue
		}
		if i == 0 {
			return binder, s
		}
		i--
	}
	panic("no such pair")
}

// by lets one of the processes do something with its Sender.
func (m *match) by(who int, do func(*worker.Sender) error) error {
	if who == onlySends {
		return do(m.sender.Sender())
	}
	if who == guest {
		m.guest.RLock()
		defer m.guest.RUnlock()
	}
	w := m.workers[who].(*insideWorker)
	w.mu.Lock()
	sender := w.worker.Sender()
	w.mu.Unlock()
	return do(sender)
}

// longest is after what time no new round of faults is begun, though less was sent than
// wanted: the machine is busy with something else.
const longest = 25 * time.Second

// torment does every fault once a round, until enough was sent. It returns the
// rounds.
func (m *match) torment(ctx context.Context, t *testing.T) (rounds int) {
	t.Helper()
	defer m.last.Store(true)
	worker := func(i int) *insideWorker { return m.workers[i].(*insideWorker) }
	began := time.Now()
	for m.done.Load() < m.want && time.Since(began) < longest && ctx.Err() == nil {
		rounds++
		// For a while: it stays attached, its lease ends, its binds are waited for.
		m.workers[frozen].Freeze(t)
		m.goesOn(ctx, t, few)
		m.workers[frozen].Thaw(t)
		m.goesOn(ctx, t, many)
		// Resets of all its links; it comes back at once, with a new snapshot.
		worker(severed).each(func(r *relay) { r.cut(true); r.cut(false) }, false)
		m.goesOn(ctx, t, few)
		m.goesOn(ctx, t, many)
		// A worker leaves, and sends again before it has attached anywhere.
		m.guest.Lock()
		m.workers[guest].Stop(t)
		m.workers[guest].Start(t)
		m.guest.Unlock()
		m.goesOn(ctx, t, many)
		m.gateways[fickle].Stop(t)
		m.gateways[fickle].Start(t)
		m.goesOn(ctx, t, many)
		m.workers[victim].Kill(t)
		m.goesOn(ctx, t, few)
		m.workers[victim].Start(t)
		m.goesOn(ctx, t, many)
		// For long: the gateways give it up, and it does not know.
		silent := sum(t, m.gateways[:fickle], "parley_gateway_silent_workers_total")
		m.workers[frozen].Freeze(t)
		eventually(t, func() bool {
			return ctx.Err() != nil || sum(t, m.gateways[:fickle], "parley_gateway_silent_workers_total") >= silent+fickle
		}, func() string { return "the gateways never gave the frozen worker up" })
		m.goesOn(ctx, t, few)
		m.workers[frozen].Thaw(t)
		m.goesOn(ctx, t, many)
	}
	return rounds
}

// How many rounds are waited for: enough to have met what was done, while binds wait
// for a worker that is not there, and what makes up most of the race.
const few, many = 12, 800

// goesOn waits until n rounds were played that began after what was done last, by those
// lanes that it does not hold up.
func (m *match) goesOn(ctx context.Context, t *testing.T, n int64) {
	t.Helper()
	m.phase.Add(1)
	m.fresh.Store(0)
	eventually(t, func() bool { return ctx.Err() != nil || m.fresh.Load() >= n },
		func() string { return fmt.Sprintf("only %d sends have arrived", m.fresh.Load()) })
}

func (m *match) tally() string {
	var list []string
	for i := range ways {
		list = append(list, fmt.Sprintf("%d %s", m.byWay[i].Load(), ways[i].name))
	}
	return strings.Join(list, ", ")
}
