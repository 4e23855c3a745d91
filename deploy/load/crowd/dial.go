package crowd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Dialing is whom to connect to.
type Dialing struct {
	Addr     string             // host:port of a gateway
	Count    int                // how many conns
	Path     func(i int) string // with query; nil: "/" for all
	Header   string             // further lines of the request, each with its CRLF
	Parallel int                // handshakes under way at once; 0: 16
}

// handshakeTime bounds one handshake.
const handshakeTime = 10 * time.Second

// Request is what conn i sends first.
func (d *Dialing) Request(i int) string {
	path := "/"
	if d.Path != nil {
		path = d.Path(i)
	}
	return "GET " + path + " HTTP/1.1\r\nHost: " + d.Addr +
		"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: cGFybGV5IGxvYWQgcnVucw==\r\n" +
		d.Header + "\r\n"
}

// Connect opens conns and returns them in order of their numbers. It blocks until
// all are open, or one could not be. It must not be called while Run runs.
func (w *Crowd) Connect(ctx context.Context, d Dialing) ([]*Conn, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	first := len(w.conns)
	conns := make([]*Conn, d.Count)
	var next atomic.Int64
	var all sync.WaitGroup
	parallel := d.Parallel
	if parallel == 0 {
		parallel = 16
	}
	for range min(parallel, d.Count) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < d.Count && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				fd, rest, err := d.shake(ctx, i)
				if err != nil {
					cancel(fmt.Errorf("conn %d: %w", i, err))
					return
				}
				conns[i] = &Conn{ID: first + i, crowd: w, fd: fd, part: rest}
			}
		})
	}
	all.Wait()
	err := context.Cause(ctx)
	for _, c := range conns {
		if c != nil && err != nil {
			unix.Close(c.fd)
		}
	}
	if err != nil {
		return nil, err
	}
	w.conns = append(w.conns, conns...)
	w.open += len(conns)
	for _, c := range conns {
		if err := w.poller.add(c.fd, int32(c.ID)); err != nil {
			return nil, fmt.Errorf("epoll: %w", err)
		}
	}
	return conns, nil
}

// shake opens conn i and returns its descriptor, and what came behind the answer.
func (d *Dialing) shake(ctx context.Context, i int) (fd int, rest []byte, err error) {
	dialer := net.Dialer{KeepAlive: -1, Timeout: handshakeTime}
	nc, err := dialer.DialContext(ctx, "tcp", d.Addr)
	if err != nil {
		return -1, nil, err
	}
	defer nc.Close() // its descriptor; the crowd has another of the same socket
	_ = nc.SetDeadline(time.Now().Add(handshakeTime))
	if _, err := nc.Write([]byte(d.Request(i))); err != nil {
		return -1, nil, err
	}
	if rest, err = answer(nc); err != nil {
		return -1, nil, err
	}
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return -1, nil, fmt.Errorf("%T is no TCP conn", nc)
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return -1, nil, err
	}
	failed := raw.Control(func(own uintptr) { fd, err = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) })
	return fd, rest, errors.Join(failed, err)
}

var endOfHeader = []byte("\r\n\r\n")

// answer reads the server's answer and returns what came behind it.
func answer(nc net.Conn) (rest []byte, err error) {
	var b [4096]byte
	for n := 0; n < len(b); {
		m, err := nc.Read(b[n:])
		if err != nil {
			return nil, fmt.Errorf("handshake: %w", err)
		}
		n += m
		head, rest, whole := bytes.Cut(b[:n], endOfHeader)
		if !whole {
			continue
		}
		line, _, _ := bytes.Cut(head, []byte("\r\n"))
		if !bytes.HasPrefix(line, []byte("HTTP/1.1 101 ")) {
			return nil, fmt.Errorf("refused: %s", line)
		}
		if len(rest) == 0 {
			return nil, nil
		}
		return bytes.Clone(rest), nil
	}
	return nil, errors.New("handshake: no end of the header")
}
