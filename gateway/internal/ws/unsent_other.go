//go:build !linux && !darwin

package ws

import "syscall"

func limitUnsent(syscall.RawConn) {}
