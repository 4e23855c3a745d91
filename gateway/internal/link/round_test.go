package link

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/gateway/internal/frame"
	"github.com/parley-im/parley/gateway/internal/hub"
	"github.com/parley-im/parley/proto/connid"
)

// ear notes when frames came.
type ear struct {
	mu   sync.Mutex
	came []string
	at   []time.Time
}

func (e *ear) Deliver(f *frame.Frame, _ bool) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.came = append(e.came, string(f.Wire("", false)))
	e.at = append(e.at, time.Now())
	return true
}

// ears puts n conns into the hub that only listen.
func (l *Link) ears(t *testing.T, n int) []*ear {
	var all []*ear
	for range n {
		e := &ear{}
		if err := l.hub.Add(hub.NewConn(connid.Random(1).Conn, e)); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// lose is the unclean end of a worker with that resync frame.
func (l *Link) lose(boot uint64, resync string) *worker {
	w, _ := attachTo(l, boot)
	w.attach.Resync = []byte(resync)
	l.resyncLater(w)
	return w
}

func TestResyncIsSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLink(t)
		all := l.ears(t, 1000)
		began := time.Now()
		l.lose(1, "resync")
		l.lose(2, "") // asks for nothing
		l.goes.Wait()
		tenths := map[int]int{}
		for _, e := range all {
			if fmt.Sprint(e.came) != "[resync]" {
				t.Fatalf("a conn got %v, want one resync", e.came)
			}
			after := e.at[0].Sub(began)
			if after < resyncPatience || after > resyncPatience+resyncSpread {
				t.Errorf("a resync after %v", after)
			}
			tenths[int((after-resyncPatience)*10/resyncSpread)]++
		}
		for i := range 10 {
			if tenths[i] < 50 || tenths[i] > 150 {
				t.Errorf("in tenth %d of the time: %d of 1000", i, tenths[i])
			}
		}
	})
}

// A worker that is lost while a round runs is not covered by it; one that is
// lost before it began is.
func TestLossDuringARoundHasARoundOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLink(t)
		all := l.ears(t, 200)
		l.lose(1, "one")
		time.Sleep(5 * time.Second) // three into the round
		l.lose(2, "two")
		time.Sleep(time.Second)
		l.lose(3, "three")
		l.goes.Wait()
		for _, e := range all {
			if got := fmt.Sprint(e.came); got != "[one three]" {
				t.Fatalf("a conn got %v, want one round for the first and one for the other two", got)
			}
		}
		if l.resync.running {
			t.Error("a round still counts as running")
		}
	})
}

func TestNoResyncWhenTheWorkerIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLink(t)
		all := l.ears(t, 10)
		w := l.lose(1, "one")
		time.Sleep(time.Second)
		w.session.serve(w)
		l.goes.Wait()
		if len(all[0].came) != 0 {
			t.Errorf("got %v", all[0].came)
		}
	})
}

func TestEndOfTheGatewayEndsARound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLink(t)
		l.ears(t, 10)
		l.lose(1, "one")
		time.Sleep(3 * time.Second)
		began := time.Now()
		l.end()
		l.lose(2, "two")
		if took := time.Since(began); took > 0 {
			t.Errorf("ended after %v", took)
		}
	})
}
