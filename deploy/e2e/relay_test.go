package e2e

import (
	"io"
	"net"
	"sync"
	"testing"
)

// relay stands between a worker and a gateway that live in this process. It can
// hold everything back, which is how a frozen peer looks, or cut all connections.
type relay struct {
	net.Listener
	target string

	mu    sync.Mutex
	held  chan struct{} // not nil: nothing passes until it is closed
	conns map[net.Conn]struct{}
	down  bool // connections are refused

	all sync.WaitGroup
}

func newRelay(t *testing.T, target string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	r := &relay{Listener: l, target: target, conns: map[net.Conn]struct{}{}}
	r.all.Go(r.accept)
	return r
}

func (r *relay) accept() {
	for {
		near, err := r.Accept()
		if err != nil {
			return
		}
		r.all.Go(func() { r.serve(near) })
	}
}

func (r *relay) serve(near net.Conn) {
	r.mu.Lock()
	down := r.down
	r.mu.Unlock()
	if down {
		_ = near.Close()
		return
	}
	far, err := net.Dial("tcp", r.target)
	if err != nil {
		_ = near.Close()
		return
	}
	r.mu.Lock()
	r.conns[near], r.conns[far] = struct{}{}, struct{}{}
	r.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { r.pass(far, near) })
	both.Go(func() { r.pass(near, far) })
	both.Wait()
	r.mu.Lock()
	delete(r.conns, near)
	delete(r.conns, far)
	r.mu.Unlock()
}

// pass copies until either end goes away, and takes the other along.
func (r *relay) pass(to, from net.Conn) {
	defer func() { _ = to.Close() }()
	defer func() { _ = from.Close() }()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		r.mu.Lock()
		held := r.held
		r.mu.Unlock()
		if held != nil {
			<-held
		}
		if n > 0 {
			if _, werr := to.Write(buf[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// hold lets nothing pass any more.
func (r *relay) hold() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held == nil {
		r.held = make(chan struct{})
	}
}

// release lets everything pass again, also what was held back.
func (r *relay) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held != nil {
		close(r.held)
		r.held = nil
	}
}

// cut ends all connections and, while down, refuses new ones.
func (r *relay) cut(down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = down
	if !down {
		return
	}
	for c := range r.conns {
		_ = c.(*net.TCPConn).SetLinger(0) // a reset, as of a killed process
		_ = c.Close()
	}
}

func (r *relay) end() {
	r.release()
	_ = r.Close()
	r.cut(true)
	r.all.Wait()
}

var _ io.Closer = (*relay)(nil)
