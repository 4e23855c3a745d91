package ws

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// MoveReason is why conns are asked to go elsewhere.
type MoveReason uint8

// The reasons.
const (
	ByDrain MoveReason = iota // the gateway leaves
	ByShed                    // it has more than its share
	moveReasons
)

func (r MoveReason) String() string { return [...]string{"drain", "shed"}[r] }

// Drain stops accepting, asks every client to come back elsewhere, spread over
// window, and waits until the last conn has gone or ctx ends. It closes conns
// with 1012; the reason says when this client should be back, so that they do
// not come together: "retry-after-ms=1234". Serve returns afterwards.
func (s *Server) Drain(ctx context.Context, window time.Duration) error {
	empty := s.shutDoors()
	s.shed(ctx, s.wheel.all(nil), window, ByDrain)
	for {
		// Handshakes that were under way may have become conns.
		s.shed(ctx, s.wheel.all(nil), 0, ByDrain)
		select {
		case <-empty:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("drain: %w", ctx.Err())
		case <-time.After(tick):
		}
	}
}

// Draw returns the given share, 0 to 1, of the conns that are open, drawn by chance.
func (s *Server) Draw(share float64) []*Conn {
	conns := slices.DeleteFunc(s.wheel.all(nil), func(c *Conn) bool { return !c.movable() })
	rand.Shuffle(len(conns), func(i, j int) { conns[i], conns[j] = conns[j], conns[i] })
	return conns[:int(min(max(share, 0), 1)*float64(len(conns))+0.5)]
}

// Shed asks conns that Draw returned to go elsewhere, spread over window, as Drain asks
// all, and goes on accepting. It returns when all were asked, with the number of those who
// were still there, or when ctx ends.
func (s *Server) Shed(ctx context.Context, conns []*Conn, window time.Duration) (asked int) {
	return s.shed(ctx, conns, window, ByShed)
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
func (s *Server) shed(ctx context.Context, conns []*Conn, window time.Duration, why MoveReason) (asked int) {
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
			s.stats.askedToMove[why].Add(1)
		}
	}
	return asked
}

// movable reports whether the conn may be asked to move.
func (c *Conn) movable() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.opened && c.phase == accepting
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
