package worker_test

import (
	"sync"
	"testing"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/workertest"
)

// Those who stay are listed once, while others come and go at both gateways.
func TestListWhileOthersComeAndGo(t *testing.T) {
	h := workertest.New(t, byQuery, workertest.WithGateways(2))
	stays := make(map[connid.ID]bool)
	for range 400 {
		stays[h.Dial("/?group=g").ID()] = true
	}
	var others sync.WaitGroup
	stop := make(chan struct{})
	others.Go(func() {
		for {
			c := h.Dial("/?group=g")
			c.Close(1000, "")
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	all := make(map[connid.ID]bool)
	l := h.Sender().Conns(t.Context(), worker.InGroups("g", "h"), worker.PageSize(7))
	for c := range l.All() {
		if all[c.ID] {
			t.Errorf("%v was listed twice", c.ID)
		}
		all[c.ID] = true
	}
	close(stop)
	others.Wait()
	if l.Err() != nil || l.Lost() != nil || l.Position() != "" {
		t.Errorf("got %v, lost %q, at %q", l.Err(), l.Lost(), l.Position())
	}
	for id := range stays {
		if !all[id] {
			t.Errorf("%v stayed and was not listed", id)
		}
	}
}
