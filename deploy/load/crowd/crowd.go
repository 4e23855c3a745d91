package crowd

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// Player decides what a crowd does. Its methods are called on the goroutine of Run
// and must not wait.
type Player interface {
	// Frame gets a text or binary frame. payload is valid until it returns.
	Frame(c *Conn, payload []byte)
	// Tick gets how many ticks of Every have passed.
	Tick(n uint64)
	// Ended is told why a conn has ended: a *Closed, io.EOF or what went wrong.
	Ended(c *Conn, why error)
}

// Counts is what a crowd has done.
type Counts struct {
	FramesIn, FramesOut uint64 // data frames in; all frames out
	BytesIn             uint64
	Reads, Writes       uint64 // system calls
	Pings               uint64 // answered
}

// Crowd is many clients. See the package's comment for who may call what.
type Crowd struct {
	Counts Counts // of Run's goroutine

	poller  *poller
	player  Player
	conns   []*Conn
	open    int
	buf     []byte // what one read takes
	scratch []byte // what one write sends

	mu    sync.Mutex // guards what follows
	tasks []func()
	ended bool
}

// readBytes is what one read takes from a socket.
const readBytes = 64 << 10

// New makes a crowd without clients. Close it.
func New() (*Crowd, error) {
	p, err := newPoller()
	if err != nil {
		return nil, err
	}
	return &Crowd{poller: p, buf: make([]byte, readBytes)}, nil
}

// Open returns how many conns have not ended.
func (w *Crowd) Open() int { return w.open }

// Every makes the Player's Tick be called each d, 0: no longer. Ticks that pass
// while the Player is busy come together.
func (w *Crowd) Every(d time.Duration) error { return w.poller.every(d) }

// Run serves all conns until ctx ends, with the goroutine locked to its thread.
func (w *Crowd) Run(ctx context.Context, p Player) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer w.stop()
	stop := context.AfterFunc(ctx, w.poller.nudge)
	defer stop()
	w.player = p
	for _, c := range w.conns {
		c.feed(nil) // what came with the 101
	}
	visit := func(slot int32, in, out bool) {
		c := w.conns[slot]
		if out && c.fd >= 0 {
			c.flush()
		}
		if in && c.fd >= 0 {
			c.read()
		}
	}
	for ctx.Err() == nil {
		ticks, err := w.poller.wait(visit)
		if err != nil {
			return err
		}
		if ticks > 0 {
			p.Tick(ticks)
		}
		w.doTasks()
	}
	return nil
}

// Do runs f on the goroutine of Run and waits until it has returned. It reports
// false, and f was not run, when Run has returned.
func (w *Crowd) Do(f func()) bool {
	done := make(chan struct{})
	w.mu.Lock()
	if w.ended {
		w.mu.Unlock()
		return false
	}
	ran := true
	w.tasks = append(w.tasks, func() {
		defer close(done)
		if ran = !w.ended; ran {
			f()
		}
	})
	w.mu.Unlock()
	w.poller.nudge()
	<-done
	return ran
}

func (w *Crowd) doTasks() {
	w.mu.Lock()
	tasks := w.tasks
	w.tasks = nil
	w.mu.Unlock()
	for _, task := range tasks {
		task()
	}
}

// stop lets those go who wait in Do.
func (w *Crowd) stop() {
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
	w.doTasks()
}

// Close ends all conns without a word. Run must have returned.
func (w *Crowd) Close() {
	for _, c := range w.conns {
		c.hangUp()
	}
	w.poller.close()
}
