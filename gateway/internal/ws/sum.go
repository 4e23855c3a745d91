package ws

import "slices"

// sweep is how senders ask for a look at the sum of all queues.
type sweep struct {
	asked chan struct{} // of one place
	// The sweeper's own.
	epoch   uint32
	checked int64 // up to this rough sum all is known to be well
}

func (s *sweep) ask() {
	select {
	case s.asked <- struct{}{}:
	default:
	}
}

// sweepSum keeps what all queues hold within QueueSum. What senders add up
// counts a shared frame once per conn: cheap, and far too much after a blast. So
// when that rough sum is above the limit, every frame is counted once; if it is
// really too much, the conns above their fair share are closed, greediest first.
// It runs on the wheel's goroutine, each tick and when the alarm rings.
func (s *Server) sweepSum() {
	limit := s.limits().QueueSum
	rough := s.queued()
	switch {
	case rough <= limit:
		s.sweep.checked = limit
	case rough > s.sweep.checked:
		held := s.trim(limit)
		rough = s.queued()
		s.sweep.checked = rough + max(limit-held, limit/16)
	}
	s.arm(s.sweep.checked - rough)
}

// trim counts what is really held and closes the greediest until it fits.
func (s *Server) trim(limit int64) (held int64) {
	s.sweep.epoch++
	conns := s.wheel.all(nil)
	type holder struct {
		c     *Conn
		bytes int
	}
	var holders []holder
	for _, c := range conns {
		c.mu.Lock()
		for i := range c.q.n {
			if f := *c.q.at(i); f.Mark(s.sweep.epoch) {
				held += int64(f.Size())
			}
		}
		if c.q.bytes > 0 && c.phase == accepting {
			holders = append(holders, holder{c, c.q.bytes})
		}
		c.mu.Unlock()
	}
	share := int(limit / int64(max(len(conns), 1)))
	slices.SortFunc(holders, func(a, b holder) int { return b.bytes - a.bytes })
	for _, h := range holders {
		if held <= limit || h.bytes <= share {
			break
		}
		held -= int64(h.bytes)
		s.stats.sumCloses.Add(1)
		h.c.mu.Lock()
		if h.c.phase == accepting {
			h.c.overflow()
			h.c.list()
		}
		h.c.mu.Unlock()
	}
	return held
}

func (s *Server) queued() (sum int64) {
	for _, f := range s.flushers {
		sum += f.queued.Load()
	}
	return sum
}

// arm lets the alarm ring when room more has been queued.
func (s *Server) arm(room int64) {
	for _, f := range s.flushers {
		f.alarm.Store(f.queued.Load() + max(room, 0)/int64(len(s.flushers)))
	}
}
