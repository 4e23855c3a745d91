package ws

import (
	"errors"
	"sync"
	"syscall"
)

// writer makes one non-blocking write. It exists to have its callback made once.
type writer struct {
	buf []byte
	n   int
	err error
	fn  func(fd uintptr) bool
}

var writers = sync.Pool{New: func() any {
	w := new(writer)
	w.init()
	return w
}}

func (w *writer) init() {
	w.fn = func(fd uintptr) bool {
		w.n, w.err = writeFD(fd, w.buf)
		return true // whatever happened: never wait in the poller
	}
}

// write says how many bytes the socket took. A full socket is no error.
func (w *writer) write(raw syscall.RawConn, buf []byte) (int, error) {
	w.buf, w.n, w.err = buf, 0, nil
	err := raw.Write(w.fn)
	w.buf = nil
	if err == nil && !errors.Is(w.err, syscall.EAGAIN) {
		err = w.err
	}
	return w.n, err
}

// writeFD is write(2) on a non-blocking descriptor.
func writeFD(fd uintptr, buf []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), buf)
		if err == syscall.EINTR {
			continue
		}
		return max(n, 0), err
	}
}
