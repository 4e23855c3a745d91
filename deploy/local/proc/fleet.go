package proc

import (
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"sync"
)

// Output takes what processes write, line by line. Line is called by one
// goroutine per stream of each process; it must not keep line.
type Output interface {
	Line(process string, line []byte)
}

// Discard is an Output that takes nothing down.
var Discard Output = discard{}

type discard struct{}

func (discard) Line(string, []byte) {}

// Fleet owns processes. Its methods may be called from any goroutine.
type Fleet struct {
	out    Output
	starts chan start
	ended  chan struct{} // closed when the starting thread has ended

	mu     sync.Mutex
	byName map[string]*Process
	order  []*Process
	closed bool
}

type start struct {
	cmd  *exec.Cmd
	done chan error
}

// NewFleet makes an empty fleet whose processes write to out. Close it.
func NewFleet(out Output) *Fleet {
	f := &Fleet{out: out, starts: make(chan start), ended: make(chan struct{}), byName: map[string]*Process{}}
	go f.starter()
	return f
}

// starter starts all children from one thread. A child dies with the thread that
// started it, and Go's other threads may end at any time.
func (f *Fleet) starter() {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	defer close(f.ended)
	for s := range f.starts {
		s.done <- s.cmd.Start()
	}
}

// Add makes a process that does not run yet. A name that is there already is a
// programming error.
func (f *Fleet) Add(s Spec) *Process {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byName[s.Name] != nil {
		panic(fmt.Sprintf("proc: two processes called %q", s.Name))
	}
	p := newProcess(f, s)
	f.byName[s.Name] = p
	f.order = append(f.order, p)
	return p
}

// Get returns the process of that name, or nil.
func (f *Fleet) Get(name string) *Process {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.byName[name]
}

// All returns the processes in the order they were added.
func (f *Fleet) All() []*Process {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.order)
}

// run starts cmd on the fleet's thread.
func (f *Fleet) run(cmd *exec.Cmd) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return fmt.Errorf("the fleet is closed")
	}
	s := start{cmd, make(chan error, 1)}
	f.starts <- s
	return <-s.done
}

// Close kills what still runs and waits until it has ended. Nothing can be
// started afterwards.
func (f *Fleet) Close() {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		<-f.ended
		return
	}
	f.closed = true
	f.mu.Unlock()
	var all sync.WaitGroup
	for _, p := range f.All() {
		all.Go(func() { _ = p.Kill() })
	}
	all.Wait()
	close(f.starts)
	<-f.ended
}
