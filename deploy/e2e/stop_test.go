package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/parley-im/parley/deploy/verify/answer"
)

// stopWithin is what a process may take to end when nobody holds it up. Its peers
// may be gone already; it may not wait for them as if they were to come back.
const stopWithin = 5 * time.Second

// TestStoppingInAnyOrderIsQuickAndWithoutErrors ends all processes, one role after the
// other, while people are in and a handler runs. A process that does not end with 0
// fails the test in Stop.
func TestStoppingInAnyOrderIsQuickAndWithoutErrors(t *testing.T) {
	orders := [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}
	names := []string{"register", "gateway", "worker"}
	t.Run("order", func(t *testing.T) {
		for i, order := range orders {
			t.Run(fmt.Sprintf("%s %s %s", names[order[0]], names[order[1]], names[order[2]]), func(t *testing.T) {
				t.Parallel() // nearly all of it is waiting
				play(t, cast{gateways: 1, workers: 1}, func(t *testing.T, s stage) {
					begin(t, s)
					busy(t, s, fmt.Sprint("s", i))
					roles := [][]player{s.Registers(), s.Gateways(), s.Workers()}
					var took []string
					for _, role := range order {
						began := time.Now()
						roles[role][0].Stop(t)
						d := time.Since(began)
						took = append(took, fmt.Sprintf("%s %v", names[role], d.Round(time.Millisecond)))
						if d > stopWithin {
							t.Errorf("the %s took %v to end", names[role], d)
						}
					}
					t.Log(strings.Join(took, ", "))
					if s, real := s.(*staged); real {
						saysNoError(t, s)
					}
				})
			})
		}
	})
	goleak.VerifyNone(t) // also of what the tests before have left
}

// busy lets two people in, one of whom has a slow handler running. They read on
// until the gateway ends their sockets.
func busy(t *testing.T, s stage, prefix string) {
	t.Helper()
	var reading sync.WaitGroup
	t.Cleanup(reading.Wait) // after the sockets were cut
	for i := range 2 {
		p := enter(t, s.URL(0), fmt.Sprint(prefix, i))
		p.asks(answer.Reply, "")
		if i == 0 {
			p.says(answer.Bind, "")
		}
		reading.Go(func() {
			for {
				if _, err := p.Read(); err != nil {
					return
				}
			}
		})
	}
}

// saysNoError fails the test for every line that the processes wrote as an error, and
// for what is no line of a log at all.
func saysNoError(t *testing.T, s *staged) {
	t.Helper()
	for line := range strings.Lines(s.said.String()) {
		if strings.Contains(line, `"level":"ERROR"`) || !strings.Contains(line, `"level":"`) {
			t.Errorf("a process that ends in order wrote: %s", line)
		}
	}
}
