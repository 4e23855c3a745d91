package worker

import (
	"testing"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
)

func FuzzPosition(f *testing.F) {
	p := position{of: gatewayv1.Listed_LISTED_CONNS, begun: 9, open: []place{{boot: 3, node: "gw-1", cursor: []byte{1, 2}}, {boot: 9}}}
	f.Add(p.String())
	f.Add(position{of: gatewayv1.Listed_LISTED_CONNS}.String())
	f.Add("AQE")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePosition(text, gatewayv1.Listed_LISTED_CONNS)
		if err != nil || text == "" {
			return
		}
		again, err := parsePosition(p.String(), gatewayv1.Listed_LISTED_CONNS)
		if err != nil || again.String() != p.String() {
			t.Errorf("read from %q, written as %q, then %v", text, p.String(), err)
		}
	})
}
