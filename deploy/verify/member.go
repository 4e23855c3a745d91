package verify

import (
	"fmt"
	"strconv"
	"sync"

	"github.com/parley-im/parley/deploy/client"
	"github.com/parley-im/parley/deploy/verify/answer"
)

// member is one client of a crowd.
type member struct {
	tape    *client.Tape // what it asked, and the answers
	gateway int
	conn    *client.Conn

	kind    func(n uint64) answer.Kind // of its n-th frame; nil: it only listens
	session func(n uint64) string      // that the handler of its n-th frame must have seen; nil: none
	to      string                     // the user that frames of kind To are for

	said  *client.Tape // what its frames of kind To and Push make others hear
	heard *client.Tape // what it hears that others said; nil: nobody does
	from  string       // the tag of those

	answered chan<- struct{} // gets a value for each answer; nil: nobody waits

	mu      sync.Mutex
	leaving bool // we ended the socket ourselves
	excused bool // its gateway was killed
}

// tapes are those that are to be compared.
func (m *member) tapes() []*client.Tape {
	if m.heard != nil {
		return []*client.Tape{m.tape, m.heard}
	}
	return []*client.Tape{m.tape}
}

func (m *member) isExcused() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.excused
}

// say sends the next frame. A socket that is gone is found out by listen.
func (m *member) say() {
	n := m.tape.NextSent()
	kind, arg := m.kind(n), ""
	switch kind {
	case answer.Push:
		arg = strconv.FormatUint(m.said.NextSent(), 10)
	case answer.To:
		m.said.NextSent() // n as well: such a member sends nothing else
		arg = m.to
	}
	_ = m.conn.Send(answer.Ask(kind, m.tape.Name, n, arg))
}

// listen writes down everything that comes, until the socket ends.
func (m *member) listen() {
	for {
		msg, err := m.conn.Read()
		if err != nil {
			m.mu.Lock()
			defer m.mu.Unlock()
			if !m.leaving && !m.excused {
				m.tape.Ended(err.Error())
			}
			return
		}
		m.take(string(msg.Payload))
	}
}

func (m *member) take(frame string) {
	a, ok := answer.ParseAnswer(frame)
	switch {
	case ok && a.Message && m.heard != nil && a.Tag == m.from:
		m.heard.Got(a.N, "")
	case ok && !a.Message && a.Tag == m.tape.Name:
		want := answer.NoSession
		if m.session != nil {
			want = m.session(a.N)
		}
		if a.Session != want {
			m.tape.Odd(fmt.Sprintf("frame %d saw session %s, want %s", a.N, a.Session, want))
		}
		m.tape.Got(a.N, a.Who)
		if m.answered != nil {
			select {
			case m.answered <- struct{}{}:
			default: // a repeat: the tape has it
			}
		}
	default:
		m.tape.Odd(frame)
	}
}
