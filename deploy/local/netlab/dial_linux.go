package netlab

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// Dial is net.Dialer.DialContext as a process in the node would do it. addr is an IP
// address and a port: names are those of this process.
func (n *Node) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	done := make(chan result, 1)
	go func() {
		// A socket belongs to the namespace of the thread that makes it. The thread ends with
		// this goroutine, because it is not unlocked.
		runtime.LockOSThread()
		var r result
		if r.err = enter(n.Netns); r.err == nil {
			r.conn, r.err = (&net.Dialer{KeepAlive: -1}).DialContext(ctx, network, addr)
		}
		done <- r
	}()
	r := <-done
	return r.conn, r.err
}

// enter moves the thread of the caller into a namespace.
func enter(netns string) error {
	fd, err := unix.Open(filepath.Join("/run/netns", netns), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("netlab: %s: %w", netns, err)
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("netlab: enter %s: %w", netns, err)
	}
	return nil
}
