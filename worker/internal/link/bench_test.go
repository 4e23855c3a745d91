package link

import (
	"fmt"
	"math"
	"testing"

	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/worker/internal/route"
)

// BenchmarkSend looks the routes up and writes the commands into the logs, with all
// gateways in step. The logs are taken from and applied as a stream would.
func BenchmarkSend(b *testing.B) {
	for _, gateways := range []int{8, 50} {
		for _, on := range []int{1, 3} {
			b.Run(fmt.Sprintf("gateways=%d/recipients-on=%d", gateways, on), func(b *testing.B) {
				m := testMesh(gateways)
				names := make([][]string, 1000)
				for i := range names {
					names[i] = []string{fmt.Sprintf("group-%d", i)}
					for k := range on {
						m.table.Set((i+k*7)%gateways, route.Group, []byte(names[i][0]), true)
					}
				}
				for _, g := range m.Gateways() {
					g.lease.Store(math.MaxInt64)
				}
				rec := record.Send{Target: record.ToGroups, Class: record.Must, Bodies: []record.Body{{Payload: make([]byte, 100)}}}
				var plan Plan
				b.ReportAllocs()
				n := 0
				for b.Loop() {
					m.Reach(&plan, route.Group, names[n%len(names)])
					if len(plan.Shares) != on {
						b.Fatalf("%d gateways", len(plan.Shares))
					}
					for _, s := range plan.Shares {
						rec.Names = s.Names
						if err := s.To.TrySend(&rec, nil); err != nil {
							b.Fatal(err)
						}
					}
					if n++; n%64 == 0 {
						for _, g := range m.Gateways() {
							for g.log.take() != nil {
							}
							g.log.apply(math.MaxUint64)
						}
					}
				}
			})
		}
	}
}

// BenchmarkDone writes acknowledgements with a reply of 100 bytes into a log.
func BenchmarkDone(b *testing.B) {
	l := newOutlog(nil, DefaultRetain)
	l.attach(0, nil)
	var replies record.Replies
	if err := replies.Append(record.Reply{Payload: make([]byte, 100)}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	n := uint32(0)
	for b.Loop() {
		if err := l.done(record.Done{Conn: 1, Term: 1, Seq: n, Replies: replies}); err != nil {
			b.Fatal(err)
		}
		if n++; n%64 == 0 {
			for l.take() != nil {
			}
		}
	}
}
