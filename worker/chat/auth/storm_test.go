package auth

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/proto/fault"
)

func TestNobodysPasswordCostsWhatAWrongOneDoes(t *testing.T) {
	type work struct {
		cost
		salt int
		n    uint32
	}
	var done []work
	p := NewPasswords(1, 1)
	p.key = func(_, salt []byte, c cost, n uint32) []byte {
		done = append(done, work{c, len(salt), n})
		return make([]byte, n)
	}
	somebody := encode(current, []byte(strings.Repeat("s", saltBytes)), []byte(strings.Repeat("h", hashBytes)))
	for _, hash := range []string{somebody, ""} {
		if ok, err := p.Verify(t.Context(), hash, "a guess"); ok || err != nil {
			t.Errorf("%.10q: got %v, %v", hash, ok, err)
		}
	}
	if len(done) != 2 || done[0] != done[1] {
		t.Errorf("for somebody, then for nobody: %+v", done)
	}
}

func TestSignInsComeThroughAFewAtATimeInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const atOnce, line = 2, 6
		p := NewPasswords(atOnce, line)
		var running, most atomic.Int64
		p.key = func(_, _ []byte, _ cost, n uint32) []byte {
			now := running.Add(1)
			for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
			}
			time.Sleep(35 * time.Millisecond) // the bubble's clock: what a hash takes
			running.Add(-1)
			return make([]byte, n)
		}
		var all sync.WaitGroup
		began := time.Now()
		for range atOnce + line {
			all.Go(func() {
				if _, err := p.Hash(context.Background(), "password"); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got, want := time.Since(began), 4*35*time.Millisecond; got != want {
			t.Errorf("eight by two took %v, want %v", got, want)
		}
		if most.Load() != atOnce {
			t.Errorf("%d at once", most.Load())
		}
	})
}

func TestWhoGivesUpLeavesTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, release := storm(1, 1)
		var all sync.WaitGroup
		defer all.Wait()
		defer release()
		all.Go(func() { _, _ = p.Hash(context.Background(), "password") })
		synctest.Wait()

		ctx, cancel := context.WithCancel(context.Background())
		all.Go(func() {
			if _, err := p.Hash(ctx, "password"); fault.CodeOf(err) != fault.Overloaded {
				t.Errorf("who gave up: %v", err)
			}
		})
		synctest.Wait()
		if _, err := p.Hash(context.Background(), "password"); fault.CodeOf(err) != fault.Overloaded {
			t.Errorf("the line is full: %v", err)
		}
		cancel()
		synctest.Wait()
		all.Go(func() {
			if _, err := p.Hash(context.Background(), "password"); err != nil {
				t.Errorf("there is room in the line again: %v", err)
			}
		})
		synctest.Wait()
		if p.Waiting() != 1 {
			t.Errorf("%d wait", p.Waiting())
		}
	})
}

func TestPasswordsThatMayNotBeChosenCostNothing(t *testing.T) {
	p := NewPasswords(1, 1)
	p.key = func(_, _ []byte, _ cost, n uint32) []byte {
		t.Error("computed")
		return make([]byte, n)
	}
	for password, want := range map[string]fault.Code{"": fault.Invalid, "seven77": fault.Invalid, strings.Repeat("x", 1025): fault.TooLarge, strings.Repeat("x", 1<<20): fault.TooLarge} {
		if _, err := p.Hash(t.Context(), password); fault.CodeOf(err) != want {
			t.Errorf("%.10q: got %v", password, err)
		}
	}
	if ok, err := p.Verify(t.Context(), p.dummy, strings.Repeat("x", 1<<20)); ok || err != nil {
		t.Errorf("a megabyte: got %v, %v", ok, err)
	}
}
