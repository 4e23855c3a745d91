package link_test

import (
	"slices"
	"testing"
)

// Who has an id knows nothing of the others: numbers are drawn, not counted, and a gateway
// that is started again draws others.
func TestConnNumbersAreDrawnNotCounted(t *testing.T) {
	var all []uint64
	for range 2 { // two lives
		r := newRig(t)
		w := r.attach(script{})
		for range 32 {
			r.enter().text("x")
			e := w.message("x")
			w.done(e)
			all = append(all, e.conn)
		}
		r.end()
	}
	slices.Sort(all)
	for i, n := range all[1:] {
		if n-all[i] < 1<<32 { // by chance once in a million runs
			t.Errorf("numbers %d and %d are neighbours", all[i], n)
		}
	}
	if all[0] > 1<<62 || all[len(all)-1] < 3<<62 {
		t.Errorf("64 numbers from %d to %d", all[0], all[len(all)-1])
	}
}
