package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/deploy/client"
	"github.com/parley-im/parley/deploy/verify/answer"
	"github.com/parley-im/parley/worker"
)

// waited is how long good conns waited for answers.
type waited struct {
	p50, p99 time.Duration
	n        int
}

// waits lets every good conn ask at its pace for a while. What comes late counts from
// when it should have been asked, so that waiting hides nothing.
func (g *garrison) waits(t *testing.T, d time.Duration) waited {
	t.Helper()
	var mu sync.Mutex
	var waits []time.Duration
	var all sync.WaitGroup
	began := time.Now()
	for i, c := range g.good {
		all.Go(func() {
			var mine []time.Duration
			pace := time.NewTimer(0)
			defer pace.Stop()
			due := began.Add(goodEvery * time.Duration(i) / goodConns)
			for n := uint64(1); due.Sub(began) < d; n++ {
				pace.Reset(time.Until(due))
				<-pace.C
				if err := c.Send(answer.Ask(answer.Reply, goodTag(i), n, "")); err != nil {
					t.Errorf("good conn %d: %v", i, err)
					return
				}
				m, err := c.ReadWithin(everything)
				if a, ok := answer.ParseAnswer(string(m.Payload)); err != nil || !ok || a.N != n {
					t.Errorf("good conn %d: answered %q, %v, want %d", i, m.Payload, err, n)
					return
				}
				mine = append(mine, time.Since(due))
				due = due.Add(goodEvery)
			}
			mu.Lock()
			defer mu.Unlock()
			waits = append(waits, mine...)
		})
	}
	all.Wait()
	if len(waits) == 0 {
		t.Fatal("no good conn was answered")
	}
	slices.Sort(waits)
	round := func(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }
	return waited{p50: round(waits[len(waits)/2]), p99: round(waits[len(waits)*99/100]), n: len(waits)}
}

// stall sends to all who read nothing until no socket takes any more. The frames are
// small against a queue, and it looks after each, so that on a busy machine, too, no
// queue is full before all have begun to wait.
func (g *garrison) stall(ctx context.Context, t *testing.T) {
	t.Helper()
	send, frame := g.Sender().Sender(), worker.Text(strings.Repeat("s", queueBytes/64))
	eventually(t, func() bool {
		for i := range crews {
			must(t, send.ToGroup(ctx, fmt.Sprint("stalled", i), frame))
		}
		for i := range hoarders {
			must(t, send.ToGroup(ctx, fmt.Sprint("hoarder", i), frame))
		}
		return g.look(t).pumping >= stalledConns
	}, func() string { return fmt.Sprintf("%g conns are stalled", g.look(t).pumping) })
}

// sendToStalled sends each crew more than the queues of its conns hold, and goes on.
// Half of the hoarders get more than theirs hold, too, and are closed.
func (g *garrison) sendToStalled(ctx context.Context, t *testing.T) {
	send := g.Sender().Sender()
	// Each send is a frame of its own to the gateway, whatever is in it.
	shared, own := worker.Text(strings.Repeat("s", crewBytes)), worker.Text(strings.Repeat("h", hoardBytes))
	tick := time.NewTicker(framesEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		err := send.ToGroup(ctx, fmt.Sprint("stalled", n%crews), shared)
		for i := n * hoardersAtOnce; i < min((n+1)*hoardersAtOnce, fills*hoarders/2); i++ {
			err = errors.Join(err, send.ToGroup(ctx, fmt.Sprint("hoarder", i%(hoarders/2)), own))
		}
		if err != nil && ctx.Err() == nil {
			t.Errorf("send to the stalled: %v", err)
			return
		}
	}
}

// hoard sends the other hoarders many times what their queues hold, all of it frames
// of their own.
func (g *garrison) hoard(ctx context.Context, t *testing.T) {
	send, own := g.Sender().Sender(), worker.Text(strings.Repeat("h", hoardBytes))
	for n := range hoardFrames * hoarders / 2 {
		must(t, send.ToGroup(ctx, fmt.Sprint("hoarder", hoarders/2+n%(hoarders/2)), own))
	}
}

// flood asks as fast as the socket takes it, until it is cut. It makes its frames once
// and looks at no answer, because the machine is to be the gateway's.
func flood(c *client.Conn) {
	ask := answer.Ask(answer.Reply, "flood", 1, "")
	frame := append([]byte{0x81, 0x80 | byte(len(ask)), 0, 0, 0, 0}, ask...) // text, masked with zeros
	frames := bytes.Repeat(frame, 64)
	go func() { _, _ = io.Copy(io.Discard, c.NetConn()) }() // ends with the conn
	for {
		if _, err := c.NetConn().Write(frames); err != nil {
			return
		}
	}
}

// sight is what can be seen of the gateway from outside.
type sight struct {
	rss               int64
	pumping, slow, in float64
}

func (g *garrison) look(t *testing.T) sight {
	t.Helper()
	u, err := g.gateway.Usage()
	must(t, err)
	m, err := g.gateway.Metrics()
	must(t, err)
	return sight{
		rss:     u.RSS,
		pumping: m.Sum("parley_gateway_sockets_pumping"), slow: m.Sum("parley_gateway_slow_closes_total"),
		in: m[`parley_gateway_frames_total{dir="in"}`],
	}
}

// watch returns the most memory that the gateway had until ctx ended. It does not ask
// the gateway, which would have to answer beside its clients.
func (g *garrison) watch(ctx context.Context, t *testing.T) (highest int64) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return highest
		}
		u, err := g.gateway.Usage()
		must(t, err)
		highest = max(highest, u.RSS)
	}
}

// goodbyes lets stalled conns read at last, and counts those that learn why they were
// closed.
func goodbyes(conns []*client.Conn) (told int) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, c := range conns {
		all.Go(func() {
			defer c.Cut()
			for {
				_, err := c.ReadWithin(everything)
				if err == nil {
					continue
				}
				var closed *client.Closed
				if errors.As(err, &closed) && closed.Code == 4001 {
					mu.Lock()
					told++
					mu.Unlock()
				}
				return
			}
		})
	}
	all.Wait()
	return told
}
