package link

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/parley-im/parley/proto/record/linkcodec"
)

func note(text string) func([]byte) []byte {
	return func(dst []byte) []byte { return append(dst, text...) }
}

func TestOutboxKeepsOrderAndClosesBatches(t *testing.T) {
	o := newOutbox(1<<20, func() { t.Error("overflow") })
	var want, got []byte
	var spare []linkcodec.Batch
	for round := range 3 {
		for i := range 2000 {
			text := fmt.Sprintf("round %d record %d of about a hundred bytes %050d;", round, i, 0)
			want = append(want, text...)
			if !o.add(note(text)) {
				t.Fatal("refused")
			}
		}
		batches := o.take(t.Context(), spare)
		if len(batches) < 2 {
			t.Errorf("batches: got %d for %d bytes", len(batches), len(want))
		}
		for i := range batches {
			got = append(got, batches[i].Records...)
			if len(batches[i].Records) > batchBytes+200 {
				t.Errorf("a batch of %d bytes", len(batches[i].Records))
			}
			o.sent(len(batches[i].Records))
			batches[i].Release()
		}
		spare = batches
	}
	if !bytes.Equal(got, want) {
		t.Error("what came out is not what went in")
	}
	if o.bytes != 0 {
		t.Errorf("counted %d bytes, want 0", o.bytes)
	}
}

// What an outbox refused once is missing in the stream: nothing may follow it,
// although there is room again.
func TestFullOutboxTakesNothingAnyMore(t *testing.T) {
	overflows := 0
	o := newOutbox(100, func() { overflows++ })
	for o.add(note("a record of some 30 bytes or so")) {
	}
	batches := o.take(t.Context(), nil)
	for i := range batches {
		o.sent(len(batches[i].Records))
		batches[i].Release()
	}
	for range 2 {
		if !o.add(note("too late")) {
			continue
		}
		t.Error("a record was taken behind one that was refused")
	}
	if overflows != 1 {
		t.Errorf("overflows: got %d, want 1", overflows)
	}
	if batches := o.take(t.Context(), nil); batches != nil {
		t.Errorf("take: got %d batches, want the end", len(batches))
	}
}

func TestOutboxBoundCountsWhatIsTakenAndNotSent(t *testing.T) {
	full := false
	o := newOutbox(100, func() { full = true })
	o.add(note(fmt.Sprintf("%0101d", 0)))
	taken := o.take(t.Context(), nil)
	if o.add(note("x")); !full {
		t.Error("what is taken and not sent is not counted")
	}
	taken[0].Release()
}

func TestDropWakesTheSender(t *testing.T) {
	o := newOutbox(100, func() {})
	var all sync.WaitGroup
	all.Go(func() {
		for batches := o.take(t.Context(), nil); batches != nil; batches = o.take(t.Context(), nil) {
			for i := range batches {
				batches[i].Release()
			}
		}
	})
	o.add(note("x"))
	o.drop()
	all.Wait()
	if o.add(note("y")) {
		t.Error("a dropped outbox takes records")
	}
}

func BenchmarkOutbox(b *testing.B) {
	for _, n := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			o := newOutbox(maxOutboxBytes, func() {})
			record := bytes.Repeat([]byte{'x'}, 120)
			var spare []linkcodec.Batch
			b.ReportAllocs()
			for b.Loop() {
				for range n {
					o.add(func(dst []byte) []byte { return append(dst, record...) })
				}
				spare = o.take(b.Context(), spare)
				for i := range spare {
					o.sent(len(spare[i].Records))
					spare[i].Release()
				}
			}
		})
	}
}
