package link

import "time"

// hold returns the memory of a worker boot, new or old, for one stream, which
// gives it back with letGo. It drops those that nobody came back for.
func (l *Link) hold(boot uint64) *session {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.sessions[boot]
	if s == nil {
		l.forgetSessions(time.Now())
		s = newSession(boot)
		l.sessions[boot] = s
	}
	s.streams++
	return s
}

func (l *Link) letGo(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.streams--
	s.idle = time.Now()
}

// forgetSessions drops those that are too old, and the oldest when there are too
// many. mu is held.
func (l *Link) forgetSessions(now time.Time) {
	var oldest *session
	for boot, s := range l.sessions {
		switch {
		case s.streams > 0:
		case now.Sub(s.idle) > sessionMemory:
			delete(l.sessions, boot)
		case oldest == nil || s.idle.Before(oldest.idle):
			oldest = s
		}
	}
	if len(l.sessions) >= maxSessions && oldest != nil {
		delete(l.sessions, oldest.boot)
	}
}
