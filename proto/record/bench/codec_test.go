package bench

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

var (
	payloads = []int{100, 1000}
	batches  = []int{1, 16, 64, 256}
)

// someEvents are n events of as many conns, with the numbers of a busy day.
func someEvents(n, payload int) []event {
	rng := rand.New(rand.NewPCG(1, 2))
	es := make([]event, n)
	for i := range es {
		es[i] = event{conn: rng.Uint64(), term: 3, seq: 1000 + rng.Uint32N(100000), payload: make([]byte, payload)}
		for j := range es[i].payload {
			es[i].payload[j] = byte(rng.Uint32())
		}
	}
	return es
}

// Every layout brings back what was written; else its speed says nothing.
func TestLayoutsKeepEvents(t *testing.T) {
	for _, l := range layouts {
		want := someEvents(17, 100)
		want[3].binary, want[4].redelivered, want[5].payload = true, true, nil
		var got []event
		err := l.decode(l.encode(nil, want), func(e event) { got = append(got, e) })
		if err != nil || !slices.EqualFunc(got, want, same) {
			t.Errorf("%s: got %v, %v", l.name, got, err)
		}
	}
}

func same(a, b event) bool {
	return a.conn == b.conn && a.term == b.term && a.seq == b.seq && a.binary == b.binary &&
		a.redelivered == b.redelivered && string(a.payload) == string(b.payload)
}

// BenchmarkCodec is encode and decode in memory, without gRPC.
func BenchmarkCodec(b *testing.B) {
	eachSize(b, func(b *testing.B, es []event) {
		for _, l := range layouts {
			b.Run("layout="+l.name, func(b *testing.B) {
				var buf []byte
				var sum uint64
				b.ReportAllocs()
				for b.Loop() {
					buf = l.encode(buf[:0], es)
					if err := l.decode(buf, func(e event) { sum += uint64(e.seq) + uint64(len(e.payload)) }); err != nil {
						b.Fatal(err)
					}
				}
				perRecord(b, b.Elapsed().Nanoseconds(), len(es), "ns/record")
				b.ReportMetric(float64(len(buf))/float64(len(es)), "B/record")
			})
		}
	})
}

func eachSize(b *testing.B, do func(*testing.B, []event)) {
	for _, payload := range payloads {
		for _, n := range batches {
			es := someEvents(n, payload)
			b.Run(fmt.Sprintf("payload=%d/records=%d", payload, n), func(b *testing.B) { do(b, es) })
		}
	}
}

func perRecord(b *testing.B, nanos int64, records int, unit string) {
	b.ReportMetric(float64(nanos)/float64(b.N)/float64(records), unit)
}
