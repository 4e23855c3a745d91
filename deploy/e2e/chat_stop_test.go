package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	chatclient "github.com/parley-im/parley/deploy/client/chat"
	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/local/build"
	"github.com/parley-im/parley/deploy/local/proc"
)

// chatPrograms builds the programs of a whole Parley, once, and as users have them: with the
// race detector the database alone takes minutes to compile.
var chatPrograms = sync.OnceValues(func() (local.Programs, error) {
	b := build.Builder{Say: func(line string) { fmt.Println(line) }}
	built, err := b.Programs(ctxBackground, build.Register, build.Gateway, build.Worker, build.API, build.NATS)
	return local.Programs{
		Register: built[build.Register], Gateway: built[build.Gateway], Worker: built[build.Worker],
		API: built[build.API], NATS: built[build.NATS],
	}, err
})

// wholeParley starts every role there is, as real processes on free ports.
func wholeParley(t *testing.T) (*local.Cluster, *journal, local.Ports) {
	t.Helper()
	programs, err := chatPrograms()
	must(t, err)
	ports, err := local.FreePorts("127.0.0.1")
	must(t, err)
	t.Cleanup(ports.Release)
	out, dir := &journal{}, t.TempDir()
	c, err := local.New(local.Config{
		Programs: programs, Gateways: 2, Workers: 2, Ports: ports.Ports, Chat: true, Output: out,
		RegisterArgs: []string{"--lease", lease.String()}, GatewayArgs: []string{"--drain-window", "100ms"},
		WorkerArgs: []string{"--database", "sqlite:" + filepath.Join(dir, "parley.db"), "--database-relaxed"},
		APIArgs:    []string{"--files", filepath.Join(dir, "files")},
		NATSArgs:   []string{"--store", filepath.Join(dir, "nats")},
	})
	must(t, err)
	t.Cleanup(func() {
		c.Close()
		if t.Failed() {
			t.Logf("what the processes wrote:\n%s", out)
		}
	})
	must(t, c.Start())
	must(t, c.Ready(within(t, everything)))
	return c, out, ports.Ports
}

// TestEveryRoleOfTheChatStopsInAnyOrder ends all processes of a whole Parley, one role after
// the other, while people talk over sockets and HTTP. Each ends with 0, and nobody writes an
// error.
func TestEveryRoleOfTheChatStopsInAnyOrder(t *testing.T) {
	roles := []string{"register", "nats", "gateway", "worker", "api"}
	t.Run("order", func(t *testing.T) {
		// Each role once in each place; who goes before whom differs from row to row.
		for i, order := range [][]int{{0, 1, 2, 3, 4}, {1, 3, 0, 4, 2}, {2, 0, 4, 1, 3}, {3, 4, 1, 2, 0}, {4, 2, 3, 0, 1}} {
			var name []string
			for _, r := range order {
				name = append(name, roles[r])
			}
			t.Run(strings.Join(name, " "), func(t *testing.T) {
				t.Parallel()
				c, out, ports := wholeParley(t)
				chatting(t, c, ports, fmt.Sprint("stop", i))
				of := map[string][]*proc.Process{
					"register": c.Registers, "nats": {c.NATS}, "gateway": c.Gateways, "worker": c.Workers, "api": {c.API},
				}
				for _, role := range name {
					for _, p := range of[role] {
						began := time.Now()
						e, err := p.Stop(within(t, everything))
						if err != nil || e.Code != 0 {
							t.Errorf("%s ended with %v, %v", p.Name(), e, err)
						}
						if took := time.Since(began); took > 2*stopWithin {
							t.Errorf("%s took %v to end", p.Name(), took)
						}
					}
				}
				for line := range strings.Lines(out.String()) {
					if strings.Contains(line, `"level":"ERROR"`) || !strings.Contains(line, `"level":"`) {
						t.Errorf("a process that ends in order wrote: %s", line)
					}
				}
			})
		}
	})
	goleak.VerifyNone(t)
}

// chatting has two people write to each other, and somebody ask over HTTP, until the test ends.
func chatting(t *testing.T, c *local.Cluster, ports local.Ports, prefix string) {
	t.Helper()
	ctx, end := context.WithCancel(context.Background())
	var going sync.WaitGroup
	t.Cleanup(func() { end(); going.Wait() })
	var people []*chatclient.Client
	for i := range 2 {
		p, err := chatclient.New(chatclient.Config{
			Gateways: []string{c.URL(0), c.URL(1)}, Device: "test", Name: fmt.Sprint(prefix, "-", i), Password: "a long password", SignUp: true,
		})
		must(t, err)
		going.Go(func() { _ = p.Run(ctx) }) // until the end; what it says of a Parley that is gone is no news
		must(t, p.WaitLive(within(t, everything)))
		people = append(people, p)
	}
	made, err := people[0].CreateDirect(within(t, everything), people[1].User())
	must(t, err)
	id := made.GetConversation().GetId()
	sending, err := people[1].Send(id, "first")
	must(t, err)
	_, err = sending.Wait(within(t, everything))
	must(t, err)
	for _, p := range people {
		going.Go(func() {
			for n := 0; pause(ctx, time.Duration(rand.IntN(50))*time.Millisecond); n++ {
				_, _ = p.Send(id, fmt.Sprint("line ", n)) // full when nobody answers any more
			}
		})
	}
	url := fmt.Sprintf("http://127.0.0.1:%d/v1/getServer", ports.API)
	eventually(t, func() bool { return answered(ctx, url) }, func() string { return "nothing is answered over HTTP" })
	going.Go(func() {
		for pause(ctx, 20*time.Millisecond) {
			answered(ctx, url)
		}
	})
}

// answered reports whether a call over HTTP, on a connection of its own, is answered.
func answered(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// pause waits, and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
