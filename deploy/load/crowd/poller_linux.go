package crowd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// poller waits for sockets, one timer and nudges of other goroutines.
type poller struct {
	epoll, timer, event int
	ready               []unix.EpollEvent
}

// Slots that are no conn.
const (
	timerSlot = -1
	eventSlot = -2
)

func newPoller() (*poller, error) {
	p := &poller{epoll: -1, timer: -1, event: -1, ready: make([]unix.EpollEvent, 512)}
	var err error
	if p.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err == nil {
		p.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	}
	if err == nil {
		p.event, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	}
	if err == nil {
		err = errors.Join(p.add(p.timer, timerSlot), p.add(p.event, eventSlot))
	}
	if err != nil {
		p.close()
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return p, nil
}

// add watches fd for input, under the name of slot.
func (p *poller) add(fd int, slot int32) error { return p.control(unix.EPOLL_CTL_ADD, fd, slot, false) }

// watchWrites also watches fd for room to write, or no longer.
func (p *poller) watchWrites(fd int, slot int32, on bool) error {
	return p.control(unix.EPOLL_CTL_MOD, fd, slot, on)
}

func (p *poller) control(op, fd int, slot int32, writes bool) error {
	e := unix.EpollEvent{Events: unix.EPOLLIN, Fd: slot}
	if writes {
		e.Events |= unix.EPOLLOUT
	}
	return unix.EpollCtl(p.epoll, op, fd, &e)
}

// every makes wait return a tick each d; 0 ends it.
func (p *poller) every(d time.Duration) error {
	t := unix.NsecToTimespec(int64(d))
	return unix.TimerfdSettime(p.timer, 0, &unix.ItimerSpec{Interval: t, Value: t}, nil)
}

// nudge makes wait return. Any goroutine may call it.
func (p *poller) nudge() {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	_, _ = unix.Write(p.event, one[:]) // full means that a nudge is on its way
}

// wait blocks until something happens, and calls visit for each socket with input,
// or room if that is watched. It returns the ticks that have passed.
func (p *poller) wait(visit func(slot int32, in, out bool)) (ticks uint64, err error) {
	n, err := unix.EpollWait(p.epoll, p.ready, -1)
	if err != nil {
		if errors.Is(err, unix.EINTR) {
			return 0, nil
		}
		return 0, fmt.Errorf("epoll: %w", err)
	}
	for _, e := range p.ready[:n] {
		switch e.Fd {
		case timerSlot:
			ticks = drain(p.timer)
		case eventSlot:
			drain(p.event)
		default:
			visit(e.Fd, e.Events&^unix.EPOLLOUT != 0, e.Events&unix.EPOLLOUT != 0)
		}
	}
	return ticks, nil
}

// drain reads the count of a timerfd or eventfd, which sets it back.
func drain(fd int) uint64 {
	var b [8]byte
	if n, err := unix.Read(fd, b[:]); err != nil || n != len(b) {
		return 0
	}
	return binary.NativeEndian.Uint64(b[:])
}

func (p *poller) close() {
	for _, fd := range []int{p.epoll, p.timer, p.event} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}
