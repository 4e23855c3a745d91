package worker

import (
	"maps"
	"slices"
	"sync"
)

// Users is what a worker hears of who is online: a user is present while a gateway that
// is in the cluster claims to have a conn of it. It is a belief: it runs behind by the
// time of a delta, a gateway that was killed counts until its lease has ended, and while
// a gateway attaches anew its users may be absent for a moment. A worker that starts
// hears of everybody who is there; of one that ends, all are gone at last. Sends rely on
// none of that.
type Users struct {
	worker  *Worker
	changed chan struct{}

	mu   sync.Mutex // guards list; taken under the locks of the routes by who receives, a leaf held for one name
	list map[string]struct{}
}

// WatchUsers makes the one feed of a worker. Call it before Run. It panics when it is
// called again.
func (w *Worker) WatchUsers() *Users {
	u := &Users{worker: w, changed: make(chan struct{}, 1), list: make(map[string]struct{})}
	if !w.mesh.WatchUsers(u.note) {
		panic("worker: WatchUsers was called twice")
	}
	return u
}

// note remembers that a user came or went. What came and went several times until
// somebody looks is there once, so the list is never longer than the users there were
// meanwhile.
func (u *Users) note(user string) {
	u.mu.Lock()
	u.list[user] = struct{}{}
	u.mu.Unlock()
	select {
	case u.changed <- struct{}{}:
	default:
	}
}

// Changed carries a signal after users came or went; several may become one.
func (u *Users) Changed() <-chan struct{} { return u.changed }

// Take returns the users that may have come or gone since the last Take, each once, in
// no order. Present tells which of the two is true now, if any: a user who has come to a
// second gateway is among them too.
func (u *Users) Take() []string {
	fresh := make(map[string]struct{})
	u.mu.Lock()
	list := u.list
	u.list = fresh
	u.mu.Unlock()
	return slices.Collect(maps.Keys(list))
}

// Present reports whether a user is online, without asking anybody.
func (u *Users) Present(user string) bool { return u.worker.mesh.Claimed(user) }
