package e2e

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-im/parley/deploy/client"
	"github.com/parley-im/parley/worker"
)

// pulses are conns, one at each gateway, that ask a handler all the time, and hear
// numbers that are sent to their common user all the time.
type pulses struct {
	m      *matrix
	list   []*pulse
	sent   atomic.Int64
	cancel context.CancelFunc
	all    sync.WaitGroup
}

type pulse struct {
	conn   *client.Conn
	echoes chan string

	mu      sync.Mutex
	numbers []string
	slowest time.Duration // since begin
	count   int
}

func newPulses(t *testing.T, m *matrix) *pulses {
	t.Helper()
	ctx, cancel := context.WithCancel(ctxBackground)
	ps := &pulses{m: m, cancel: cancel}
	for i := range m.gateways {
		conn, err := client.Dial(t.Context(), m.URL(i)+"?"+url.Values{"user": {"pulse"}, "group": {"pulse"}}.Encode(), client.Options{})
		must(t, err)
		p := &pulse{conn: conn, echoes: make(chan string, 1)}
		ps.list = append(ps.list, p)
		ps.all.Go(p.read)
		ps.all.Go(func() { p.ask(ctx) })
	}
	ps.all.Go(func() { ps.send(ctx) })
	t.Cleanup(ps.leave)
	return ps
}

// send numbers what it sends.
func (ps *pulses) send(ctx context.Context) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		n := ps.sent.Load() + 1
		if err := ps.m.Sender().Sender().ToUser(ctx, "pulse", worker.Text(fmt.Sprint("number ", n))); err != nil {
			return
		}
		ps.sent.Store(n)
	}
}

func (p *pulse) read() {
	defer close(p.echoes)
	for {
		m, err := p.conn.Read()
		if err != nil {
			return
		}
		switch text := string(m.Payload); {
		case strings.HasPrefix(text, "echo "):
			p.echoes <- text
		case strings.HasPrefix(text, "number "):
			p.mu.Lock()
			p.numbers = append(p.numbers, text)
			p.mu.Unlock()
		}
	}
}

// ask asks again as soon as it is answered.
func (p *pulse) ask(ctx context.Context) {
	for n := 0; ctx.Err() == nil; n++ {
		began := time.Now()
		if p.conn.Send(fmt.Sprint("echo ", n)) != nil {
			return
		}
		if echo, ok := <-p.echoes; !ok || echo != fmt.Sprint("echo ", n) {
			return
		}
		p.mu.Lock()
		p.count++
		p.slowest = max(p.slowest, time.Since(began))
		p.mu.Unlock()
		time.Sleep(5 * time.Millisecond) // it is to be there, not to weigh
	}
}

// begin forgets how long answers took.
func (ps *pulses) begin() {
	for _, p := range ps.list {
		p.mu.Lock()
		p.slowest, p.count = 0, 0
		p.mu.Unlock()
	}
}

// flow checks that those of the other gateways were answered all the time, and heard what
// was sent to them.
func (ps *pulses) flow(t *testing.T) {
	t.Helper()
	due, deadline := int(ps.sent.Load()), time.Now().Add(everything)
	for i, p := range ps.list[:len(ps.list)-1] {
		if !holds(deadline, func() bool { p.mu.Lock(); defer p.mu.Unlock(); return len(p.numbers) >= due && p.count > 0 }) {
			t.Errorf("gateway %d: of %d numbers %d came meanwhile, and %d answers", i, due, len(p.numbers), p.count)
		}
		p.mu.Lock()
		if p.slowest > allowed/2 {
			t.Errorf("gateway %d: a handler took %v to answer", i, p.slowest)
		}
		p.mu.Unlock()
	}
}

// end checks that every number came to every conn once, in order.
func (ps *pulses) end(t *testing.T) {
	t.Helper()
	ps.cancel()
	due, deadline := int(ps.sent.Load()), time.Now().Add(everything)
	for i, p := range ps.list {
		if !holds(deadline, func() bool { p.mu.Lock(); defer p.mu.Unlock(); return len(p.numbers) >= due }) {
			t.Errorf("gateway %d: %d of %d numbers came", i, len(p.numbers), due)
		}
		p.mu.Lock()
		for n, got := range p.numbers {
			if want := fmt.Sprint("number ", n+1); got != want {
				t.Errorf("gateway %d: %q came in the place of %q", i, got, want)
				break
			}
		}
		p.mu.Unlock()
	}
	t.Logf("%d numbers came to %d conns, each once and in order", due, len(ps.list))
}

func (ps *pulses) leave() {
	ps.cancel()
	for _, p := range ps.list {
		p.conn.Cut()
	}
	ps.all.Wait()
}
