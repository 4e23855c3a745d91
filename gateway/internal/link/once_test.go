package link_test

import (
	"testing"

	"github.com/parley-im/parley/proto/record"
)

// A client repeats a message because its friend was not there: when the friend
// has come, the repeat must not pass for one that was delivered.
func TestOnceKeyThatReachedNobodyIsNotUsedUp(t *testing.T) {
	r := newRig(t)
	w := r.attach(script{})
	s := record.Send{Target: record.ToUsers, Names: []string{"late"}, Once: record.Once{7}, WantResult: true, Bodies: text("hello")}
	if got := w.result(w.send(s)); got.GetHit() != 0 || got.GetDuplicate() {
		t.Errorf("to nobody: got %v", got)
	}
	clients, _ := r.crowd(w, "late")
	if got := w.result(w.send(s)); got.GetHit() != 1 || got.GetDuplicate() {
		t.Errorf("to somebody: got %v", got)
	}
	clients[0].expect("hello")
	if got := w.result(w.send(s)); got.GetHit() != 0 || !got.GetDuplicate() {
		t.Errorf("repeated: got %v", got)
	}
}
