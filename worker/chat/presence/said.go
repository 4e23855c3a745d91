package presence

import "time"

// said is of whom this worker has lately said what may have been over already. Whoever
// heard it believes it until somebody says otherwise, and nobody but this worker knows
// that: the one whose part it is may have told before the asker was there. So when the
// user turns out to be there, or gone, this worker tells it, whoever's part it is.
//
// It is two generations, so that it forgets without a walk, and bounded: of whom there
// was no room this worker tells only what is its part.
type said struct {
	lasts      time.Duration // for how long a user is remembered, at most twice that
	young, old map[string]struct{}
	turned     time.Time
}

const (
	// behind is how far this worker's routes may be behind another's while it trusts them:
	// a bind waits a second for it, and then goes on without.
	behind = 2 * time.Second
	// mostSaid bounds a generation.
	mostSaid = 1 << 17
)

// add notes a user.
func (s *said) add(user string) {
	if len(s.young) >= mostSaid {
		return
	}
	if s.young == nil {
		s.young = map[string]struct{}{}
	}
	s.young[user] = struct{}{}
}

func (s *said) has(user string) bool {
	if _, there := s.young[user]; there {
		return true
	}
	_, there := s.old[user]
	return there
}

// turn forgets what is old enough.
func (s *said) turn(now time.Time) {
	if now.Sub(s.turned) >= s.lasts {
		s.old, s.young, s.turned = s.young, nil, now
	}
}
