package registertest

import (
	"errors"
	"net"
	"syscall"
	"testing"
	"time"
)

// freeWithin is how long an address that was let go may be in use.
const freeWithin = 10 * time.Second

// Again listens, at an address where this process may have listened before: it waits
// while that is in use. A process that is just being started holds copies of this one's
// sockets until it runs its own program, which takes a while on a busy machine.
func Again(t testing.TB, listen func() (net.Listener, error)) net.Listener {
	t.Helper()
	for end := time.Now().Add(freeWithin); ; time.Sleep(5 * time.Millisecond) {
		l, err := listen()
		if err == nil {
			return l
		}
		if !errors.Is(err, syscall.EADDRINUSE) || time.Now().After(end) {
			t.Fatal(err)
		}
	}
}
