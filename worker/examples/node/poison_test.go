package node

import (
	"fmt"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/websocket"

	"github.com/parley-im/parley/gateway"
	"github.com/parley-im/parley/worker/examples/clustertest"
)

// An event that kills every worker that handles it is found and given up; its conn is
// closed, and nobody else's. The workers heed that it runs alone, and say so.
func TestAnEventThatWorkersDieOfIsGivenUpAndHarmsNobodyElse(t *testing.T) {
	c, _ := clusterOf(t, gateway.Limits{SlowStart: -1, WorkerPatience: time.Second, EventTries: 2})
	deaths := supervise(t, c, "js-1", "js-2")
	guilty, _ := enter(t, c, 0, "guilty")
	innocent, _ := enter(t, c, 0, "innocent")
	far, _ := enter(t, c, 1, "far")
	far.Say("leave hall") // a worker that has just begun may not know its gateway yet when it tells the hall
	guilty.Say("poison")

	over := make(chan error, 1)
	go func() {
		_ = guilty.SetReadDeadline(time.Now().Add(2 * clustertest.Patience))
		var text string
		over <- websocket.Message.Receive(guilty.Conn, &text)
	}()
	// What the innocent say is answered once, in order, whoever dies meanwhile.
	told := false
	for n, ended := 1, false; !ended; n++ {
		innocent.Say("count")
		text := innocent.Next()
		if text != fmt.Sprint(n) {
			told = true // OnClose of the guilty, which may come between
			sayClosed(t, text)
			text = innocent.Next()
		}
		if text != fmt.Sprint(n) {
			t.Fatalf("the innocent is answered %q, want %d", text, n)
		}
		far.Say("count")
		far.Hears(fmt.Sprint(n))
		select {
		case err := <-over:
			if ended = true; err == nil || os.IsTimeout(err) {
				t.Fatalf("the guilty conn is not closed: %v", err)
			}
		case <-time.After(20 * time.Millisecond):
		}
	}
	if !told {
		sayClosed(t, innocent.Next())
	}
	if n := deaths(); n < 3 || n > 9 {
		t.Errorf("%d workers died of it, want three and a few more when they died for other reasons too", n)
	}
	_ = innocent.Close()
	_ = far.Close()
}

// sayClosed fails the test unless text says that the guilty conn was given up.
func sayClosed(t *testing.T, text string) {
	t.Helper()
	want := `{"user":"guilty","session":"0","code":4505,"reason":"what this conn has sent cannot be handled","by":"CLOSED_BY_GATEWAY"}`
	if text != want {
		t.Fatalf("heard %s\nwant  %s", text, want)
	}
}

// supervise keeps a process of testdata/probe.js alive for each name, until the test ends
// or no process has died for long; deaths says how often one has.
func supervise(t *testing.T, c *clustertest.Cluster, names ...string) (deaths func() int) {
	t.Helper()
	var (
		mu    sync.Mutex
		n     int
		ended bool
		all   sync.WaitGroup
		alive = make([]*process, len(names))
		lives []*process
	)
	begin := func(i int) *process {
		p := launch(t, "testdata/probe.js", secret, c.Register(), "--label", "path=/probe", "--name", names[i])
		alive[i], lives = p, append(lives, p)
		return p
	}
	for i := range names {
		p := begin(i)
		p.attached(t, len(c.URLs))
		all.Go(func() {
			for {
				err := <-p.ended
				p.ended <- err
				mu.Lock()
				if ended {
					mu.Unlock()
					return
				}
				n++
				p = begin(i)
				mu.Unlock()
			}
		})
	}
	t.Cleanup(func() {
		mu.Lock()
		ended = true
		for _, p := range alive {
			_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have died a moment ago
		}
		mu.Unlock()
		all.Wait()
		if t.Failed() {
			for _, p := range lives {
				t.Logf("a worker said:\n%s", p.said())
			}
		}
	})
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return n
	}
}
