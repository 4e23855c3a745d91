package load

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/parley-im/parley/deploy/client"
	"github.com/parley-im/parley/deploy/load/counterpart"
	"github.com/parley-im/parley/deploy/load/hist"
)

// target is where clients of `slow` connect.
type target struct {
	url string
	tls *tls.Config // nil: plain
}

func (r *rig) target(secure bool) (target, error) {
	if !secure {
		return target{url: "ws://" + r.addr + "/"}, nil
	}
	cfg, err := trust(r.dir)
	return target{url: "wss://" + r.addr + "/", tls: cfg}, err
}

// dial opens a conn; a receive buffer above 0 is the kernel's.
func (t target) dial(ctx context.Context, receiveBuffer int) (*client.Conn, error) {
	d := &net.Dialer{KeepAlive: -1}
	if receiveBuffer > 0 {
		d.Control = func(_, _ string, raw syscall.RawConn) error {
			var err error
			failed := raw.Control(func(fd uintptr) {
				err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
			})
			if failed != nil {
				return failed
			}
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return client.Dial(ctx, t.url, client.Options{TLS: t.tls, Dial: d.DialContext, ReadBuffer: 512})
}

// view is what good conns have seen in one window.
type view struct {
	echoes *hist.Hist
	news   *hist.Hist // broadcasts, from sender to each conn
	rss    int64      // the gateway's, at most
}

// good is the conns whose waits are measured.
type good struct {
	conns []*client.Conn
	start time.Time
	fail  context.CancelCauseFunc
	all   sync.WaitGroup
	quit  chan struct{}

	mu  sync.Mutex
	now view
}

// enter connects n conns, which read until leave. fail is told when one breaks off.
func enter(ctx context.Context, to target, n int, fail context.CancelCauseFunc) (*good, error) {
	g := &good{start: time.Now(), fail: fail, quit: make(chan struct{})}
	g.look()
	for range n {
		c, err := to.dial(ctx, 0)
		if err != nil {
			g.leave()
			return nil, err
		}
		g.conns = append(g.conns, c)
		g.all.Go(func() { g.read(c) })
	}
	return g, nil
}

// leave ends all conns.
func (g *good) leave() {
	close(g.quit)
	for _, c := range g.conns {
		c.Cut()
	}
	g.all.Wait()
}

// look returns what was seen since the last look.
func (g *good) look() *view {
	g.mu.Lock()
	defer g.mu.Unlock()
	v := g.now
	g.now = view{echoes: new(hist.Hist), news: new(hist.Hist)}
	return &v
}

// read takes down how long frames took. In each stands when it was sent.
func (g *good) read(c *client.Conn) {
	for {
		m, err := c.Read()
		if err != nil {
			select {
			case <-g.quit:
			default:
				g.fail(fmt.Errorf("a good conn ended: %w", err))
			}
			return
		}
		body := m.Payload
		echo := len(body) == bodyBytes
		if echo {
			body = body[2:]
		}
		if len(body) < numberBytes {
			g.fail(fmt.Errorf("a good conn got %.40q", m.Payload))
			return
		}
		took := time.Since(g.start) - time.Duration(numberIn(body))
		g.mu.Lock()
		if echo {
			g.now.echoes.Add(took)
		} else {
			g.now.news.Add(took)
		}
		g.mu.Unlock()
	}
}

// talk sends echoes and broadcasts, so many of each a second, until leave.
func (g *good) talk(ctx context.Context, echoes, broadcasts, size int) {
	body, news := filler(), make([]byte, size)
	copy(news, filler()[2:])
	for i := bodyBytes - 2; i < size; i++ {
		news[i] = '.'
	}
	g.all.Go(func() {
		g.pace(ctx, echoes, func(n int) error {
			number(body[2:], uint64(time.Since(g.start)))
			return g.conns[n%len(g.conns)].Send(string(body))
		})
	})
	if broadcasts > 0 {
		g.all.Go(func() {
			g.pace(ctx, broadcasts, func(int) error {
				number(news, uint64(time.Since(g.start)))
				return g.conns[0].Send(string(counterpart.ToAll(nil, news)))
			})
		})
	}
}

// pace calls do rate times a second.
func (g *good) pace(ctx context.Context, rate int, do func(n int) error) {
	tick := time.NewTicker(max(time.Second/time.Duration(rate), 500*time.Microsecond))
	defer tick.Stop()
	start := time.Now()
	for n := 0; ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		case <-g.quit:
			return
		}
		for due := int(time.Since(start).Seconds() * float64(rate)); n < due; n++ {
			if err := do(n); err != nil {
				g.fail(fmt.Errorf("send: %w", err))
				return
			}
		}
	}
}
