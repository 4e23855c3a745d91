package chat

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Role is what a fault strikes.
type Role string

// The roles.
const (
	Workers   Role = "worker"
	Gateways  Role = "gateway"
	Registers Role = "register"
	NATS      Role = "nats"
	Database  Role = "database"
	People    Role = "people"
)

// Kind is what happens to it.
type Kind string

// The faults.
const (
	Kill     Kind = "kill, restart at once"
	KillLong Kind = "kill, restart later"
	Stop     Kind = "SIGTERM, restart"
	Shed     Kind = "sheds half"
	Freeze   Kind = "SIGSTOP"
	Halt     Kind = "stands still at its fault point"
	Down     Kind = "connections cut and refused" // of a server that is not ours
	Stuck    Kind = "no byte passes"              // of a server that is not ours
	Locked   Kind = "another holds the write lock"
	Lift     Kind = "every third loses the network" // for a moment
	Blackout Kind = "all lose the network"
)

// Fault is one entry of a schedule.
type Fault struct {
	At    time.Duration // since the traffic began
	Role  Role
	Index int // of several
	Kind  Kind
	For   time.Duration // until it is mended: thawed, let through, started again
}

func (f Fault) String() string {
	return fmt.Sprintf("%7.2fs %s-%d: %s (%v)", f.At.Seconds(), f.Role, f.Index+1, f.Kind, f.For.Round(time.Millisecond))
}

// may says what can happen to each role, how often in a bag of faults, and for how
// long at most. Gateways are what people hang on, and workers what the rest is about.
var may = []struct {
	role    Role
	kind    Kind
	times   int
	longest time.Duration
}{
	{Workers, Kill, 4, 0},
	{Workers, KillLong, 2, 4 * time.Second},
	{Workers, Stop, 2, 0},
	{Workers, Freeze, 3, 4 * time.Second},
	{Gateways, Kill, 2, 0},
	{Gateways, Stop, 1, 0},
	{Gateways, Shed, 1, 0},
	{Registers, Kill, 1, 0},
	{NATS, Kill, 1, 2 * time.Second},
	{NATS, Freeze, 1, 2 * time.Second},
	{Database, Down, 1, 2 * time.Second},
	{Database, Stuck, 1, 1500 * time.Millisecond},
	{People, Lift, 2, 0},
}

// recovery is how long what was struck is left alone afterwards.
const recovery = 2 * time.Second

// Counts are how many there are of a role.
type Counts map[Role]int

// Schedule draws n faults from a seed. Every kind comes as often as its share before
// one comes again; one of each role is always left alone if there are several.
func Schedule(seed uint64, n int, counts Counts) []Fault {
	r := rand.New(rand.NewPCG(seed, 0x63686174))
	free := map[Role][]time.Duration{}
	for role, many := range counts {
		free[role] = make([]time.Duration, many)
	}
	var list []Fault
	var bag []int
	at, gateway := time.Second, 0
	for len(list) < n {
		if len(bag) == 0 {
			for i, m := range may {
				for range m.times {
					bag = append(bag, i)
				}
			}
			r.Shuffle(len(bag), func(i, j int) { bag[i], bag[j] = bag[j], bag[i] })
		}
		m := may[bag[0]]
		bag = bag[1:]
		if counts[m.role] == 0 {
			continue
		}
		at += time.Duration(400+r.IntN(1800)) * time.Millisecond
		f := Fault{Role: m.role, Kind: m.kind, Index: pick(r, free[m.role], &at)}
		if m.role == Gateways {
			// In turn: people do not go back by themselves to one that was started again.
			f.Index = gateway % counts[Gateways]
			gateway++
			at = max(at, free[Gateways][f.Index], free[Gateways][(f.Index+1)%counts[Gateways]])
		}
		if m.longest > 0 {
			f.For = time.Duration((0.3 + 0.7*r.Float64()) * float64(m.longest))
		}
		f.At = at
		list = append(list, f)
		free[m.role][f.Index] = at + f.For + recovery
	}
	return list
}

// pick chooses one that has no fault at that moment and leaves another one alone; it
// moves the moment until there is one.
func pick(r *rand.Rand, free []time.Duration, at *time.Duration) int {
	for {
		var idle []int
		for i, until := range free {
			if until <= *at {
				idle = append(idle, i)
			}
		}
		if len(idle) > 1 || len(idle) == len(free) {
			return idle[r.IntN(len(idle))]
		}
		*at += 100 * time.Millisecond
	}
}
