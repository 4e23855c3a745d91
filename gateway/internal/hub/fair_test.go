package hub

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/parley-im/parley/gateway/internal/frame"
)

// Whatever a send to many names, the processor is offered to others while it goes
// on: a goroutine that was ready at its beginning has run long before its end,
// also on a machine with one processor.
func TestEverySendToManyLetsOthersRun(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const size = 20_000 // 312 to a shard, less than what one offer is made for
	h := New(Config{})
	var left, ran atomic.Int64
	var before atomic.Bool // the other ran before the send was half done
	on := func(*frame.Frame) {
		if left.Add(-1) == size/2 && ran.Load() > 0 {
			before.Store(true)
		}
	}
	users, groups := new(names), new(names)
	var ids []uint64
	for id := range uint64(size) {
		c := NewConn(id, &sink{on: on})
		if err := h.Add(c); err != nil {
			t.Fatal(err)
		}
		bind(t, h, c, fmt.Sprint("user ", id))
		join(t, h, c, fmt.Sprint("group of ten ", id/10))
		join(t, h, c, "huge")
		ids = append(ids, id)
		users.list = append(users.list, fmt.Append(nil, "user ", id))
		if id%10 == 0 {
			groups.list = append(groups.list, fmt.Append(nil, "group of ten ", id/10))
		}
	}
	for name, send := range map[string]func() Tally{
		"SendAll":    func() Tally { return h.SendAll(aFrame, nil) },
		"SendGroup":  func() Tally { return h.SendGroup("huge", aFrame, nil) },
		"SendGroups": func() Tally { return h.SendGroups(groups, aFrame, nil, nil) },
		"SendUsers":  func() Tally { return h.SendUsers(users, aFrame, nil, nil) },
		"SendConns":  func() Tally { return h.SendConns(ids, aFrame, nil) },
	} {
		left.Store(size)
		ran.Store(0)
		before.Store(false)
		done := make(chan struct{})
		go func() { ran.Add(1); close(done) }()
		if tally := send(); tally.Hit != size {
			t.Errorf("%s: got %+v, want %d hits", name, tally, size)
		}
		if !before.Load() {
			t.Errorf("%s: nobody else ran before half of it was done", name)
		}
		<-done
	}
}
