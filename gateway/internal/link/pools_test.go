package link_test

import (
	"testing"
	"time"
)

// Everybody here asks for /chat.
func TestConnsGoToTheWorkersOfTheirPath(t *testing.T) {
	r := newRig(t)
	others := []*worker{
		r.attach(script{node: "rest"}), r.attach(script{node: "longer word", path: "/chatter"}), r.attach(script{node: "below", path: "/chat/room"}),
	}
	mine := r.attach(script{node: "mine", path: "/chat/"})
	r.serving(4)
	for range 8 {
		r.enter().text("hello")
		mine.message("hello")
	}
	for _, w := range others {
		if len(w.events) > 0 {
			t.Errorf("%s got an event", w.script.node)
		}
	}
}

func TestAConnWaitsForTheWorkersOfItsPath(t *testing.T) {
	r := newRig(t)
	rest := r.attach(script{node: "rest"})
	mine := r.attach(script{node: "mine", path: "/chat"})
	r.serving(2)
	c := r.enter()
	mine.end()
	r.serving(1)
	c.text("hello")
	c.silent(50 * time.Millisecond)
	if len(rest.events) > 0 {
		t.Error("a worker of the rest got it")
	}
	again := r.attach(script{node: "again", path: "/chat"})
	again.message("hello")
	// Who comes while nobody serves the path is one of the rest.
	again.end()
	r.serving(1)
	r.enter().text("later")
	rest.message("later")
}

// serving waits until so many workers may be given conns.
func (r *rig) serving(n int) {
	r.t.Helper()
	eventually(r.t, "the workers that serve", func() bool { return r.link.Serving() == n })
}
