package worker

import (
	"testing"

	"google.golang.org/protobuf/proto"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
)

// FuzzBodies reads whatever a gateway could put into the bodies of events.
func FuzzBodies(f *testing.F) {
	facts := &gatewayv1.ConnFacts{RemoteAddr: "a", Headers: []*gatewayv1.Header{{Name: "x", Value: "y"}, {}}, OpenedUnixMs: -1}
	last := &gatewayv1.ConnContext{Facts: facts, User: "u", Groups: []string{"g"}, Session: []byte("s"), SessionVersion: 1 << 63}
	for _, m := range []proto.Message{&gatewayv1.Open{Facts: facts, DeadlineMs: 1}, last, &gatewayv1.Closed{Code: 1, By: 99, DurationMs: 1 << 63, Last: last}} {
		b, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var open gatewayv1.Open
		if proto.Unmarshal(b, &open) == nil {
			factsOf(open.GetFacts()).Values()
		}
		var context gatewayv1.ConnContext
		if proto.Unmarshal(b, &context) == nil {
			var k known
			k.learn(&context)
			if k.user != context.GetUser() || k.version != context.GetSessionVersion() || k.version > 0 && k.session == nil {
				t.Errorf("learnt %+v of %v", k, &context)
			}
		}
		var closed gatewayv1.Closed
		if proto.Unmarshal(b, &closed) == nil {
			if c := closeOf(&closed); c.By.String() == "" {
				t.Errorf("closed by nobody: %+v", c)
			}
		}
	})
}
