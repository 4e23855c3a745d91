package link

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/register/handshake"
)

// hire makes a worker without a stream that may be given conns, and has been there for
// as long as age.
func hire(l *Link, node string, age time.Duration, labels map[string]string) *worker {
	_, end := context.WithCancelCause(context.Background())
	w := newWorker(l, handshake.Identity{Node: node, Boot: handshake.NewBoot()}, &gatewayv1.Attach{ServesEvents: true, Labels: labels}, end)
	w.session = l.hold(w.peer.Boot)
	w.session.since = time.Now().Add(-age)
	w.session.serve(w)
	l.enlist(w)
	l.employ(w)
	return w
}

// dice throws the same every time.
func dice() func() float64 { return rand.New(rand.NewPCG(1, 2)).Float64 }

func TestNewWorkerIsGivenItsShareGradually(t *testing.T) {
	l, draw := newLink(t), dice()
	for _, node := range []string{"a", "b", "c", "d"} {
		hire(l, node, time.Hour, nil).owned.Store(1000)
	}
	fresh := hire(l, "fresh", 0, nil)
	const perSecond, fair = 100, 100 / 5
	var got []int
	for second := range 20 {
		before := fresh.owned.Load()
		for i := range perSecond {
			at := time.Duration(second)*time.Second + time.Duration(i)*time.Second/perSecond
			l.pool("").choose(fresh.session.since.Add(at), draw).owned.Add(1)
		}
		got = append(got, int(fresh.owned.Load()-before))
	}
	t.Log(got)
	for second, n := range got {
		if n > 2*fair+15 { // three times the deviation of chance
			t.Errorf("second %d: %d of %d conns, its share is %d", second, n, perSecond, fair)
		}
	}
	if got[0] > fair/2+5 || got[0]+got[1] >= got[8]+got[9] {
		t.Errorf("it begins at once: %v", got)
	}
	if n := fresh.owned.Load(); n < 20*fair {
		t.Errorf("after 20 s it has %d conns, less than its share of what came", n)
	}
}

func TestWhoIsAloneIsGivenEverythingAtOnce(t *testing.T) {
	l := newLink(t)
	only := hire(l, "only", 0, nil)
	c := &conn{link: l, context: 1}
	if got := l.pick(c); got != only {
		t.Errorf("got %v", got)
	}
	// So are all who came together: a gateway that has just begun.
	second, draw := hire(l, "second", 0, nil), dice()
	for range 1000 {
		l.pool("").choose(time.Now(), draw).owned.Add(1)
	}
	if a, b := only.owned.Load(), second.owned.Load(); a < 480 || b < 480 {
		t.Errorf("got %d and %d of 1000", a, b)
	}
	if n := l.stats.Picks[PickedAlone].Load(); n != 1 {
		t.Errorf("picked alone: %d", n)
	}
}

func TestBusyWorkerIsSpared(t *testing.T) {
	l, draw := newLink(t), dice()
	slow, quick := hire(l, "slow", time.Hour, nil), hire(l, "quick", time.Hour, nil)
	beat := record.AppendBeat(nil, record.Beat{Token: 1, HasLoad: true, Load: 400})
	if err := l.apply(slow, beat); err != nil {
		t.Fatal(err)
	}
	if err := l.apply(quick, record.AppendBeat(nil, record.Beat{Token: 1, HasLoad: true, Load: 100})); err != nil {
		t.Fatal(err)
	}
	for range 5000 {
		l.pool("").choose(time.Now(), draw).owned.Add(1)
	}
	// Of what is busy it has three quarters and more, so of the conns it gets the rest.
	if n := slow.owned.Load(); n < 1000 || n > 1500 {
		t.Errorf("the slow one has %d of 5000 conns", n)
	}
	// A few busy conns are chance, and say little.
	slow.load.Store(3)
	quick.load.Store(0)
	slow.owned.Store(0)
	quick.owned.Store(0)
	for range 5000 {
		l.pool("").choose(time.Now(), draw).owned.Add(1)
	}
	if n := slow.owned.Load(); n < 2200 {
		t.Errorf("for three busy conns it has %d of 5000", n)
	}
}

func TestWeightsAreSharesOfTheConns(t *testing.T) {
	l, draw := newLink(t), dice()
	large := hire(l, "large", time.Hour, map[string]string{WeightLabel: "6"})
	var small []*worker
	for _, node := range []string{"a", "b", "c", "d"} {
		small = append(small, hire(l, node, time.Hour, map[string]string{WeightLabel: "0.5"}))
	}
	for range 8000 {
		l.pool("").choose(time.Now(), draw).owned.Add(1)
	}
	if n := large.owned.Load(); n < 5800 || n > 6200 {
		t.Errorf("weight 6 of 8: %d of 8000 conns", n)
	}
	for _, w := range small {
		if n := w.owned.Load(); n < 400 || n > 600 {
			t.Errorf("weight 0.5 of 8: %d of 8000 conns", n)
		}
	}
}

func TestWeightThatIsNoneCountsAsOne(t *testing.T) {
	var said strings.Builder
	l := newLink(t)
	l.log = slog.New(slog.NewTextHandler(&said, nil))
	for _, weight := range []string{"", "heavy", "0", "-1", "NaN", "Inf", "101"} {
		if w := hire(l, "w", 0, map[string]string{WeightLabel: weight}); w.weight != 1 {
			t.Errorf("weight %q: got %v", weight, w.weight)
		}
	}
	if n := strings.Count(said.String(), "weight"); n < 7 {
		t.Errorf("logged %q", said.String())
	}
}

func TestConnsUnderWayAreCounted(t *testing.T) {
	m := newTreadmill(t)
	want := func(what string, n int64) {
		t.Helper()
		if got := m.w.work(); got != n {
			t.Errorf("%s: %d conns are busy, want %d", what, got, n)
		}
	}
	want("nothing is under way", 0)
	for range 3 { // three frames of one conn are one that is busy
		m.c.mu.Lock()
		m.l.push(m.c, event{kind: record.KindMessage, message: message([]byte("x"))})
		m.c.mu.Unlock()
	}
	want("three frames", 1)
	for range 3 {
		m.l.done(m.w, record.Done{Conn: 7, Term: m.c.term, Seq: m.c.events.list[0].seq})
	}
	want("acknowledged", 0)
	m.c.mu.Lock()
	m.l.push(m.c, event{kind: record.KindMessage, message: message([]byte("x"))})
	want("one more", 1)
	m.l.disown(m.c, Lost)
	m.c.mu.Unlock()
	want("taken away", 0)
}
