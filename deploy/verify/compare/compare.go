// Package compare holds what was sent against what came back. It looks at the
// frames as they came, repeats included: nothing is removed before it is counted.
package compare

import (
	"slices"
	"time"

	"github.com/parley-im/parley/deploy/client"
)

// Findings are what a comparison found, summed over all conns. Anything but zero
// in Lost, Unanswered, Doubled, Swapped, Strange or Dropped is a broken promise.
type Findings struct {
	Tapes    int `json:"tapes"` // one for each stream of numbers: a conn may have several
	Sent     int `json:"sent"`
	Received int `json:"received"` // repeats included

	Lost       int `json:"lost"`       // never came, although a later one did
	Unanswered int `json:"unanswered"` // never came, and nothing after it did
	Doubled    int `json:"doubled"`    // came again
	Swapped    int `json:"swapped"`    // came for the first time after a later one
	Strange    int `json:"strange"`    // came, but was never sent by this conn
	Dropped    int `json:"dropped"`    // sockets that ended although nobody wanted it

	Pause     time.Duration `json:"longestPauseNs"` // longest wait from sending to the first reply
	PauseConn string        `json:"longestPauseConn"`
	P50       time.Duration `json:"p50Ns"`
	P99       time.Duration `json:"p99Ns"`
	Answerers int           `json:"answerers"` // different processes that answered

	First *Broken `json:"firstBroken,omitempty"`
}

// Clean reports whether every promise was kept and something was sent at all.
func (f Findings) Clean() bool {
	return f.Sent > 0 && f.Lost+f.Unanswered+f.Doubled+f.Swapped+f.Strange+f.Dropped == 0
}

// Broken counts what was found wrong.
func (f Findings) Broken() int {
	return f.Lost + f.Unanswered + f.Doubled + f.Swapped + f.Strange + f.Dropped
}

// Logs compares the two sides of every log.
func Logs(logs []client.Log) Findings {
	f := Findings{Tapes: len(logs)}
	answerers := map[string]bool{}
	var waits []time.Duration
	for i := range logs {
		waits = f.add(&logs[i], answerers, waits)
	}
	slices.Sort(waits)
	if n := len(waits); n > 0 {
		f.P50, f.P99 = waits[n/2], waits[n*99/100]
	}
	f.Answerers = len(answerers)
	return f
}

// add counts one log and appends how long its frames waited.
func (f *Findings) add(log *client.Log, answerers map[string]bool, waits []time.Duration) []time.Duration {
	f.Sent += len(log.Sent)
	f.Received += len(log.Got)
	times := make([]int, len(log.Sent)+1) // by number; sent numbers are 1, 2, 3 …
	highest := uint64(0)
	for _, got := range log.Got {
		if got.By != "" {
			answerers[got.By] = true
		}
		switch {
		case got.N == 0 || got.N > uint64(len(log.Sent)):
			f.Strange++
			f.broke(log, "strange", got.N, got.At)
			continue
		case times[got.N] > 0:
			f.Doubled++
			f.broke(log, "doubled", got.N, got.At)
		default:
			if got.N < highest {
				f.Swapped++
				f.broke(log, "swapped", got.N, got.At)
			}
			wait := got.At - log.Sent[got.N-1].At
			waits = append(waits, wait)
			if wait > f.Pause {
				f.Pause, f.PauseConn = wait, log.Name
			}
		}
		times[got.N]++
		highest = max(highest, got.N)
	}
	for _, sent := range log.Sent {
		switch {
		case times[sent.N] > 0:
		case sent.N < highest:
			f.Lost++
			f.broke(log, "lost", sent.N, sent.At)
		default:
			f.Unanswered++
			f.broke(log, "unanswered", sent.N, sent.At)
		}
	}
	if len(log.Odd) > 0 {
		f.Strange += len(log.Odd)
		f.broke(log, "strange", 0, 0)
	}
	if log.Ended != "" {
		f.Dropped++
		f.broke(log, "dropped: "+log.Ended, highest, log.EndedAt)
	}
	return waits
}
