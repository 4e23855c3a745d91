//go:build !linux

package proc

import "syscall"

// dieWithParent cannot be had here: after a kill -9 of the supervisor its
// children go on, and the next run names the ports they hold.
func dieWithParent(*syscall.SysProcAttr) {}
