package ws

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// A socket is writable for the kernel only when half of what is unsent has gone.
// A client on a slow line that reads all the time may need longer for that than
// the write timeout, and to cut it would have it come back and be sent the same
// again, for ever. So when the timeout is over, what counts is whether the peer
// has acknowledged anything meanwhile.

// unacked is how many bytes wait in the kernel for the peer to acknowledge them;
// 0 where that cannot be told.
func unacked(raw syscall.RawConn) (n int) {
	_ = raw.Control(func(fd uintptr) { n = unackedFD(fd) })
	return n
}

// patient is the socket below TLS, where a Write that ends early spoils all that
// follow: it must not end while the peer takes what is sent. TLS has one goroutine
// write at a time.
type patient struct {
	*net.TCPConn
	raw     syscall.RawConn
	look    func(fd uintptr) // sets waiting; made once
	waiting int
	timeout atomic.Int64 // nanoseconds of a Write without progress; 0: only the deadline counts
}

var _ net.Conn = (*patient)(nil)

// patientSocket returns nc itself if it is no TCP socket.
func patientSocket(nc net.Conn) net.Conn {
	t, ok := nc.(*net.TCPConn)
	if !ok {
		return nc
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return nc
	}
	p := &patient{TCPConn: t, raw: raw}
	p.look = func(fd uintptr) { p.waiting = unackedFD(fd) }
	return p
}

// Write ends early only if the peer acknowledges nothing for the timeout.
func (p *patient) Write(b []byte) (written int, err error) {
	for {
		timeout := time.Duration(p.timeout.Load())
		if timeout > 0 {
			_ = p.raw.Control(p.look)
		}
		before := p.waiting
		n, err := p.TCPConn.Write(b[written:])
		written += n
		if timeout == 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return written, err
		}
		_ = p.raw.Control(p.look)
		if n == 0 && p.waiting >= before {
			return written, err
		}
		_ = p.SetWriteDeadline(time.Now().Add(timeout))
	}
}
