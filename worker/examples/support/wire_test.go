package main

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/parley-im/parley/worker/examples/clustertest"
)

// TestATalkGoesOnWhileWorkersAreKilled kills the worker processes in turn, as kill -9 does,
// in the moment in which something has been said or done.
func TestATalkGoesOnWhileWorkersAreKilled(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{Workers: -1}, nil)
	file := filepath.Join(t.TempDir(), "support.db")
	start := func() *clustertest.Process {
		return c.Process(t, "--database", file, "--desk-key", "sesame")
	}
	workers, turn := []*clustertest.Process{start(), start()}, 0
	kill := func() {
		workers[turn%2].Kill()
		workers[turn%2] = start()
		turn++
	}

	ann, eve := at(t, c.URLs[0], visitor("ann")), at(t, c.URLs[1], visitor("eve"))
	ann.say(ask("1", "is there tea?"))
	kill()
	ann.sees("waiting", "", ": is there tea?")
	eve.say(ask("1", "and coffee?"))
	eve.sees("waiting", "", ": and coffee?")
	eve.until("is the second in the queue", func() bool { return eve.before == 1 })

	bob, cid := at(t, c.URLs[0], agent("bob", "sesame")), at(t, c.URLs[1], agent("cid", "sesame"))
	talk := bob.sees("waiting", "", ": is there tea?").ID
	bob.say(act("take", talk, ""))
	kill()
	ann.sees("open", "bob", ": is there tea?")
	eve.until("is the first in the queue", func() bool { return eve.before == 0 })
	bob.say(answer(talk, "1", "there is <b>"))
	ann.say(ask("2", "好"))
	kill()
	ann.until("has both lines", func() bool { return len(ann.talks[talk].Lines) == 3 }) // in either order
	var whole []string
	for _, l := range ann.talks[talk].Lines {
		whole = append(whole, l.By+": "+l.Text)
	}
	if got := slices.Sorted(slices.Values(whole)); !slices.Equal(got, []string{": is there tea?", ": 好", "bob: there is <b>"}) {
		t.Fatalf("it was said %q", whole)
	}

	bob.until("sees cid", func() bool { return len(bob.agents) == 2 })
	bob.say(act("transfer", talk, `,"to":"cid"`))
	kill()
	cid.sees("open", "cid", whole...)
	ann.sees("open", "cid", whole...)
	cid.say(act("close", talk, ""))
	kill()
	ann.sees("closed", "cid", whole...)
	bob.sees("closed", "cid", whole...)

	// Eve goes without an answer, and finds it when she comes back, at another gateway.
	second := cid.sees("waiting", "", ": and coffee?").ID
	cid.say(act("take", second, ""))
	cid.say(answer(second, "1", "no coffee"))
	kill()
	cid.sees("open", "cid", ": and coffee?", "cid: no coffee")
	at(t, c.URLs[0], visitor("eve")).sees("open", "cid", ": and coffee?", "cid: no coffee")
}
