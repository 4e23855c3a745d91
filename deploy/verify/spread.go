package verify

import (
	"fmt"
	"math"
	"time"
)

// The laws of a drain and of a shed; docs/operating.md tells them. Each returns what is
// broken, "" for nothing.

// sigmas is four standard deviations of how many of n come to a part of p: what chance
// exceeds sixty times in a million.
func sigmas(n int, p float64) float64 { return 4 * math.Sqrt(float64(n)*p*(1-p)) }

// slices is into how many parts a window is cut to look at its pace.
const slicesOfWindow = 6

// paced holds the closes of one gateway against the window they are to be spread over: they
// take most of it and not much more, and none of its sixths has more than twice its part.
// They are even when they leave; how long each takes to be seen is the machine's.
func paced(moves []move, window time.Duration) string {
	if len(moves) == 0 {
		return "nobody was asked to move"
	}
	first, last := moves[0].at, moves[len(moves)-1].at
	if took := last - first; took < window*3/4 || took > window+2*time.Second {
		return fmt.Sprintf("the closes took %v, want about the window of %v", took.Round(time.Millisecond), window)
	}
	var n [slicesOfWindow + 1]int
	for _, m := range moves {
		n[min(int((m.at-first)*slicesOfWindow/window), slicesOfWindow)]++
	}
	for i, k := range n {
		if k > 2*len(moves)/slicesOfWindow+2 {
			return fmt.Sprintf("%d of %d were closed in part %d of the window; all: %v", k, len(moves), i+1, n)
		}
	}
	return ""
}

// delayed holds the delays in the reasons against the window: each quarter of it has its
// part, as by lot, and nobody is to stay away for longer.
func delayed(moves []move, window time.Duration) string {
	var n [4]int
	for _, m := range moves {
		if m.delay >= max(window, time.Millisecond) {
			return fmt.Sprintf("somebody was to stay away for %v, the window is %v", m.delay, window)
		}
		n[m.delay*4/window]++
	}
	for _, k := range n {
		if off := math.Abs(float64(k) - float64(len(moves))/4); off > sigmas(len(moves), 0.25) {
			return fmt.Sprintf("the delays by quarter of the window are %v, want %d ± %.0f each", n, len(moves)/4, sigmas(len(moves), 0.25))
		}
	}
	return ""
}

// patient holds when clients were back against what they were told.
func patient(moves []move) string {
	for _, m := range moves {
		switch {
		case m.back == 0:
			return "somebody is not back"
		case m.back-m.at < m.delay:
			return fmt.Sprintf("somebody who was to stay away for %v was back after %v", m.delay, m.back-m.at)
		case m.to == m.from:
			return "somebody is back where he came from"
		}
	}
	return ""
}

// level holds the counts of gateways against what each is to have, when so many have come
// and each was as likely to get one.
func level(counts map[string]int, gateways []string, each float64, came int) string {
	tolerance := max(sigmas(came, 1/float64(len(gateways))), 1)
	for _, g := range gateways {
		if off := math.Abs(float64(counts[g]) - each); off > tolerance {
			return fmt.Sprintf("%s has %d, want %.0f ± %.0f; all: %v", g, counts[g], each, tolerance, counts)
		}
	}
	return ""
}
