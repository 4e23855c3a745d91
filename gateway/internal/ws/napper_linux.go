package ws

import (
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// napper watches the sockets of all napping conns with one epoll and one
// goroutine. The runtime's own poller watches that epoll, so no thread waits.
type napper struct {
	file *os.File
	raw  syscall.RawConn

	fd   int // of the epoll
	done sync.WaitGroup

	mu   sync.Mutex // guards what follows; taken after Conn.mu
	byFD []*Conn
}

// newNapper makes and runs one.
func newNapper() (*napper, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("epoll: %w", err)
	}
	n := &napper{file: os.NewFile(uintptr(fd), "epoll"), fd: fd}
	if n.raw, err = n.file.SyscallConn(); err != nil {
		n.file.Close()
		return nil, fmt.Errorf("epoll: %w", err)
	}
	n.done.Go(n.run)
	return n, nil
}

// watch has c stirred when its socket has something, once. Conn.mu is held.
func (n *napper) watch(c *Conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	var err error
	failed := c.raw.Control(func(fd uintptr) {
		for len(n.byFD) <= int(fd) {
			n.byFD = append(n.byFD, nil)
		}
		n.byFD[fd] = c
		c.read.fd = int32(fd)
		event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLONESHOT, Fd: int32(fd)}
		err = unix.EpollCtl(n.fd, unix.EPOLL_CTL_MOD, int(fd), &event)
		if err == unix.ENOENT { // its first nap
			err = unix.EpollCtl(n.fd, unix.EPOLL_CTL_ADD, int(fd), &event)
		}
	})
	return failed == nil && err == nil
}

// forget is for a conn that is killed in its sleep, before its descriptor can
// be another's. Conn.mu is held.
func (n *napper) forget(c *Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if fd := int(c.read.fd); fd < len(n.byFD) && n.byFD[fd] == c {
		n.byFD[fd] = nil
	}
}

// run stirs conns until close.
func (n *napper) run() {
	events := make([]unix.EpollEvent, 256)
	for {
		count := 0
		err := n.raw.Read(func(fd uintptr) bool {
			var err error
			count, err = unix.EpollWait(int(fd), events, 0)
			return count > 0 || err != nil && err != unix.EINTR
		})
		if err != nil {
			return
		}
		for _, e := range events[:max(count, 0)] {
			if c := n.take(int(e.Fd)); c != nil {
				c.stir()
			}
		}
	}
}

func (n *napper) take(fd int) *Conn {
	n.mu.Lock()
	defer n.mu.Unlock()
	if fd >= len(n.byFD) {
		return nil
	}
	c := n.byFD[fd]
	n.byFD[fd] = nil
	return c
}

// close ends run and waits for it. No conn is left.
func (n *napper) close() {
	n.file.Close()
	n.done.Wait()
}
