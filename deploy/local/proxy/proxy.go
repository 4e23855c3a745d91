package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// Proxy passes connections on to a target until Close. Its methods may be called
// from any goroutine.
type Proxy struct {
	addr, target string

	mu     sync.Mutex
	listen net.Listener // nil: stopped
	pairs  map[*pair]struct{}
	gate   chan struct{} // closed: bytes pass; replaced by Freeze
	frozen bool
	closed bool
	all    sync.WaitGroup
}

// pair is one connection and its other half.
type pair struct {
	client, server net.Conn
}

func (p *pair) close() {
	_ = p.client.Close()
	_ = p.server.Close()
}

// Open listens at addr (port 0: a free one, which it keeps) and passes everything
// on to target.
func Open(addr, target string) (*Proxy, error) {
	p := &Proxy{addr: addr, target: target, pairs: map[*pair]struct{}{}, gate: make(chan struct{})}
	close(p.gate)
	if err := p.Start(); err != nil {
		return nil, err
	}
	return p, nil
}

// Addr is where it listens, also while it is stopped.
func (p *Proxy) Addr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.addr
}

// Stop makes the server look down: new connections are refused, those there are cut.
func (p *Proxy) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stop()
}

func (p *Proxy) stop() {
	if p.listen != nil {
		_ = p.listen.Close()
		p.listen = nil
	}
	for c := range p.pairs {
		c.close()
	}
}

// freeWithin is how long Start waits for the port. A process that is just being started
// holds copies of this one's sockets until it runs its own program.
const freeWithin = 5 * time.Second

// Start ends a Stop. The port may have been taken meanwhile, which is the error.
func (p *Proxy) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return errors.New("the proxy is closed")
	case p.listen != nil:
		return nil
	}
	l, err := net.Listen("tcp", p.addr)
	for end := time.Now().Add(freeWithin); errors.Is(err, syscall.EADDRINUSE) && time.Now().Before(end); l, err = net.Listen("tcp", p.addr) {
		time.Sleep(5 * time.Millisecond)
	}
	if err != nil {
		return fmt.Errorf("proxy to %s: %w", p.target, err)
	}
	p.listen, p.addr = l, l.Addr().String()
	p.all.Go(func() { p.accept(l) })
	return nil
}

// Freeze makes the server look stuck: connections stay and are taken, and nothing
// passes in either direction.
func (p *Proxy) Freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.frozen && !p.closed {
		p.frozen, p.gate = true, make(chan struct{})
	}
}

// Thaw ends a Freeze: what was held back passes.
func (p *Proxy) Thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.thaw()
}

func (p *Proxy) thaw() {
	if p.frozen {
		p.frozen = false
		close(p.gate)
	}
}

// Close cuts everything and waits until all has ended.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	p.stop()
	p.thaw()
	p.mu.Unlock()
	p.all.Wait()
}

// dialWithin bounds how long the target may take to answer a dial.
const dialWithin = 2 * time.Second

func (p *Proxy) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return // closed by Stop
		}
		p.all.Go(func() { p.join(client) })
	}
}

// join dials the target for a client and passes bytes until either ends.
func (p *Proxy) join(client net.Conn) {
	defer client.Close()
	<-p.passing()
	ctx, cancel := context.WithTimeout(context.Background(), dialWithin)
	defer cancel()
	server, err := new(net.Dialer).DialContext(ctx, "tcp", p.target)
	if err != nil {
		return
	}
	c := &pair{client, server}
	defer c.close()
	if !p.keep(c) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { p.pass(c, server, client) })
	both.Go(func() { p.pass(c, client, server) })
	both.Wait()
	p.mu.Lock()
	delete(p.pairs, c)
	p.mu.Unlock()
}

// keep notes a pair, unless the proxy was stopped while it was made.
func (p *Proxy) keep(c *pair) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listen == nil {
		return false
	}
	p.pairs[c] = struct{}{}
	return true
}

func (p *Proxy) passing() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gate
}

// pass copies one direction. Both halves end together: a database never half-closes.
func (p *Proxy) pass(c *pair, to io.Writer, from io.Reader) {
	defer c.close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			<-p.passing()
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
