// Package hist counts times into buckets: a few kilobytes whatever is counted,
// and quantiles that are at most 1.6% too long.
package hist

import (
	"math/bits"
	"time"
)

// Buckets double every subBuckets; below that many nanoseconds each has its own.
const (
	subBits    = 6
	subBuckets = 1 << subBits
	buckets    = (64 - subBits) * subBuckets
)

// Hist is a histogram of times. Its zero value is empty. One goroutine uses it.
type Hist struct {
	counts [buckets]uint64
	n      uint64
	max    time.Duration
}

// Add counts d; a negative time counts as none.
func (h *Hist) Add(d time.Duration) {
	d = max(d, 0)
	h.counts[bucket(uint64(d))]++
	h.n++
	h.max = max(h.max, d)
}

// Count returns how many times were added.
func (h *Hist) Count() uint64 { return h.n }

// Max returns the longest, exactly.
func (h *Hist) Max() time.Duration { return h.max }

// Quantile returns the time that the share q of all did not exceed, 0 when there
// are none.
func (h *Hist) Quantile(q float64) time.Duration {
	if h.n == 0 {
		return 0
	}
	rank := max(uint64(q*float64(h.n)+0.5), 1)
	var seen uint64
	for i, c := range h.counts {
		if seen += c; seen >= rank {
			return min(top(i), h.max)
		}
	}
	return h.max
}

func bucket(ns uint64) int {
	if ns < subBuckets {
		return int(ns)
	}
	shift := bits.Len64(ns) - subBits - 1
	return (shift+1)*subBuckets + int(ns>>shift)&(subBuckets-1)
}

// top is the longest time that falls into a bucket.
func top(i int) time.Duration {
	if i < subBuckets {
		return time.Duration(i)
	}
	shift := i/subBuckets - 1
	return time.Duration((uint64(i%subBuckets)+subBuckets+1)<<shift - 1)
}
