package link

import (
	"testing"
	"testing/synctest"
	"time"
)

// answers notes when a bind was answered, counted from its beginning.
type answers chan time.Duration

func (i *interest) settleInto(mark uint64) answers {
	got, began := make(answers, 1), time.Now()
	i.settle(mark, func() { got <- time.Since(began) })
	return got
}

// after fails unless the answer came exactly then. It waits for it.
func (a answers) after(t *testing.T, want time.Duration) {
	t.Helper()
	select {
	case got := <-a:
		if got != want {
			t.Errorf("answered after %v, want %v", got, want)
		}
	case <-time.After(time.Minute):
		t.Errorf("never answered, want after %v", want)
	}
}

func (a answers) open(t *testing.T) {
	t.Helper()
	synctest.Wait()
	if len(a) > 0 {
		t.Error("answered too early")
	}
}

// inStepWith is an interest with workers that have acknowledged 10 deltas.
func inStepWith(n int) (*interest, []*worker) {
	i := newInterest()
	var workers []*worker
	for range n {
		w := &worker{}
		i.attach(w)
		i.inStep(w, 10)
		workers = append(workers, w)
	}
	return i, workers
}

func TestSettleWaitsForTheLastWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, w := inStepWith(3)
		i.settleInto(10).after(t, 0)
		a := i.settleInto(11)
		i.acked(w[0], 11)
		i.acked(w[1], 15)
		a.open(t)
		time.Sleep(300 * time.Millisecond)
		i.acked(w[2], 10)
		a.open(t)
		i.acked(w[2], 11)
		a.after(t, 300*time.Millisecond)
	})
}

func TestSettleWaitsASecondAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, _ := inStepWith(1)
		first := i.settleInto(11)
		time.Sleep(400 * time.Millisecond)
		second := i.settleInto(12)
		first.after(t, settleWait)
		second.open(t)
		second.after(t, settleWait)
		if len(i.waiters) != 0 {
			t.Errorf("left behind: %d", len(i.waiters))
		}
	})
}

func TestSettleDoesNotWaitForWhoIsInItsSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, w := inStepWith(1)
		late := &worker{}
		i.attach(late)
		a := i.settleInto(11)
		i.acked(w[0], 11)
		a.after(t, 0)
		// From inStep on it is waited for; what it acknowledged before counts.
		i.acked(late, 12)
		i.inStep(late, 11)
		i.acked(w[0], 13)
		i.settleInto(12).after(t, 0)
		b := i.settleInto(13)
		b.open(t)
		i.acked(late, 13)
		b.after(t, 0)
	})
}

func TestFenceStandsAfterAnUncleanDetach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, w := inStepWith(2)
		i.detach(w[0], true)
		i.settleInto(10).after(t, 0) // after a goodbye nothing stands

		i.detach(w[1], false)
		time.Sleep(300 * time.Millisecond)
		a := i.settleInto(10)
		a.open(t)
		a.after(t, settleWait-300*time.Millisecond)
		i.settleInto(99).after(t, 0)
		i.settleInto(0).after(t, 0)
	})
}

func TestBindThatWaitsForTheLostIsAnsweredBehindTheFence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, w := inStepWith(2)
		a := i.settleInto(11)
		i.acked(w[1], 11)
		time.Sleep(200 * time.Millisecond)
		i.detach(w[0], false)
		// Its own second ends before the fence does, and that is enough: what the
		// lost worker was granted before the delta is over by then.
		a.after(t, settleWait)

		// A second loss moves the fence, and whoever waits for it with it.
		i, w = inStepWith(2)
		i.detach(w[0], false)
		time.Sleep(500 * time.Millisecond)
		b := i.settleInto(10)
		time.Sleep(400 * time.Millisecond)
		i.detach(w[1], false)
		b.after(t, settleWait)
		c := i.settleInto(10)
		c.after(t, 400*time.Millisecond)
	})
}

func TestMarkZeroWaitsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, w := inStepWith(2)
		i.detach(w[0], false)
		i.settleInto(0).after(t, 0)
	})
}

func TestStopReleasesEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, w := inStepWith(1)
		a, b := i.settleInto(11), i.settleInto(12)
		i.stop()
		a.after(t, 0)
		b.after(t, 0)
		i.settleInto(13).after(t, 0)
		i.detach(w[0], false)
	})
}

// The answer may call back: an acknowledgement that releases a waiter is given on
// a goroutine that goes on to bind.
func TestAnswerMayCallBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, w := inStepWith(1)
		again := make(answers, 1)
		i.settle(11, func() { i.settle(12, func() { again <- 0 }) })
		i.acked(w[0], 11)
		again.open(t)
		i.acked(w[0], 12)
		again.after(t, 0)
	})
}

func BenchmarkAckWhileManyWait(b *testing.B) {
	i, w := inStepWith(3)
	for range 5000 {
		i.settle(11, func() {})
	}
	b.ReportAllocs()
	for n := uint64(11); b.Loop(); n++ {
		i.acked(w[0], n) // the others say nothing
	}
	i.stop()
}
