package ws

import (
	"io"
	"sync"
	"syscall"
)

// inbound is what one read took from a socket and gws has not asked for yet. A
// conn has one only while there is such data: waiting costs no buffer, and yet
// one read takes several frames.
type inbound struct {
	b    [inboundBytes]byte
	r, w int
	err  error
}

const inboundBytes = 4 << 10

// gwsBufferBytes is the buffer that gws has of its own above ours, the smallest
// there is. blockingBufferBytes is for conns that must wait with a buffer in
// hand (TLS): there it does what inbound does for others.
const (
	gwsBufferBytes      = 16
	blockingBufferBytes = 512
)

var inbounds = sync.Pool{New: func() any { return new(inbound) }}

// ready is called by the poller's Read when the socket may have something.
func (c *Conn) ready(fd uintptr) bool {
	in := inbounds.Get().(*inbound)
	n, err := syscall.Read(int(fd), in.b[:])
	for err == syscall.EINTR {
		n, err = syscall.Read(int(fd), in.b[:])
	}
	if err == syscall.EAGAIN {
		inbounds.Put(in)
		return false
	}
	if n == 0 && err == nil {
		err = io.EOF
	}
	in.r, in.w, in.err = 0, max(n, 0), err
	c.read.in = in
	return true
}

// take gives gws of what is there.
func (r *reading) take(p []byte) int {
	in := r.in
	n := copy(p, in.b[in.r:in.w])
	in.r += n
	if in.r == in.w {
		r.drop()
	}
	return n
}

func (r *reading) drop() {
	if r.in != nil {
		inbounds.Put(r.in)
		r.in = nil
	}
}
