package ws

import (
	"context"
	"time"

	"github.com/parley-im/parley/gateway/internal/frame"
)

// maxJump is how far the clock follows when ticks were missed.
const maxJump = 5

// live turns the wheel until ctx ends: it is the only goroutine that looks after
// pings, silence, ends that take too long, and the sum of all queues.
func (s *Server) live(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	defer s.stopNapper()
	last := time.Now()
	var visits []visit
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.sweep.asked:
			s.sweepSum()
			continue
		case <-ticker.C:
		}
		now := time.Now()
		n := catchUp(now.Sub(last))
		last = last.Add(time.Duration(n) * tick)
		if now.Sub(last) > maxJump*tick {
			last = now
		}
		for range n {
			turn := s.clock.t.Add(1)
			visits = s.wheel.dueNow(turn, visits[:0])
			for _, v := range visits {
				s.wheel.next(v.c, v.due, s.visit(v.c, turn))
			}
			clear(visits)
		}
		s.sweepSum()
	}
}

// catchUp says how many ticks the time since the last ones is worth.
func catchUp(since time.Duration) int {
	return int(min(max(since/tick, 1), maxJump))
}

// visit does what is due for c and says when to come again.
func (s *Server) visit(c *Conn, now uint32) uint32 {
	l := s.limits()
	c.mu.Lock()
	if c.phase == dead {
		c.mu.Unlock()
		return now + wheelSlots // its read goroutine takes it out
	}
	if c.phase == closing {
		by := c.closeBy
		c.mu.Unlock()
		if by <= now {
			c.kill(Close{})
		}
		return by
	}
	if !c.opened {
		c.mu.Unlock()
		return now + l.pingTicks() // the handshake has deadlines of its own
	}
	if c.moveIn != 0 && c.closeBy <= now {
		c.move() // it has waited for its answers long enough
		by := c.closeBy
		c.mu.Unlock()
		return by
	}
	if c.q.n == 0 && !c.writing {
		c.q.shrink()
	}
	if c.pingAt <= now {
		c.pingAt += max(l.pingTicks(), now-c.pingAt+1)
		c.push(s.ping)
		if s.textPing != nil {
			c.push(s.textPing)
		}
		c.list()
	}
	due := c.pingAt
	if c.moveIn != 0 {
		due = min(due, c.closeBy)
	}
	awake := !c.asleep && c.raw != nil && l.NapAfter > 0
	c.mu.Unlock()

	silent, unfinished := c.read.waited(now)
	if silent > l.idleTicks() {
		c.finish(Close{Code: codeIdle, Reason: "idle", By: ByTimeout}, nil)
		return now + 1
	}
	if unfinished > l.messageTicks() {
		c.finish(Close{Code: codeIdle, Reason: "message timeout", By: ByTimeout}, nil)
		return now + 1
	}
	due = min(due, now+l.idleTicks()-silent+1)
	switch {
	case !awake:
	case silent < l.napTicks():
		due = min(due, now+l.napTicks()-silent)
	case unfinished > 0:
		due = min(due, now+l.napTicks())
	case s.startNapper():
		c.askToNap()
	}
	if unfinished > 0 {
		due = min(due, now+l.messageTicks()-unfinished+1)
	} else {
		due = min(due, now+l.messageTicks())
	}
	return due
}

func (l *Limits) pingTicks() uint32    { return max(ticksOf(l.PingInterval), 1) }
func (l *Limits) idleTicks() uint32    { return ticksOf(l.IdleTimeout) }
func (l *Limits) messageTicks() uint32 { return ticksOf(l.MessageTimeout) }

// napTicks is, without naps, later than anything else.
func (l *Limits) napTicks() uint32 {
	if l.NapAfter < 0 {
		return wheelSlots
	}
	return ticksOf(l.NapAfter)
}

func (l *Limits) writeTicks() uint32 { return ticksOf(l.WriteTimeout) + 1 }
func (l *Limits) moveTicks() uint32  { return ticksOf(l.MoveWait) + 1 }
func (l *Limits) waitTicks() uint32  { return ticksOf(l.CloseWait) + 1 }

// newPing makes the one ping that all conns share. It waits at most once in a
// queue.
func newPing() *frame.Frame { return controlFrame(opPing, nil, frame.Merge, "\x00ping") }
