package inbox_test

import (
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/worker/internal/inbox"
)

// BenchmarkDispatch is the way of an event from the link to its handler and back,
// with an empty handler: what the inbox itself costs.
func BenchmarkDispatch(b *testing.B) {
	for _, conns := range []int{1, 1000} {
		b.Run(map[int]string{1: "conns=1", 1000: "conns=1000"}[conns], func(b *testing.B) {
			crew := newCrew(b, 10*time.Second, 0)
			var stats inbox.Stats
			var left sync.WaitGroup
			box := inbox.New(crew, &stats, func(s *inbox.Seat, e *inbox.Event) {
				ctx := new(inbox.Ctx)
				if s.Begin(ctx, e) {
					s.End(ctx, e)
				}
				left.Done()
			})
			body := make([]byte, 100)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				left.Add(1)
				e := inbox.Event{Kind: record.KindMessage, Conn: uint64(n % conns), Term: 1, Seq: uint32(n), Body: body}
				if err := box.Put(&e); err != nil {
					b.Fatal(err)
				}
				if n++; n%16 == 0 {
					left.Wait()
				}
			}
			left.Wait()
		})
	}
}
