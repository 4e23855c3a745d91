package ws

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// Drain stops accepting, asks every client to come back elsewhere, spread over
// window, and waits until the last conn has gone or ctx ends. It closes conns
// with 1012; the reason says when this client should be back, so that they do
// not come together: "retry-after-ms=1234". Serve returns afterwards.
func (s *Server) Drain(ctx context.Context, window time.Duration) error {
	empty := s.shutDoors()
	s.shed(ctx, s.wheel.all(nil), window)
	for {
		// Handshakes that were under way may have become conns.
		s.shed(ctx, s.wheel.all(nil), 0)
		select {
		case <-empty:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("drain: %w", ctx.Err())
		case <-time.After(tick):
		}
	}
}

// Shed asks the given share, 0 to 1, of the clients to go elsewhere, as Drain
// asks all, and goes on accepting. It returns when all were asked, with their
// number.
func (s *Server) Shed(ctx context.Context, share float64, window time.Duration) int {
	conns := s.wheel.all(nil)
	rand.Shuffle(len(conns), func(i, j int) { conns[i], conns[j] = conns[j], conns[i] })
	n := int(min(max(share, 0), 1)*float64(len(conns)) + 0.5)
	return s.shed(ctx, conns[:n], window)
}

func (s *Server) shutDoors() (empty <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.draining {
		s.draining = true
		s.empty = make(chan struct{})
		for d := range s.doors {
			d.close()
		}
		s.tellEmpty()
	}
	return s.empty
}

// tellEmpty wakes Drain when the last conn has gone. Server.mu is held.
func (s *Server) tellEmpty() {
	if !s.draining || s.stats.conns.Load() != 0 {
		return
	}
	select {
	case <-s.empty:
	default:
		close(s.empty)
	}
}

// shed closes conns evenly over window, in random order.
func (s *Server) shed(ctx context.Context, conns []*Conn, window time.Duration) (asked int) {
	rand.Shuffle(len(conns), func(i, j int) { conns[i], conns[j] = conns[j], conns[i] })
	began := time.Now()
	for i, c := range conns {
		due := window * time.Duration(i) / time.Duration(len(conns))
		if wait := due - time.Since(began); wait > 10*time.Millisecond {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return asked
			}
		}
		if c.askToMove(window) {
			asked++
		}
	}
	return asked
}

func (c *Conn) askToMove(window time.Duration) bool {
	delay := rand.Int64N(max(window.Milliseconds(), 1))
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.opened || c.phase != accepting {
		return false
	}
	c.finishLocked(Close{Code: codeRestart, Reason: fmt.Sprintf("retry-after-ms=%d", delay), By: ByServer}, nil)
	c.list()
	return true
}
