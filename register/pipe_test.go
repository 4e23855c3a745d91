package register_test

import (
	"context"
	"net"
	"sync"
)

// pipes is a listener in memory. gRPC's bufconn makes timers that fire at once, which
// two goroutines of a bubble must not do at a time under the race detector: Go 1.26 then
// crashes now and then.
type pipes struct {
	conns chan net.Conn
	ended chan struct{}
	end   sync.Once
}

func newPipes() *pipes {
	return &pipes{conns: make(chan net.Conn), ended: make(chan struct{})}
}

// dial returns the other end of what Accept returns.
func (p *pipes) dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.ended:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.end.Do(func() { close(p.ended) })
	return nil
}

func (p *pipes) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }
