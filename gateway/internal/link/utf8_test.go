package link_test

import (
	"testing"

	"github.com/parley-im/parley/proto/record"
)

// The names of a send are bytes, those of its result protobuf strings. A user
// whose name is no UTF-8, as a client may have said it, ended the whole gateway.
func TestOfflineUserWhoseNameIsNoText(t *testing.T) {
	r := newRig(t)
	w := r.attach(script{})
	got := w.result(w.send(record.Send{Target: record.ToUsers, Names: []string{"a\xff", "b"}, WantResult: true, Bodies: text("hello")}))
	if got.GetMissed() != 2 || len(got.GetOffline()) != 1 || got.GetOffline()[0] != "b" {
		t.Errorf("got %v, want 2 missed and b named", got)
	}
}
