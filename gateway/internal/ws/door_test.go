package ws

import (
	"net"
	"os"
	"syscall"
	"testing"
)

// TestErrorOfOneConnDoesNotEndAccepting is what accept(2) says of Linux: errors of
// the network that wait on the new socket come back from accept, and are to be
// treated like "try again".
func TestErrorOfOneConnDoesNotEndAccepting(t *testing.T) {
	for _, e := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED,
		syscall.ECONNRESET, syscall.EINTR, syscall.ENETDOWN, syscall.EPROTO, syscall.EHOSTDOWN, syscall.EHOSTUNREACH,
		syscall.ENETUNREACH, syscall.ETIMEDOUT, syscall.EPERM} {
		if err := (&net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", e)}); !passing(err) {
			t.Errorf("%v ends a gateway", err)
		}
	}
	for _, e := range []syscall.Errno{syscall.EBADF, syscall.EINVAL, syscall.ENOTSOCK} {
		if err := (&net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", e)}); passing(err) {
			t.Errorf("%v is waited out", err)
		}
	}
}
