package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"

	"github.com/parley-im/parley/gateway"
)

// tidied is a gateway whose process gives memory back to the system when a storm of
// clients is over. What handshakes leave, and the stacks of conns that have fallen
// silent, are twice what the conns themselves hold; Go would keep it until the next
// collection, which a process that is left alone makes after two minutes.
type tidied struct{ *gateway.Gateway }

// Run serves and tidies until ctx ends.
func (t tidied) Run(ctx context.Context) error {
	tidying, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	all.Go(func() { tidy(tidying) })
	return t.Gateway.Run(ctx)
}

const (
	tidyEvery = 2 * time.Second
	// calmBytes is what a gateway allocates at most between two looks when no storm
	// goes on: 15,000 conns that answer pings stay below.
	calmBytes = 3 << 20
	// Less than one of these is not worth a collection.
	worthBytes, worthGoroutines = 16 << 20, 1000
)

// tidy looks after the process until ctx ends.
func tidy(ctx context.Context) {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	var u usage
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if u.worth(look()) {
			debug.FreeOSMemory()
			u.tidied(look())
		}
	}
}

// sight is what the runtime says of itself.
type sight struct {
	allocated  uint64 // bytes, ever
	collected  uint64 // collections, ever
	goroutines uint64
}

func look() sight {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/cycles/total:gc-cycles"}, {Name: "/sched/goroutines:goroutines"}}
	metrics.Read(s)
	return sight{allocated: s[0].Value.Uint64(), collected: s[1].Value.Uint64(), goroutines: s[2].Value.Uint64()}
}

// usage is what has gathered since the last collection.
type usage struct {
	last sight
	from uint64 // allocated when it was seen
	most uint64 // goroutines at once
	owed int    // collections: what pools hold goes with the second
}

// worth says whether it is calm and there is something to give back.
func (u *usage) worth(now sight) bool {
	quiet := now.allocated-u.last.allocated < calmBytes
	if now.collected != u.last.collected {
		u.from = u.last.allocated // it may have come at the beginning of this interval
	}
	u.most = max(u.most, now.goroutines)
	u.last = now
	if quiet && (now.allocated-u.from >= worthBytes || u.most-now.goroutines >= worthGoroutines) {
		u.owed = 2
	}
	return quiet && u.owed > 0
}

func (u *usage) tidied(now sight) {
	u.last, u.from, u.most = now, now.allocated, now.goroutines
	u.owed--
}
