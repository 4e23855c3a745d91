package verify

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Kind is what happens to a worker.
type Kind string

// The faults. Long means longer than the gateways' patience, so that the conns
// move; short means that they must not need to.
const (
	KillFast    Kind = "kill, restart at once"
	KillSlow    Kind = "kill, restart later than patience"
	Terminate   Kind = "SIGTERM, restart"
	FreezeShort Kind = "SIGSTOP, short"
	FreezeLong  Kind = "SIGSTOP, longer than patience"
	CutShort    Kind = "packets dropped, short"
	CutLong     Kind = "packets dropped, longer than patience"
	DeafLong    Kind = "packets to the worker dropped, long"
	MuteLong    Kind = "packets of the worker dropped, long"
)

// Fault is one entry of a schedule.
type Fault struct {
	At     time.Duration // since the traffic began
	Kind   Kind
	Worker int
	For    time.Duration // until it is mended: thawed, healed, started again
}

func (f Fault) String() string {
	return fmt.Sprintf("%7.2fs worker-%d: %s (%v)", f.At.Seconds(), f.Worker+1, f.Kind, f.For.Round(time.Millisecond))
}

// cuts reports whether the fault drops packets.
func (k Kind) cuts() bool { return k == CutShort || k == CutLong || k == DeafLong || k == MuteLong }

// lasts draws how long a fault of that kind goes on.
func (k Kind) lasts(r *rand.Rand, patience time.Duration) time.Duration {
	between := func(a, b float64) time.Duration {
		return time.Duration((a + r.Float64()*(b-a)) * float64(patience))
	}
	switch k {
	case KillFast, Terminate:
		return 0
	case FreezeShort, CutShort:
		return between(0.2, 0.7)
	case CutLong, DeafLong, MuteLong:
		return between(1.3, 3.2) // also longer than the worker's own patience
	default:
		return between(1.3, 2.2)
	}
}

// Schedule draws n faults from a seed. Every kind comes before one comes again,
// in an order of its own each time; a worker has one fault at a time, and of
// several workers one is always left alone, except that once in a while all are
// killed together.
func Schedule(seed uint64, n, workers int, patience time.Duration, cuts bool) []Fault {
	r := rand.New(rand.NewPCG(seed, 0x7061726c6579))
	free := make([]time.Duration, workers) // when the last fault of each is over
	var list []Fault
	var bag []Kind
	at := time.Second
	for len(list) < n {
		if len(list) > 0 && len(list)%20 == 0 && n-len(list) >= workers {
			for w := range workers {
				at = max(at, free[w])
			}
			for w := range workers {
				list = append(list, Fault{At: at, Kind: KillFast, Worker: w})
				free[w] = at + recovery
			}
			at += recovery
			continue
		}
		if len(bag) == 0 {
			bag = kinds(cuts)
			r.Shuffle(len(bag), func(i, j int) { bag[i], bag[j] = bag[j], bag[i] })
		}
		kind := bag[0]
		bag = bag[1:]
		at += time.Duration(300+r.IntN(900)) * time.Millisecond
		w := pick(r, free, &at)
		f := Fault{At: at, Kind: kind, Worker: w, For: kind.lasts(r, patience)}
		list = append(list, f)
		free[w] = at + f.For + recovery
	}
	return list
}

// recovery is the time a worker is left alone after a fault, so that it takes
// part again before the next one.
const recovery = 1500 * time.Millisecond

func kinds(cuts bool) []Kind {
	all := []Kind{KillFast, KillSlow, Terminate, FreezeShort, FreezeLong, KillFast}
	if cuts {
		all = append(all, CutShort, CutLong, DeafLong, MuteLong)
	}
	return all
}

// pick chooses a worker that has no fault at that moment and leaves another one
// alone; it moves the moment until there is one.
func pick(r *rand.Rand, free []time.Duration, at *time.Duration) int {
	for {
		var idle []int
		for w, until := range free {
			if until <= *at {
				idle = append(idle, w)
			}
		}
		if len(idle) > 1 || len(idle) == len(free) {
			return idle[r.IntN(len(idle))]
		}
		*at += 100 * time.Millisecond
	}
}
