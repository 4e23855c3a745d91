package e2e

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parley-im/parley/deploy/client"
	"github.com/parley-im/parley/proto/connid"
)

// letters name the conns of a cell.
const letters = "ABCD"

// cell is what one call is about: the conns A to D, or D alone. All are in the group
// that is called like the cell, B and D also in NAME.bd. They are bound to the user NAME,
// or each to one of its own, NAME.A to NAME.D.
type cell struct {
	Name string
	IDs  [4]connid.ID // zero: not there
	Node string       // of the gateway of D, where a call is about that
}

// frame is what the call sends.
func (c cell) frame() string { return "for " + c.Name }

// toAll is what a call sends to everybody; who is in another cell leaves it out.
func (c cell) toAll() string { return everybody + c.Name }

const everybody = "for all "

// own is the user of one conn.
func (c cell) own(letter byte) string { return c.Name + "." + string(letter) }

// owns are the users of all four.
func (c cell) owns() (users []string) {
	for i := range letters {
		users = append(users, c.own(letters[i]))
	}
	return users
}

func (c cell) pair() string { return c.Name + ".bd" }

func (c cell) d() connid.ID { return c.IDs[3] }

// named puts the letters of conns in order.
func (c cell) named(ids []connid.ID) string {
	var list []byte
	for _, id := range ids {
		if i := slices.Index(c.IDs[:], id); i >= 0 {
			list = append(list, letters[i])
		} else {
			list = append(list, '?')
		}
	}
	slices.Sort(list)
	return string(list)
}

// seats are the sockets of a cell.
type seats struct {
	cell
	row   *row
	socks [4]*sock
}

// sock is a client whose frames are kept as they come.
type sock struct {
	conn *client.Conn

	mu     sync.Mutex
	frames []string
	ended  error
	done   chan struct{}
}

func (s *sock) read() {
	defer close(s.done)
	for {
		m, err := s.conn.Read()
		s.mu.Lock()
		if err == nil {
			s.frames = append(s.frames, string(m.Payload))
		} else {
			s.ended = err
		}
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// heard is what came, but for what was for everybody and not of this cell; the first
// frame tells the id and is left out too.
func (s *sock) heard(own string) (frames []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.frames[min(1, len(s.frames)):] {
		if !strings.HasPrefix(f, everybody) || f == own {
			frames = append(frames, f)
		}
	}
	return frames
}

// end tells how the socket has ended: a close code, 1006 without one, 0 while it is open.
func (s *sock) end() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var closed *client.Closed
	switch {
	case s.ended == nil:
		return 0
	case errors.As(s.ended, &closed):
		return closed.Code
	}
	return 1006
}

// sit opens the conns of cells, A to D at the gateways that at names, and returns when all
// have told their ids.
func (m *matrix) sit(t *testing.T, at [4]int, all ...*seats) {
	t.Helper()
	var eg errgroup.Group
	eg.SetLimit(16)
	ids := make([][4]connid.ID, len(all)) // not yet in the cells, which are read meanwhile
	for n, s := range all {
		for i := range letters {
			if s.row.one && i != 3 {
				continue
			}
			eg.Go(func() (err error) {
				if s.socks[i], err = m.open(at[i], s.query(i)); err == nil {
					ids[n][i], err = s.socks[i].id()
				}
				return err
			})
		}
	}
	must(t, eg.Wait())
	for n, s := range all {
		s.IDs = ids[n]
	}
}

func (s *seats) query(i int) url.Values {
	q := url.Values{"user": {s.Name}, "group": {s.Name}}
	if s.row.own {
		q.Set("user", s.own(letters[i]))
	}
	if i%2 == 1 {
		q.Add("group", s.pair())
	}
	if s.row.probation {
		q.Set("confirm", probation.String())
	}
	return q
}

// open dials a gateway, and cuts the socket when the test ends.
func (m *matrix) open(gateway int, q url.Values) (*sock, error) {
	conn, err := client.Dial(m.t.Context(), m.URL(gateway)+"?"+q.Encode(), client.Options{ReadBuffer: 512, Subprotocols: []string{"a", "b"}})
	if err != nil {
		return nil, err
	}
	s := &sock{conn: conn, done: make(chan struct{})}
	go s.read()
	m.mu.Lock()
	m.socks = append(m.socks, s)
	m.mu.Unlock()
	return s, nil
}

// id waits for the first frame, which tells it.
func (s *sock) id() (connid.ID, error) {
	for deadline := time.Now().Add(everything); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		s.mu.Lock()
		n, first, ended := len(s.frames), "", s.ended
		if n > 0 {
			first = s.frames[0]
		}
		s.mu.Unlock()
		if n > 0 {
			return connid.Parse(strings.TrimPrefix(first, "id "))
		}
		if ended != nil {
			return connid.ID{}, ended
		}
	}
	return connid.ID{}, errors.New("the conn never told its id")
}

// leave cuts all sockets.
func (m *matrix) leave() {
	m.mu.Lock()
	socks := m.socks
	m.mu.Unlock()
	for _, s := range socks {
		s.conn.Cut()
	}
	for _, s := range socks {
		<-s.done
	}
}

// happened compares what the sockets of the given letters have seen with what the row
// says; marked is whether the mark that follows everything is there too. It returns
// "" when all is as it should be.
func (s *seats) happened(which string, marked bool) string {
	for i := range letters {
		if s.socks[i] == nil || !strings.Contains(which, letters[i:i+1]) {
			continue
		}
		want, end := s.due(letters[i], marked)
		got := s.socks[i].heard(s.toAll())
		if !slices.Equal(got, want) || s.socks[i].end() != end {
			return fmt.Sprintf("%s: %c heard %q and ended with %d, want %q and %d", s.Name, letters[i], got, s.socks[i].end(), want, end)
		}
	}
	return ""
}

// due is what a conn has to hear, and how it has to end.
func (s *seats) due(letter byte, marked bool) (frames []string, end int) {
	if strings.IndexByte(s.row.hears, letter) >= 0 {
		frames = append(frames, cmp.Or(s.row.text(s.cell), s.frame()))
	}
	if strings.IndexByte(s.row.ends, letter) >= 0 {
		end = cmp.Or(s.row.code, 1006)
	}
	if s.row.conn != nil && (end == 0 || s.row.code != 0) {
		frames = append(frames, ran)
	}
	if end == 0 && marked {
		frames = append(frames, mark)
	}
	return frames, end
}
