package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat"
)

// slow is a store whose transactions take a time of their own, on the bubble's clock.
type slow struct {
	*Store
	took   time.Duration
	mu     sync.Mutex
	stored []chat.RequestID
	sizes  []int
}

func newSlow(took time.Duration) *slow {
	s := &slow{Store: &Store{}, took: took}
	s.lanes = startLanes(1, func(batch []*send) {
		time.Sleep(s.took)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sizes = append(s.sizes, len(batch))
		for _, p := range batch {
			s.stored = append(s.stored, p.draft.Request)
			p.reply(answer{stored: chat.Stored{Message: chat.Message{Request: p.draft.Request}}})
		}
	})
	return s
}

// send sends n requests at once and returns how many had which code; OK: -1.
func (s *slow) send(ctx context.Context, first, n int) map[int]int {
	codes := make(chan int, n)
	for i := range n {
		go func() {
			_, err := s.Send(ctx, chat.Caller{}, chat.Draft{Request: chat.RequestID(fmt.Sprint(first + i))})
			if err != nil {
				codes <- int(fault.CodeOf(err))
				return
			}
			codes <- -1
		}()
	}
	count := make(map[int]int)
	for range n {
		count[<-codes]++
	}
	return count
}

// done returns what was stored, and the sizes of the batches.
func (s *slow) done() ([]chat.RequestID, []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.stored), slices.Clone(s.sizes)
}

const ok = -1

func TestSendsShareTransactionsAndNoneIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(100 * time.Millisecond)
		defer s.lanes.stop()
		var all sync.WaitGroup
		all.Go(func() { s.send(t.Context(), 0, 1) })
		time.Sleep(10 * time.Millisecond) // the first is under way
		all.Go(func() { s.send(t.Context(), 1, 300) })
		all.Wait()
		if _, sizes := s.done(); fmt.Sprint(sizes) != "[1 256 44]" {
			t.Errorf("batches: %v, want one of the first alone, one that is full, one of the rest", sizes)
		}
	})
}

func TestASendThatWaitedTooLongIsToldWhy(t *testing.T) {
	t.Run("too much waits", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSlow(700 * time.Millisecond)
			defer s.lanes.stop()
			start := time.Now()
			got := s.send(t.Context(), 0, 4*maxBatch)
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("it took %v to answer everybody", took)
			}
			// Those of the first two batches were taken in time.
			if got[int(fault.Overloaded)] == 0 || got[ok] == 0 || got[ok]+got[int(fault.Overloaded)] != 4*maxBatch {
				t.Errorf("answers by code: %v", got)
			}
			if stored, _ := s.done(); len(stored) != got[ok] {
				t.Errorf("%d were stored, %d were told so", len(stored), got[ok])
			}
		})
	})
	t.Run("the database does not answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSlow(5 * time.Second)
			defer s.lanes.stop()
			go s.send(context.Background(), 0, 1)
			time.Sleep(10 * time.Millisecond)
			start := time.Now()
			got := s.send(t.Context(), 1, 10)
			if took := time.Since(start); took != maxWait || got[int(fault.Unavailable)] != 10 {
				t.Errorf("answers by code after %v: %v", took, got)
			}
			start = time.Now()
			got = s.send(t.Context(), 11, 10)
			if took := time.Since(start); took != 0 || got[int(fault.Unavailable)] != 10 {
				t.Errorf("behind what has hung for a second: answers by code after %v: %v", took, got)
			}
			time.Sleep(6 * time.Second)
			if got := s.send(t.Context(), 21, 1); got[ok] != 1 {
				t.Errorf("after it: answers by code: %v", got)
			}
			if stored, _ := s.done(); len(stored) != 2 {
				t.Errorf("stored: %v: what was given up is there", stored)
			}
		})
	})
}

func TestAFullQueueAnswersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(500 * time.Millisecond)
		defer s.lanes.stop()
		go s.send(context.Background(), 0, 1)
		time.Sleep(10 * time.Millisecond)
		go s.send(context.Background(), 1, maxWaiting)
		synctest.Wait()
		start := time.Now()
		got := s.send(t.Context(), maxWaiting+1, 1)
		if took := time.Since(start); took != 0 || got[int(fault.Overloaded)] != 1 {
			t.Errorf("answer by code after %v: %v", took, got)
		}
		time.Sleep(10 * time.Second)
	})
}

func TestASendWhoseContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(time.Second)
		defer s.lanes.stop()
		var all sync.WaitGroup
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		all.Go(func() {
			if got := s.send(ctx, 0, 1); got[int(fault.Unavailable)] != 1 {
				t.Errorf("under way: answer by code: %v", got)
			}
		})
		time.Sleep(10 * time.Millisecond)
		all.Go(func() {
			if got := s.send(ctx, 1, 1); got[int(fault.Unavailable)] != 1 {
				t.Errorf("waiting: answer by code: %v", got)
			}
		})
		all.Wait()
		time.Sleep(3 * time.Second)
		if stored, _ := s.done(); fmt.Sprint(stored) != "[0]" {
			t.Errorf("stored: %v, want the one that was under way", stored)
		}
	})
}

func TestCloseAnswersThoseThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(500 * time.Millisecond)
		var all sync.WaitGroup
		all.Go(func() {
			if got := s.send(t.Context(), 0, 1); got[ok] != 1 {
				t.Errorf("under way: answer by code: %v", got)
			}
		})
		time.Sleep(10 * time.Millisecond)
		all.Go(func() {
			if got := s.send(t.Context(), 1, 300); got[int(fault.Unavailable)] != 300 {
				t.Errorf("waiting: answers by code: %v", got)
			}
		})
		synctest.Wait()
		s.lanes.stop()
		all.Wait()
		if got := s.send(t.Context(), 301, 1); got[int(fault.Unavailable)] != 1 {
			t.Errorf("afterwards: answer by code: %v", got)
		}
	})
}

func TestAConversationHasOneLane(t *testing.T) {
	all := startLanes(4, func([]*send) {})
	defer all.stop()
	used := make(map[*lane]bool)
	for i := range 100 {
		id := chat.ConversationID(fmt.Sprint(i))
		l := all.of(id)
		for range 3 {
			if all.of(id) != l {
				t.Fatalf("conversation %d has several", i)
			}
		}
		used[l] = true
	}
	if len(used) != 4 {
		t.Errorf("%d of 4 lanes are used", len(used))
	}
}
