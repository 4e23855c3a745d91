package delivery

import (
	"context"
	"math/rand/v2"
	"time"
)

// sleep waits, and reports false when ctx ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// jittered is d, a quarter more or less, so that workers do not come at once.
func jittered(d time.Duration) time.Duration {
	return d*3/4 + rand.N(d/2+1)
}
