//go:build linux || darwin

package ws

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// unsentBytes is how much may wait unsent in the kernel for one conn. Without it
// a client that reads nothing has the kernel hold 3–4 MB (measured on Linux
// 6.18), unseen by the bound of its queue, and some hundreds of them bring TCP
// memory under pressure for all.
const unsentBytes = 128 << 10

func limitUnsent(raw syscall.RawConn) {
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentBytes)
	})
}
