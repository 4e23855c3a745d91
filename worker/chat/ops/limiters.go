package ops

import (
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"
)

// limiters bound how often something is done, by a key: so many at once, and then one
// more each interval. Of more keys than it knows the least used go, and begin anew.
type limiters[K comparable] struct {
	now func() time.Time
	by  *otter.Cache[K, *rate.Limiter]
}

func newLimiters[K comparable](now func() time.Time, known int) limiters[K] {
	return limiters[K]{now, otter.Must(&otter.Options[K, *rate.Limiter]{MaximumSize: known})}
}

// take counts one, and reports whether it may be done.
func (l limiters[K]) take(key K, every time.Duration, burst int) bool {
	by, _ := l.by.ComputeIfAbsent(key, func() (*rate.Limiter, bool) {
		return rate.NewLimiter(rate.Every(every), burst), false
	})
	return by == nil || by.AllowN(l.now(), 1)
}
