package answer

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind is what a frame asks for.
type Kind string

// The kinds; see the package's comment.
const (
	Reply   Kind = "reply"
	Session Kind = "session"
	Bind    Kind = "bind"
	Check   Kind = "check"
	Push    Kind = "push"
	To      Kind = "to"
	As      Kind = "as"
	Die     Kind = "die"
)

// Stream is what one conn of many asks for, frame by frame: mostly replies, and
// everything else often enough to be under way whenever a fault strikes. The
// streams of different numbers are shifted against each other.
type Stream uint64

// Kind is the kind of frame n.
func (s Stream) Kind(n uint64) Kind {
	switch (n + uint64(s)) % 16 {
	case 2, 10:
		return Session
	case 4, 12:
		return Push
	case 0, 6:
		return Check
	case 7:
		return Bind
	}
	return Reply
}

// SessionBefore is the session that the handler of frame n must see: that of the
// last frame before it that wrote one.
func (s Stream) SessionBefore(n uint64) string {
	for n--; n > 0; n-- {
		if s.Kind(n) == Session {
			return strconv.FormatUint(n, 10)
		}
	}
	return NoSession
}

// What stands in an answer where the session would.
const (
	NoSession = "-"    // there is none
	WrongUser = "user" // the gateway has the conn under another user
)

// Ask makes the frame of a client.
func Ask(kind Kind, tag string, n uint64, arg string) string {
	return strings.TrimSuffix(fmt.Sprintf("%s %s %d %s", kind, tag, n, arg), " ")
}

// Question is a frame of a client, taken apart.
type Question struct {
	Kind Kind
	Tag  string
	N    uint64
	Arg  string
}

// ParseQuestion takes a client's frame apart.
func ParseQuestion(frame string) (Question, error) {
	f := strings.Fields(frame)
	if len(f) < 3 || len(f) > 4 {
		return Question{}, fmt.Errorf("frame %.60q is not KIND TAG N [ARG]", frame)
	}
	n, err := strconv.ParseUint(f[2], 10, 64)
	if err != nil {
		return Question{}, fmt.Errorf("frame %.60q: %w", frame, err)
	}
	q := Question{Kind: Kind(f[0]), Tag: f[1], N: n}
	if len(f) == 4 {
		q.Arg = f[3]
	}
	return q, nil
}

// Answer is a frame of the worker, taken apart.
type Answer struct {
	Tag     string
	N       uint64
	Who     string // the process; empty on a message
	Session string
	Message bool // `msg TAG N`, sent on behalf of another conn
}

func (a Answer) frame() string {
	if a.Message {
		return fmt.Sprintf("msg %s %d", a.Tag, a.N)
	}
	return fmt.Sprintf("%s %d %s %s", a.Tag, a.N, a.Who, a.Session)
}

// ParseAnswer takes a worker's frame apart; ok is false for anything else.
func ParseAnswer(frame string) (a Answer, ok bool) {
	f := strings.Fields(frame)
	switch {
	case len(f) == 3 && f[0] == "msg":
		a = Answer{Message: true}
		f = f[1:]
	case len(f) == 4:
		a = Answer{Who: f[2], Session: f[3]}
	default:
		return a, false
	}
	n, err := strconv.ParseUint(f[1], 10, 64)
	a.Tag, a.N = f[0], n
	return a, err == nil
}
