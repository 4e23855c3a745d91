package ws

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/parley-im/parley/proto/faultpoint"
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
// not come together: "retry-after-ms=1234". A conn whose peer is owed something is closed
// when it has got that, after Limits.MoveWait at the latest. Serve returns afterwards.
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

// shed asks conns to move evenly over window, in random order.
func (s *Server) shed(ctx context.Context, conns []*Conn, window time.Duration, why MoveReason) (asked int) {
	rand.Shuffle(len(conns), func(i, j int) { conns[i], conns[j] = conns[j], conns[i] })
	began, over := time.Now(), window
	if faultpoint.Sabotaged(faultpoint.MoveAtOnce) {
		over = 0
	}
	for i, c := range conns {
		due := over * time.Duration(i) / time.Duration(len(conns))
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

// askToMove has the conn closed as soon as nothing is owed to the peer, so that what it
// has asked is answered before. It reports whether the conn was there to be asked.
func (c *Conn) askToMove(window time.Duration) bool {
	delay := rand.Int64N(max(window.Milliseconds(), 1))
	c.mu.Lock()
	if !c.opened || c.phase != accepting || c.moveIn != 0 {
		c.mu.Unlock()
		return false
	}
	c.moveIn = uint32(delay) + 1
	c.endBy(c.door.s.limits().moveTicks())
	c.mu.Unlock()
	if c.door.s.handler.Moving(c) {
		c.MoveNow()
	}
	return true
}

// MoveNow asks a conn that Handler.Moving was called for to go elsewhere: nothing is owed
// to the peer any more. It never blocks; a later call does nothing.
func (c *Conn) MoveNow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.move()
}

// move closes a conn that is to move. What the peer says before it sees that is taken
// and handled; there is no way to answer it. Conn.mu is held.
func (c *Conn) move() {
	if c.moveIn == 0 || c.phase != accepting {
		return
	}
	c.finishLocked(Close{Code: codeRestart, Reason: fmt.Sprintf("retry-after-ms=%d", c.moveIn-1), By: ByServer}, nil)
	c.list()
}
