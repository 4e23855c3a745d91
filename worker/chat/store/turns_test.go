package store

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// writer takes turns at a file for a while: each transaction lasts four milliseconds,
// and the next begins at once.
func writer(t *testing.T, file *sync.Mutex, until time.Time) (transactions int, longest time.Duration) {
	var turns turns
	for time.Now().Before(until) {
		for asked := time.Now(); ; {
			turns.before(t.Context())
			if file.TryLock() {
				longest = max(longest, time.Since(asked))
				break
			}
			if !turns.refused(t.Context()) {
				return transactions, longest
			}
		}
		time.Sleep(4 * time.Millisecond)
		file.Unlock()
		turns.after()
		transactions++
	}
	return transactions, longest
}

func TestBusyProcessesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const processes = 3
		var file sync.Mutex
		var all sync.WaitGroup
		until := time.Now().Add(time.Second)
		var count [processes]int
		var longest [processes]time.Duration
		for i := range processes {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 1300 * time.Microsecond)
				count[i], longest[i] = writer(t, &file, until)
			})
		}
		all.Wait()
		for i := range processes {
			if count[i] < 50 || longest[i] > 150*time.Millisecond {
				t.Errorf("transactions of each in a second: %v, the longest wait: %v", count, longest)
				break
			}
		}
	})
}

func TestAProcessThatIsAloneLosesLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var file sync.Mutex
		if n, longest := writer(t, &file, time.Now().Add(time.Second)); n < 245 || n > 249 {
			t.Errorf("%d transactions of 4 ms in a second, want all but for a few gaps; the longest wait %v", n, longest)
		}
	})
}
