package worker

import (
	"sync/atomic"
	"time"
)

// bounds are the upper ends of the buckets of a histogram; what is longer goes
// into one more.
var bounds = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

// Histogram is how often something took how long.
type Histogram struct {
	Count   int64
	Sum     time.Duration
	Buckets []Bucket // from the shortest; what took longer than all is in Count only
}

// Bucket counts what took at most UpTo, shorter ones included.
type Bucket struct {
	UpTo  time.Duration
	Count int64
}

type histogram struct {
	buckets [len(bounds) + 1]atomic.Int64
	sum     atomic.Int64
}

func (h *histogram) observe(d time.Duration) {
	i := 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	h.buckets[i].Add(1)
	h.sum.Add(int64(d))
}

func (h *histogram) read() Histogram {
	r := Histogram{Sum: time.Duration(h.sum.Load()), Buckets: make([]Bucket, len(bounds))}
	for i := range h.buckets {
		r.Count += h.buckets[i].Load()
		if i < len(bounds) {
			r.Buckets[i] = Bucket{UpTo: bounds[i], Count: r.Count}
		}
	}
	return r
}
