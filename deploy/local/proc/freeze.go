package proc

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
)

// Freeze stops the process with SIGSTOP: its sockets stay open and its peers see
// nothing but silence. It returns when the process has stopped.
func (p *Process) Freeze(ctx context.Context) error {
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	return p.AwaitFrozen(ctx)
}

// AwaitFrozen waits until the process stands still, whoever stopped it.
func (p *Process) AwaitFrozen(ctx context.Context) error {
	return poll(ctx, p.Name()+" to stand still", func() (bool, error) {
		pid := p.PID()
		if pid == 0 {
			return false, p.notRunning()
		}
		return frozen(pid), nil
	})
}

// Frozen reports whether the process stands still. Linux only; elsewhere true.
func (p *Process) Frozen() bool {
	pid := p.PID()
	return pid != 0 && frozen(pid)
}

// Thaw lets a frozen process go on.
func (p *Process) Thaw() error { return p.Signal(syscall.SIGCONT) }

// frozen reads the state behind the name in /proc/PID/stat.
func frozen(pid int) bool {
	if runtime.GOOS != "linux" {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	i := bytes.LastIndexByte(stat, ')')
	return i >= 0 && len(stat) > i+2 && stat[i+2] == 'T'
}

// PollEvery is how often a condition is looked at.
const PollEvery = 10 * time.Millisecond

// poll waits until what holds, or fails for good, or ctx ends.
func poll(ctx context.Context, what string, holds func() (bool, error)) error {
	tick := time.NewTicker(PollEvery)
	defer tick.Stop()
	for {
		ok, err := holds()
		if err != nil || ok {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, context.Cause(ctx))
		}
	}
}
