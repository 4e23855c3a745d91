package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// health is the last that was heard of something.
type health struct {
	mu   sync.Mutex // guards what follows; a leaf
	seen bool
	last error
}

// set notes how it is, and returns how it was.
func (h *health) set(err error) (was error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	was = h.last
	h.seen, h.last = true, err
	return was
}

// err returns what is wrong, nil: nothing.
func (h *health) err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.seen {
		return errors.New("waiting for it")
	}
	return h.last
}

// pause waits, and reports false when ctx ended before.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// jittered is d, a quarter more or less, so that workers do not come at once.
func jittered(d time.Duration) time.Duration { return d*3/4 + rand.N(d/2+1) }
