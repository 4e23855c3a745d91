package link

import (
	"fmt"
	"testing"
	"time"
)

func TestUsersMoveOnlyToWhoComesAndFromWhoGoes(t *testing.T) {
	const people = 5000
	l := newLink(t)
	for _, node := range []string{"a", "b", "c", "d"} {
		hire(l, node, time.Hour, nil)
	}
	before := l.pool("")
	fresh := hire(l, "e", time.Hour, nil)
	after := l.pool("")
	counts := map[string]int{}
	for i := range people {
		user := fmt.Sprint("user", i)
		was, is := before.home(user), after.home(user)
		if was != is && is != fresh {
			t.Fatalf("%s moved from %s to %s", user, was.peer.Node, is.peer.Node)
		}
		counts[is.peer.Node]++
	}
	for node, n := range counts {
		if n < people/5*8/10 || n > people/5*12/10 {
			t.Errorf("%s has %d of %d users", node, n, people)
		}
	}
}

func TestHomesGoByWeight(t *testing.T) {
	const people = 5000
	l := newLink(t)
	large := hire(l, "large", time.Hour, map[string]string{WeightLabel: "3"})
	hire(l, "small", time.Hour, nil)
	n := 0
	for i := range people {
		if l.pool("").home(fmt.Sprint("user", i)) == large {
			n++
		}
	}
	if n < people*70/100 || n > people*80/100 {
		t.Errorf("weight 3 of 4: %d of %d users", n, people)
	}
}

// The numbers are part of the protocol: gateways of other builds must agree.
func TestHomesAreThoseOfThePage(t *testing.T) {
	for _, c := range []struct {
		node, user string
		want       string
	}{
		{"w-1", "liubei", "0.185702150523538"}, {"w-2", "liubei", "0.239236757021053"}, {"w-1", "", "0.793339024539035"},
	} {
		if got := fmt.Sprintf("%.15f", unit(fnv1a(fnvStart, c.node), c.user)); got != c.want {
			t.Errorf("%s, %q: got %s, want %s", c.node, c.user, got, c.want)
		}
	}
}
