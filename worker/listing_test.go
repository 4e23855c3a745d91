package worker

import (
	"fmt"
	"testing"
)

// Two gateways of one node, one after the other, may be lost to a list.
func TestLostOfAListIsTheSameWhenAskedAgain(t *testing.T) {
	l := &Listing[string]{lost: []string{"b", "a", "b"}}
	for range 2 {
		if got := fmt.Sprintf("%q", l.Lost()); got != `["a" "b"]` {
			t.Errorf("got %s", got)
		}
	}
}
