package bare

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// server is all there is. The listener is conn 0.
type server struct {
	epoll  int
	conns  []*conn // by descriptor
	groups map[string][]*conn
	buf    []byte
	out    []byte
}

type conn struct {
	fd    int
	open  bool
	group string
	part  []byte // of a request or frame that is not whole yet
}

// Serve listens on addr and serves until the process ends or epoll fails.
func Serve(addr string) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	fd, err := listen(addr)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	s := &server{groups: map[string][]*conn{}, buf: make([]byte, 64<<10)}
	if s.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	defer unix.Close(s.epoll)
	if err := s.watch(fd); err != nil {
		return err
	}
	events := make([]unix.EpollEvent, 512)
	for {
		n, err := unix.EpollWait(s.epoll, events, -1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("epoll: %w", err)
		}
		for _, e := range events[:max(n, 0)] {
			if int(e.Fd) == fd {
				s.accept(fd)
			} else if c := s.conns[e.Fd]; c != nil {
				s.read(c)
			}
		}
	}
}

// listen opens a listener and returns a descriptor of ours.
func listen(addr string) (fd int, err error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return -1, err
	}
	defer l.Close()
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return -1, fmt.Errorf("%T is no TCP listener", l)
	}
	f, err := tcp.File()
	if err != nil {
		return -1, err
	}
	defer f.Close()
	if fd, err = unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0); err == nil {
		err = unix.SetNonblock(fd, true)
	}
	return fd, os.NewSyscallError("listen", err)
}

func (s *server) watch(fd int) error {
	return unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

func (s *server) accept(listener int) {
	fd, _, err := unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	if err != nil {
		return // it will be reported again
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	for len(s.conns) <= fd {
		s.conns = append(s.conns, nil)
	}
	s.conns[fd] = &conn{fd: fd}
	if s.watch(fd) != nil {
		s.end(s.conns[fd])
	}
}

func (s *server) read(c *conn) {
	n, err := unix.Read(c.fd, s.buf)
	if errors.Is(err, unix.EAGAIN) {
		return
	}
	if n <= 0 {
		s.end(c)
		return
	}
	b := s.buf[:n]
	if len(c.part) > 0 {
		c.part = append(c.part, b...)
		b = c.part
	}
	if !c.open {
		b = s.greet(c, b)
	}
	for c.open {
		payload, rest, ok := unmask(b)
		if !ok {
			break
		}
		b = rest
		s.obey(c, payload)
	}
	c.part = append([]byte(nil), b...)
}

var endOfHeader = []byte("\r\n\r\n")

// greet answers a request that is whole, and returns what came behind it.
func (s *server) greet(c *conn, b []byte) (rest []byte) {
	head, rest, ok := bytes.Cut(b, endOfHeader)
	if !ok {
		return b
	}
	c.open = true
	if _, group, ok := bytes.Cut(head, []byte("?group=")); ok {
		group, _, _ = bytes.Cut(group, []byte(" "))
		c.group = string(group)
		s.groups[c.group] = append(s.groups[c.group], c)
	}
	s.write(c, []byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"))
	return rest
}

// obey does what a frame of package counterpart says.
func (s *server) obey(c *conn, payload []byte) {
	if bytes.HasPrefix(payload, []byte("e ")) {
		s.out = appendText(s.out[:0], payload)
		s.write(c, s.out)
		return
	}
	group, text, _ := bytes.Cut(bytes.TrimPrefix(payload, []byte("g ")), []byte("\n"))
	s.out = appendText(s.out[:0], text)
	for _, member := range s.groups[string(group)] {
		s.write(member, s.out)
	}
}

// write sends all or ends the conn.
func (s *server) write(c *conn, b []byte) {
	if c.fd >= 0 {
		if n, err := unix.Write(c.fd, b); err != nil || n < len(b) {
			s.end(c)
		}
	}
}

func (s *server) end(c *conn) {
	if c.fd >= 0 {
		s.conns[c.fd] = nil
		unix.Close(c.fd)
		c.fd, c.open = -1, false
	}
}
