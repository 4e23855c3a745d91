package ws

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// halfOpen is a pipe whose server may say that it writes no more, as a socket's may.
type halfOpen struct{ net.Conn }

func (halfOpen) CloseWrite() error { return nil }

// refuseAll runs test in a bubble whose server refuses everybody. ask returns a client
// that has read its answer, and whose server has gone on to whatever it waits for: who
// comes next meets a place that is taken, or one that is free.
func refuseAll(t *testing.T, places int, test func(t *testing.T, r *rig, ask func() *client)) {
	a := &app{open: func(context.Context, *Conn, *http.Request) Answer { return Answer{Status: http.StatusForbidden} }}
	bubble(t, Config{Limits: Limits{MaxHandshakes: places}}, a, func(t *testing.T, r *rig, _ func() (*client, *Conn)) {
		test(t, r, func() *client {
			near, far := net.Pipe()
			r.pipes <- halfOpen{far}
			c := over(t, near)
			c.write(request())
			if got := c.response().StatusCode; got != http.StatusForbidden {
				t.Fatalf("status: got %d, want 403", got)
			}
			synctest.Wait()
			return c
		})
	})
}

// There is one place. Who was refused and keeps its socket does not keep the place.
func TestRefusedClientThatStaysHoldsUpNobody(t *testing.T) {
	refuseAll(t, 1, func(t *testing.T, r *rig, ask func() *client) {
		began := time.Now()
		for range 5 {
			ask()
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("the fifth was answered after %v", waited)
		}
	})
}

// A quarter of the places is how many may stay; the next is closed at once, and when one
// has gone there is room again.
func TestRefusedClientsThatStayAreBounded(t *testing.T) {
	refuseAll(t, 8, func(t *testing.T, r *rig, ask func() *client) {
		for round := range 2 {
			began := time.Now()
			first, second, third := ask(), ask(), ask()
			for i, c := range []*client{third, first, second} {
				if _, err := c.nc.Read(make([]byte, 1)); err != io.EOF {
					t.Errorf("round %d: %v", round, err)
				}
				want := lingerFor
				if c == third {
					want = 0
				}
				if took := time.Since(began); took != want {
					t.Errorf("round %d: client %d was closed after %v, want %v", round, i, took, want)
				}
			}
		}
	})
}
