package presence

import "time"

// said is whom this worker has lately told what may have been over already. They believe
// it until somebody says otherwise, and nobody but this worker knows that: the one whose
// part it is may have told before the asker was there. So when the user turns out to be
// there, or gone, this worker tells them, whoever's part it is to tell the others.
//
// It is two generations, so that it forgets without a walk, and bounded: of whom there
// was no room this worker tells only what is its part.
type said struct {
	lasts      time.Duration // for how long it is remembered, at most twice that
	young, old map[string]audience
	turned     time.Time
}

const (
	// behind is how far this worker's routes may be behind another's while it trusts them:
	// a bind waits a second for it, and then goes on without.
	behind = 2 * time.Second
	// mostSaid bounds the users in a generation.
	mostSaid = 1 << 17
)

// add notes who was told of a user.
func (s *said) add(user string, to audience) {
	before, there := s.young[user]
	if !there && len(s.young) >= mostSaid {
		return
	}
	if s.young == nil {
		s.young = map[string]audience{}
	}
	s.young[user] = before.with(to)
}

// take returns who was told of a user, and forgets it: they are told anew.
func (s *said) take(user string) audience {
	to := s.young[user].with(s.old[user])
	delete(s.young, user)
	delete(s.old, user)
	return to
}

// turn forgets what is old enough.
func (s *said) turn(now time.Time) {
	if now.Sub(s.turned) >= s.lasts {
		s.old, s.young, s.turned = s.young, nil, now
	}
}
