package server

import "sync"

// gate counts what goes on and can be shut: then nothing more begins, and whoever
// shut it can wait until all has ended.
type gate struct {
	mu     sync.Mutex
	inside int
	closed bool
	empty  chan struct{} // closed once shut and nobody is inside
}

func newGate() *gate { return &gate{empty: make(chan struct{})} }

// enter says whether something may begin; then leave must follow.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.inside++
	return true
}

// bring runs f in a goroutine that counts too. The caller is inside.
func (g *gate) bring(f func()) {
	g.mu.Lock()
	g.inside++
	g.mu.Unlock()
	go func() {
		defer g.leave()
		f()
	}()
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside--; g.inside == 0 && g.closed {
		close(g.empty)
	}
}

// shut lets nothing begin any more and returns a channel that is closed when all
// that had begun has ended.
func (g *gate) shut() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.closed = true
		if g.inside == 0 {
			close(g.empty)
		}
	}
	return g.empty
}
