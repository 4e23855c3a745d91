package e2e

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parley-im/parley/deploy/client"
	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/worker"
)

// TestFiveThousandConnsAreListedOnceThoughTheListerStartsAgain reads a list page by page, by
// several processes one after the other that hand on nothing but the position. Meanwhile
// others come and go at every gateway: they are in it once or not at all.
func TestFiveThousandConnsAreListedOnceThoughTheListerStartsAgain(t *testing.T) {
	t.Parallel()
	const stay, page, listers = 5_000, 300, 4
	c := cast{gateways: 4, workers: 1}
	c.withDefaults()
	s := processes(t, c, func(cfg *local.Config) {
		plainly(t, cfg)
		cfg.Programs.Worker = plainAnswer(t)
	})
	begin(t, s)
	var coming errgroup.Group
	coming.SetLimit(32)
	conns := make([]*client.Conn, stay)
	for i := range stay {
		coming.Go(func() (err error) {
			conns[i], err = client.Dial(t.Context(), fmt.Sprintf("%s?n=%d", s.URL(i%4), i), client.Options{ReadBuffer: 512})
			return err
		})
	}
	t.Cleanup(func() {
		for _, c := range conns {
			if c != nil {
				c.Cut()
			}
		}
	})
	must(t, coming.Wait())

	var others sync.WaitGroup
	over := make(chan struct{})
	gone := 0 // of the first gateway
	for i := range 4 {
		others.Go(func() {
			for {
				c, err := client.Dial(ctxBackground, s.URL(i)+"?n=other", client.Options{ReadBuffer: 512})
				if err != nil {
					t.Error(err)
					return
				}
				time.Sleep(30 * time.Millisecond) // it is there for a while
				c.Cut()
				if i == 0 {
					gone++
				}
				select {
				case <-over:
					return
				default:
				}
			}
		})
	}

	at, pages := "", 0
	seen, here := map[connid.ID]bool{}, map[string]bool{}
	for more, n := true, 0; more; n++ {
		lister := s.Sender().Sender()
		if n > 0 {
			w := startSender(t, s.RegisterAddrs())
			eventually(t, func() bool { return w.Stats().InStep == 4 }, func() string { return "the lister is not in step" })
			lister = w.Sender()
		}
		for range max(1, stay/page/listers) {
			l := lister.Conns(within(t, everything), worker.WithFacts(), worker.Limit(page), worker.From(at))
			for c := range l.All() {
				if seen[c.ID] {
					t.Errorf("%v was listed twice", c.ID)
				}
				seen[c.ID] = true
				here[c.Facts.Values().Get("n")] = true
			}
			must(t, l.Err())
			if lost := l.Lost(); len(lost) > 0 {
				t.Fatalf("page %d: %q are lost", pages, lost)
			}
			pages++
			if at = l.Position(); at == "" {
				more = false
				break
			}
		}
	}
	close(over)
	others.Wait()
	for i := range stay {
		if !here[fmt.Sprint(i)] {
			t.Errorf("conn %d was there all the time and was not listed", i)
		}
	}
	t.Logf("%d conns on %d pages; %d of them came and went, of which the first gateway had %d", len(seen), pages, len(seen)-stay, gone)
}
