package hist

import (
	"math"
	"testing"
	"time"
)

func TestQuantilesAreHardlyTooLong(t *testing.T) {
	var h Hist
	for i := range 10_000 {
		h.Add(time.Duration(i+1) * time.Microsecond)
	}
	for q, want := range map[float64]time.Duration{0.5: 5 * time.Millisecond, 0.99: 9900 * time.Microsecond, 1: 10 * time.Millisecond} {
		got := h.Quantile(q)
		if got < want || float64(got) > 1.016*float64(want) {
			t.Errorf("quantile %g: %v, want %v or 1.6%% more", q, got, want)
		}
	}
	if h.Count() != 10_000 || h.Max() != 10*time.Millisecond {
		t.Errorf("%d times, the longest %v", h.Count(), h.Max())
	}
}

func TestEveryTimeHasItsBucket(t *testing.T) {
	for _, ns := range []uint64{0, 1, 63, 64, 65, 127, 128, 1 << 20, 1<<20 + 1<<14, math.MaxInt64} {
		i := bucket(ns)
		if i >= buckets || top(i) < time.Duration(ns) || float64(top(i)) > 1.016*float64(ns) {
			t.Errorf("%d ns: bucket %d of %d, which ends at %d", ns, i, buckets, top(i))
		}
	}
	var h Hist
	h.Add(-time.Second)
	if got := h.Quantile(0.5); got != 0 {
		t.Errorf("a negative time counts as %v", got)
	}
	if got := new(Hist).Quantile(0.99); got != 0 {
		t.Errorf("quantile of nothing: %v", got)
	}
}
