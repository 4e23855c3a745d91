package worker_test

import (
	"encoding/json"
	"testing"

	"github.com/parley-im/parley/proto/fault"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/worker"
)

func TestJSONOfAMessageIsProtobufsAndAlwaysTheSame(t *testing.T) {
	m := &gatewayv1.UserConns{User: "ann", Conns: []uint64{1<<53 + 1}}
	for range 20 {
		if got := string(worker.JSON(m).Payload()); got != `{"user":"ann","conns":["9007199254740993"]}` {
			t.Fatalf("got %s", got)
		}
	}
	if got := string(worker.JSON(struct{ A int }{7}).Payload()); got != `{"A":7}` {
		t.Errorf("got %s", got)
	}
}

func TestJSONThatIsNotUTF8IsRefused(t *testing.T) {
	// encoding/json passes on what a json.RawMessage holds.
	f := worker.JSON(map[string]any{"x": json.RawMessage("\"\xff\"")})
	if fault.CodeOf(f.Err()) != fault.Invalid {
		t.Errorf("%q: %v", f.Payload(), f.Err())
	}
}

func TestFormsOfAFrame(t *testing.T) {
	f := worker.Text("a")
	two := f.For("x", worker.Binary([]byte("b")))
	if f.Err() != nil || two.Err() != nil || two.IsBinary() || string(two.Payload()) != "a" {
		t.Errorf("%v, %v", f, two)
	}
	for name, bad := range map[string]worker.Frame{
		"a fifth": two.For("y", f).For("z", f).For("w", f), "without a name": f.For("", f), "of a bad one": f.For("x", worker.Text("\xff")),
	} {
		if fault.CodeOf(bad.Err()) != fault.Invalid {
			t.Errorf("%s: %v", name, bad.Err())
		}
	}
	if worker.Text([]byte("bytes")).Err() != nil {
		t.Error("text of bytes")
	}
}
