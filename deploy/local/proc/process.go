package proc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a named process with one life after the other.
type Process struct {
	fleet *Fleet

	mu   sync.Mutex
	spec Spec
	life *life // the present or last one; nil: never started
	n    int   // lives so far
}

// life is one run of the program.
type life struct {
	pid   int
	began time.Time
	tail  *tail
	ended chan struct{} // closed when it has been waited for
	exit  Exit          // valid once ended is closed
}

// Exit is how a life ended.
type Exit struct {
	Code   int            // -1 when a signal ended it
	Signal syscall.Signal // 0: none
	After  time.Duration
}

func (e Exit) String() string {
	if e.Signal != 0 {
		return fmt.Sprintf("signal: %v", e.Signal)
	}
	return fmt.Sprintf("exit status %d", e.Code)
}

func newProcess(f *Fleet, s Spec) *Process { return &Process{fleet: f, spec: s} }

// Name returns the name in the fleet.
func (p *Process) Name() string { return p.Spec().Name }

// Spec returns what the next life is started as.
func (p *Process) Spec() Spec {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.spec
}

// Change lets change alter the Spec of the next life; the name stays.
func (p *Process) Change(change func(*Spec)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := p.spec.Name
	change(&p.spec)
	p.spec.Name = name
}

// Start begins a life. It is an error when one is under way.
func (p *Process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.life != nil && !isClosed(p.life.ended) {
		return fmt.Errorf("%s runs already", p.spec.Name)
	}
	cmd := p.spec.command()
	l := &life{began: time.Now(), tail: &tail{}, ended: make(chan struct{})}
	name := p.spec.Name
	out := &lines{emit: func(line []byte) {
		l.tail.add(line)
		p.fleet.out.Line(name, line)
	}}
	cmd.Stdout, cmd.Stderr = out, out // one writer: os/exec then uses one pipe and one goroutine
	if err := p.fleet.run(cmd); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	l.pid = cmd.Process.Pid
	p.life = l
	p.n++
	go func() {
		_ = cmd.Wait() // how it ended is read from the state
		out.flush()
		l.exit = exitOf(cmd.ProcessState, time.Since(l.began))
		close(l.ended)
	}()
	return nil
}

func exitOf(s *os.ProcessState, after time.Duration) Exit {
	e := Exit{Code: -1, After: after}
	if s == nil {
		return e
	}
	e.Code = s.ExitCode()
	if ws, ok := s.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		e.Signal = ws.Signal()
	}
	return e
}

// Running reports whether a life is under way, frozen or not.
func (p *Process) Running() bool {
	l := p.current()
	return l != nil && !isClosed(l.ended)
}

// PID returns the id of the running process, or 0.
func (p *Process) PID() int {
	if l := p.current(); l != nil && !isClosed(l.ended) {
		return l.pid
	}
	return 0
}

// Lives returns how often it was started.
func (p *Process) Lives() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.n
}

// Done returns a channel that is closed when the present life has ended.
func (p *Process) Done() <-chan struct{} {
	if l := p.current(); l != nil {
		return l.ended
	}
	never := make(chan struct{})
	close(never)
	return never
}

// Exit returns how the last life ended; ok is false while it runs.
func (p *Process) Exit() (e Exit, ok bool) {
	l := p.current()
	if l == nil || !isClosed(l.ended) {
		return Exit{}, false
	}
	return l.exit, true
}

// Tail returns the last lines that the present life has written.
func (p *Process) Tail() []string {
	if l := p.current(); l != nil {
		return l.tail.lines()
	}
	return nil
}

func (p *Process) current() *life {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.life
}

// errNotRunning is returned by everything that needs a living process.
var errNotRunning = errors.New("does not run")

// notRunning is errNotRunning with how the process ended, and what it said last: one that
// died by itself explains itself there.
func (p *Process) notRunning() error {
	e, ended := p.Exit()
	if !ended {
		return fmt.Errorf("%s: %w", p.Name(), errNotRunning)
	}
	return fmt.Errorf("%s: %w: it ended with %v; its last lines:\n%s", p.Name(), errNotRunning, e, strings.Join(p.Tail(), "\n"))
}

// Signal sends a signal to the whole process group.
func (p *Process) Signal(sig syscall.Signal) error {
	l := p.current()
	if l == nil || isClosed(l.ended) {
		return p.notRunning()
	}
	if err := syscall.Kill(-l.pid, sig); err != nil {
		return fmt.Errorf("signal %v to %s: %w", sig, p.Name(), err)
	}
	return nil
}

// Kill ends the process at once, kill -9, and waits until it is gone. A process
// that does not run is not an error.
func (p *Process) Kill() error {
	l := p.current()
	if l == nil || isClosed(l.ended) {
		return nil
	}
	err := syscall.Kill(-l.pid, syscall.SIGKILL)
	<-l.ended
	if errors.Is(err, syscall.ESRCH) {
		return nil // it ended by itself in this moment
	}
	return err
}

// Stop asks the process to end by SIGTERM and waits. When ctx ends first it is
// killed, and that is an error.
func (p *Process) Stop(ctx context.Context) (Exit, error) {
	l := p.current()
	if l == nil || isClosed(l.ended) {
		return Exit{}, p.notRunning()
	}
	if err := p.Signal(syscall.SIGTERM); err != nil && !isClosed(l.ended) {
		return Exit{}, err
	}
	select {
	case <-l.ended:
		return l.exit, nil
	case <-ctx.Done():
		p.dump(l)
		_ = p.Kill()
		return l.exit, fmt.Errorf("%s did not end after SIGTERM: %w", p.Name(), context.Cause(ctx))
	}
}

// dumpTime is for a process that hangs to write where it hangs.
const dumpTime = 2 * time.Second

// dump has a Go process write the stacks of its goroutines to its output.
func (p *Process) dump(l *life) {
	if p.Signal(syscall.SIGQUIT) != nil {
		return
	}
	select {
	case <-l.ended:
	case <-time.After(dumpTime):
	}
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}
