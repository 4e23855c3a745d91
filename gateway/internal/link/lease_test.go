package link

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/proto/record/linkcodec"
)

// The claim of docs/architecture.md, "Why no send misses a bound user", against
// workers that are slow, stopped for seconds, cut off without noticing, and
// attached again with what they once knew: from the answer to a bind on, each of
// them has the route or trusts nothing. Time is the bubble's.
func TestNoWorkerTrustsATableThatMissesAnAnsweredBind(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	synctest.Test(t, func(t *testing.T) {
		s := &settlement{t: t, l: newLink(t)}
		ctx, cancel := context.WithCancel(t.Context())
		var workers, binders sync.WaitGroup
		for i := range uint64(4) {
			b := &believer{settlement: s, boot: 1 + i, dice: rand.New(rand.NewPCG(seed, i))}
			s.workers = append(s.workers, b)
			workers.Go(func() {
				for ctx.Err() == nil {
					b.attach()
				}
			})
		}
		for i := range uint64(12) {
			binders.Go(func() { s.bindAndCheck(rand.New(rand.NewPCG(seed, 100+i)), 150) })
		}
		binders.Wait()
		cancel()
		workers.Wait()
		if s.checks == 0 || s.doubts == 0 || s.trusts == 0 {
			t.Errorf("of %d looks at a worker %d found it in doubt and %d trusting: nothing was tried", s.checks, s.doubts, s.trusts)
		}
		t.Logf("of %d looks at a worker %d found it in doubt and %d trusting", s.checks, s.doubts, s.trusts)
	})
}

// settlement is a gateway and its workers.
type settlement struct {
	t       *testing.T
	l       *Link
	workers []*believer

	mu                     sync.Mutex // guards what the believers know, too
	checks, doubts, trusts int
}

// bindAndCheck binds a conn to one user after the other, and looks at all workers
// when that is answered and once more while it is bound.
func (s *settlement) bindAndCheck(dice *rand.Rand, times int) {
	c := &conn{link: s.l, phase: open, context: 1}
	c.Init(dice.Uint64(), c)
	if err := s.l.hub.Add(&c.Conn); err != nil {
		s.t.Error(err)
	}
	for range times {
		user := fmt.Sprint("user ", dice.IntN(20))
		mark, err := s.l.hub.Bind(&c.Conn, user)
		if err != nil {
			s.t.Error(err)
		}
		answered := make(chan struct{})
		s.l.interest.settle(mark, func() { s.check(user); close(answered) })
		<-answered
		time.Sleep(time.Duration(dice.IntN(1500)) * time.Millisecond)
		s.check(user)
		if dice.IntN(2) == 0 {
			s.l.hub.Unbind(&c.Conn, user)
			time.Sleep(time.Duration(dice.IntN(300)) * time.Millisecond)
		}
	}
}

func (s *settlement) check(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.workers {
		s.checks++
		switch trusting := time.Now().Before(b.lease); {
		case !trusting:
			s.doubts++
		case b.table[user]:
			s.trusts++
		default:
			s.t.Errorf("worker %d trusts its table for another %v, and misses %s", b.boot, time.Until(b.lease), user)
		}
	}
}

// believer is a worker's end of a link: a table, a lease, and delays.
type believer struct {
	*settlement
	boot uint64
	dice *rand.Rand

	table map[string]bool
	lease time.Time
	whole bool
	stop  time.Time // it is stopped until then, and says nothing
}

// upTo is a delay.
func (b *believer) upTo(d time.Duration) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Duration(b.dice.Int64N(int64(d)))
}

// attach is one stream, from its beginning until the worker has noticed its end.
func (b *believer) attach() {
	b.mu.Lock()
	b.lease, b.whole = time.Time{}, false // detached, and it knows
	b.mu.Unlock()
	w, _ := attachTo(b.l, b.boot)
	w.session.serve(w)
	b.l.enlist(w)
	ctx, cut := context.WithCancel(context.Background())
	wire := make(chan []byte, 1<<16)
	var all sync.WaitGroup
	all.Go(func() { carry(ctx, w, wire) })
	all.Go(func() { b.beat(ctx, w) })
	all.Go(func() { b.listen(ctx, w, wire) })
	w.snapshot()
	b.l.employ(w)
	time.Sleep(200*time.Millisecond + b.upTo(4*time.Second))
	b.l.giveUp(w, false)
	b.l.letGo(w.session)
	time.Sleep(b.upTo(1500 * time.Millisecond)) // it has not noticed, and reads what is on the way
	cut()
	all.Wait()
}

// carry is the network, downwards.
func carry(ctx context.Context, w *worker, wire chan<- []byte) {
	var spare []linkcodec.Batch
	for {
		if spare = w.out.take(ctx, spare); spare == nil {
			return
		}
		for i := range spare {
			wire <- append([]byte(nil), spare[i].Records...)
			w.out.sent(len(spare[i].Records))
			spare[i].Release()
		}
	}
}

// beat asks for the lease; the answer stands where the gateway is when it comes.
func (b *believer) beat(ctx context.Context, w *worker) {
	for ctx.Err() == nil {
		b.mu.Lock()
		stopped := time.Now().Before(b.stop)
		b.mu.Unlock()
		if token := uint64(time.Now().UnixNano()); !stopped {
			time.AfterFunc(b.upTo(100*time.Millisecond), func() {
				w.out.add(func(dst []byte) []byte { return record.AppendGranted(dst, token) })
			})
		}
		time.Sleep(250 * time.Millisecond)
	}
}

// listen applies what comes, late and with stops, and acknowledges it.
func (b *believer) listen(ctx context.Context, w *worker, wire <-chan []byte) {
	for {
		select {
		case <-ctx.Done():
			return
		case batch := <-wire:
			time.Sleep(b.upTo(60 * time.Millisecond))
			if b.upTo(40) == 0 { // a stop
				d := b.upTo(2500 * time.Millisecond)
				b.mu.Lock()
				b.stop = time.Now().Add(d)
				b.mu.Unlock()
				time.Sleep(d)
			}
			if ctx.Err() != nil {
				return
			}
			if seq := b.apply(batch); seq > 0 {
				time.AfterFunc(b.upTo(60*time.Millisecond), func() { b.l.interest.acked(w, seq) })
			}
		}
	}
}

// apply does what the SDK does with these records.
func (b *believer) apply(batch []byte) (seq uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := record.NewReader(batch)
	for r.Next() {
		switch r.Kind() {
		case record.KindSnapshotBegin:
			b.lease, b.whole, b.table = time.Time{}, false, map[string]bool{}
		case record.KindDelta:
			d := r.Delta()
			b.table[string(d.Name)] = !d.Removed
			seq = max(seq, d.Seq)
		case record.KindSnapshotEnd:
			b.whole = true
			seq = max(seq, r.SnapshotEnd())
		case record.KindGranted:
			if b.whole {
				b.lease = time.Unix(0, int64(r.Granted())).Add(routeLease)
			}
		}
	}
	return seq
}
