//go:build !linux

package crowd

import (
	"errors"
	"time"
)

// poller cannot be had here.
type poller struct{}

var errLinuxOnly = errors.New("crowd: needs Linux (epoll)")

func newPoller() (*poller, error)                            { return nil, errLinuxOnly }
func (*poller) add(int, int32) error                         { return errLinuxOnly }
func (*poller) watchWrites(int, int32, bool) error           { return errLinuxOnly }
func (*poller) every(time.Duration) error                    { return errLinuxOnly }
func (*poller) nudge()                                       {}
func (*poller) wait(func(int32, bool, bool)) (uint64, error) { return 0, errLinuxOnly }
func (*poller) close()                                       {}
