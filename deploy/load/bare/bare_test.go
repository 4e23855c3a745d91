package bare

import (
	"bytes"
	"testing"

	"github.com/parley-im/parley/deploy/load/crowd"
)

func TestClientsFramesAreUnmasked(t *testing.T) {
	for _, size := range []int{0, 1, 7, 8, 9, 100, 125, 126, 5000} {
		want := bytes.Repeat([]byte("abcdefghi"), size/9+1)[:size]
		b := append(crowd.AppendText(nil, want), "next"...)
		for _, n := range []int{0, 5, len(b) - 5} {
			if _, _, ok := unmask(bytes.Clone(b[:n])); ok {
				t.Errorf("%d bytes: the first %d of %d are a whole frame", size, n, len(b)-4)
			}
		}
		payload, rest, ok := unmask(b)
		if !ok || !bytes.Equal(payload, want) || string(rest) != "next" {
			t.Errorf("%d bytes: %d came, rest %q, whole %v", size, len(payload), rest, ok)
		}
	}
}
