package bus

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-im/parley/worker/chat/bus/bustest"
)

// pipe passes bytes between clients and a server, or lets them wait.
type pipe struct {
	net.Listener
	mu     sync.RWMutex // held for writing: nothing passes
	server string
	all    sync.WaitGroup
	open   sync.Map // connections
}

func newPipe(t *testing.T, server string) *pipe {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &pipe{Listener: l, server: server}
	p.all.Go(p.serve)
	t.Cleanup(func() {
		_ = l.Close()
		p.open.Range(func(c, _ any) bool { _ = c.(net.Conn).Close(); return true })
		p.all.Wait()
	})
	return p
}

func (p *pipe) serve() {
	for {
		client, err := p.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.open.Store(client, true)
		p.open.Store(server, true)
		p.all.Go(func() { p.pass(client, server) })
		p.all.Go(func() { p.pass(server, client) })
	}
}

func (p *pipe) pass(to io.WriteCloser, from io.Reader) {
	defer func() { _ = to.Close() }()
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		p.mu.RLock()
		p.mu.RUnlock() //nolint:staticcheck // it only waits
		if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

func TestFrozenNATSHoldsUpNobody(t *testing.T) {
	s := bustest.Start(t)
	p := newPipe(t, strings.TrimPrefix(s.URL(), "nats://"))
	b := open(t, Config{URL: "nats://" + p.Addr().String()}, func(b *Bus) { b.pace.ack = 2 * time.Second })
	b.ready(t)
	p.mu.Lock()
	var told, taken atomic.Int64
	payload := make([]byte, 32<<10) // so that the socket fills up
	var slowest time.Duration
	for i := 0; ; i++ {
		e := event(i)
		e.Payload = payload
		begin := time.Now()
		err := b.Publish(e, func(err error) {
			if err == nil {
				t.Error("a frozen server acknowledged")
			}
			told.Add(1)
		})
		b.Invalidate("membership", "c")
		slowest = max(slowest, time.Since(begin))
		if errors.Is(err, errFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		taken.Add(1)
	}
	if slowest > 2*time.Second { // the client itself would wait until its write deadline
		t.Errorf("a call took %v", slowest)
	}
	eventually(t, "all were told of their failure", func() bool { return told.Load() == taken.Load() })
	if err := b.Ready(); err == nil {
		t.Error("it is ready")
	}
	p.mu.Unlock()
	b.ready(t)
	publishAll(t, b.Bus, 100)
}
