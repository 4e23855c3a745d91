package verify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/parley-im/parley/deploy/client"
	"github.com/parley-im/parley/deploy/verify/answer"
)

// roamers are clients that go where they are sent: each says numbered frames, every one of
// which makes a listener hear it, and when its gateway asks it to move it stays away for the
// delay that it was told, asks api where to go, and goes on. Listeners stay where they are,
// on a gateway of their own: what was handled, how often and in which order, is what they hear.
type roamers struct {
	list      []*roamer
	listeners []*listener
	all       sync.WaitGroup
	start     time.Time
}

// roamer is one of them.
type roamer struct {
	name  string
	to    string       // the user that its frames are for
	asked *client.Tape // what it said, and the answers
	said  *client.Tape // what the listener hears of it
	find  func(context.Context) ([]string, error)

	mu      sync.Mutex // guards what follows
	at      string     // URL of its gateway
	conn    *client.Conn
	pending uint64          // a frame that did not leave, to be said first on the next conn; 0: none
	late    uint64          // the frame that was so
	from    int             // of what it said: the first on this conn
	crossed map[uint64]bool // frames without an answer when they were asked to move
	moves   []move
	broken  []string // what a client must not see
	leaving bool
}

// move is one time that a client was asked to go elsewhere.
type move struct {
	from, to string
	at       time.Duration // when the close came
	delay    time.Duration // that its reason has
	back     time.Duration // when the next conn was open; 0: never
}

// listener hears many.
type listener struct {
	conn  *client.Conn
	tapes map[string]*client.Tape // by who speaks
	mu    sync.Mutex              // guards odd
	odd   []string
}

// crossing is how long before its client saw a close a frame may have been sent that has no
// answer: it met the close on its way.
const crossing = time.Second

// openRoamers opens n roamers, evenly over the gateways, and so many listeners on one more.
func openRoamers(ctx context.Context, n, listeners int, gateways []string, hall string, find func(context.Context) ([]string, error), start time.Time) (*roamers, error) {
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	c := &roamers{start: start}
	for i := range listeners {
		conn, err := dial(ctx, hall, fmt.Sprintf("l%d", i))
		if err != nil {
			c.Leave()
			return nil, fmt.Errorf("open %d listeners: %w", listeners, err)
		}
		c.listeners = append(c.listeners, &listener{conn: conn, tapes: map[string]*client.Tape{}})
	}
	for i := range n {
		name := fmt.Sprintf("r%d", i)
		m := &roamer{
			name: name, to: answer.User(fmt.Sprintf("l%d", i%listeners), 0), find: find, at: gateways[i%len(gateways)],
			asked: client.NewTape(name, start), said: client.NewTape(name+" heard", start), from: 1, crossed: map[uint64]bool{},
		}
		c.listeners[i%listeners].tapes[name] = m.said
		c.list = append(c.list, m)
	}
	for _, l := range c.listeners {
		c.all.Go(l.listen)
	}
	width := make(chan struct{}, 64)
	errs := make(chan error, n)
	for _, m := range c.list {
		go func() {
			width <- struct{}{}
			defer func() { <-width }()
			var err error
			m.conn, err = dial(ctx, m.at, m.name)
			errs <- err
		}()
	}
	var failed error
	for range n {
		failed = errors.Join(failed, <-errs)
	}
	if failed != nil {
		c.Leave()
		return nil, fmt.Errorf("open %d conns: %w", n, failed)
	}
	return c, nil
}

// Talk lets all say something at an even pace, rate frames a second in all, until ctx ends.
// Conns are kept and replaced until life ends.
func (c *roamers) Talk(ctx, life context.Context, rate int) {
	every := time.Duration(len(c.list)) * time.Second / time.Duration(max(rate, 1))
	var talking sync.WaitGroup
	for _, m := range c.list {
		c.all.Go(func() { m.live(life) })
		talking.Go(func() {
			wait := time.NewTimer(rand.N(every))
			defer wait.Stop()
			for {
				select {
				case <-wait.C:
					wait.Reset(every)
					m.say()
				case <-ctx.Done():
					return
				}
			}
		})
	}
	talking.Wait()
}

// say sends the next frame, if there is a conn. A frame that has not left is said again on
// the next one.
func (m *roamer) say() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.conn == nil {
		return
	}
	n := m.pending
	if n == 0 {
		n = m.asked.NextSent()
		m.said.NextSent() // the same number
	}
	m.pending = 0
	if err := m.conn.Send(answer.Ask(answer.To, m.name, n, m.to)); err != nil {
		m.pending = n // it says so before anything is written, or has closed the socket itself
	}
}

// live listens on one conn after the other, until ctx ends.
func (m *roamer) live(ctx context.Context) {
	for {
		err := m.listen()
		at := m.asked.Since()
		var closed *client.Closed
		if !errors.As(err, &closed) || closed.Code != 1012 || m.isLeaving() {
			if !m.isLeaving() {
				m.asked.Ended(err.Error())
			}
			m.gone()
			return
		}
		delay, err := delayIn(closed.Reason)
		if err != nil {
			m.asked.Ended(err.Error())
		}
		m.away(at, delay)
		if !pause(ctx, delay) || !m.comeBack(ctx) {
			return
		}
	}
}

func (m *roamer) isLeaving() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.leaving
}

// gone notes that there is no conn.
func (m *roamer) gone() {
	m.mu.Lock()
	m.conn = nil
	m.mu.Unlock()
}

// away notes that the conn was closed at a moment, and what met the close on its way.
func (m *roamer) away(at, delay time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conn = nil
	m.moves = append(m.moves, move{from: m.at, at: at, delay: delay})
	log := m.asked.Log()
	answered := map[uint64]bool{}
	for _, got := range log.Got {
		answered[got.N] = true
	}
	for _, sent := range log.Sent[m.from-1:] {
		if answered[sent.N] || sent.N == m.pending {
			continue
		}
		if at-sent.At > crossing && sent.N != m.late {
			m.broken = append(m.broken, fmt.Sprintf("%s: frame %d was said %v before its conn was asked to move, and not answered", m.name, sent.N, at-sent.At))
		}
		m.crossed[sent.N] = true
	}
	m.from, m.late = len(log.Sent)+1, m.pending
	if m.pending != 0 {
		m.from--
	}
}

// comeBack opens a conn elsewhere, once the listener has heard everything: two gateways do
// not keep the order of one client between them.
func (m *roamer) comeBack(ctx context.Context) bool {
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
		sent, got := m.said.Counts()
		if m.pending != 0 {
			sent--
		}
		if got >= sent {
			break
		}
		if !pause(ctx, 5*time.Millisecond) {
			return false
		}
	}
	for {
		list, err := m.find(ctx)
		i := slices.IndexFunc(list, func(url string) bool { return url != m.at })
		if err == nil && i < 0 {
			err = fmt.Errorf("told %q", list)
		}
		if err == nil {
			var conn *client.Conn
			if conn, err = dial(ctx, list[i], m.name); err == nil {
				m.mu.Lock()
				m.at, m.conn = list[i], conn
				last := &m.moves[len(m.moves)-1]
				last.to, last.back = list[i], m.asked.Since()
				leaving := m.leaving
				m.mu.Unlock()
				if leaving {
					conn.Cut()
				}
				return true
			}
		}
		m.mu.Lock()
		m.broken = append(m.broken, fmt.Sprintf("%s cannot come back: %v", m.name, err))
		m.mu.Unlock()
		if !pause(ctx, 100*time.Millisecond) {
			return false
		}
	}
}

// listen writes down the answers, until the conn ends.
func (m *roamer) listen() error {
	m.mu.Lock()
	conn := m.conn
	m.mu.Unlock()
	for {
		msg, err := conn.Read()
		if err != nil {
			return err
		}
		a, ok := answer.ParseAnswer(string(msg.Payload))
		if !ok || a.Message || a.Tag != m.name {
			m.asked.Odd(string(msg.Payload))
			continue
		}
		m.asked.Got(a.N, a.Who)
	}
}

func (l *listener) listen() {
	for {
		msg, err := l.conn.Read()
		if err != nil {
			return
		}
		a, ok := answer.ParseAnswer(string(msg.Payload))
		tape := l.tapes[a.Tag]
		if !ok || !a.Message || tape == nil {
			l.mu.Lock()
			l.odd = append(l.odd, string(msg.Payload))
			l.mu.Unlock()
			continue
		}
		tape.Got(a.N, "")
	}
}

// delayIn reads the reason of a 1012.
func delayIn(reason string) (time.Duration, error) {
	digits, found := strings.CutPrefix(reason, "retry-after-ms=")
	ms, err := strconv.ParseUint(digits, 10, 32)
	if !found || err != nil {
		return 0, fmt.Errorf("closed with 1012 %q: no delay", reason)
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// Settle waits until all that was said is heard and, but for what crossed a close, answered.
// It gives up when nothing new has come for patience.
func (c *roamers) Settle(ctx context.Context, patience time.Duration) {
	last, since := -1, time.Now()
	for {
		waiting, got := 0, 0
		for _, m := range c.list {
			m.mu.Lock()
			crossed, pending := len(m.crossed), m.pending
			m.mu.Unlock()
			for tape, excused := range map[*client.Tape]int{m.asked: crossed, m.said: 0} {
				s, g := tape.Counts()
				if pending != 0 {
					s--
				}
				waiting, got = waiting+max(0, s-g-excused), got+g
			}
		}
		if waiting == 0 {
			return
		}
		if got != last {
			last, since = got, time.Now()
		}
		if time.Since(since) > patience || !pause(ctx, 20*time.Millisecond) {
			return
		}
	}
}

// Leave ends all conns and waits until everything that came is written down.
func (c *roamers) Leave() {
	for _, m := range c.list {
		m.mu.Lock()
		m.leaving = true
		if m.conn != nil {
			m.conn.Cut()
		}
		m.mu.Unlock()
	}
	for _, l := range c.listeners {
		l.conn.Cut()
	}
	c.all.Wait()
}

// Logs returns what was heard, and what was answered but for what crossed a close.
func (c *roamers) Logs() (list []client.Log) {
	for _, m := range c.list {
		heard, asked := m.said.Log(), without(m.asked.Log(), m.crossed)
		if m.pending != 0 { // it never left
			heard.Sent, asked.Sent = heard.Sent[:len(heard.Sent)-1], asked.Sent[:len(asked.Sent)-1]
		}
		list = append(list, heard, asked)
	}
	return list
}

// without takes frames off a log and counts the others anew.
func without(log client.Log, frames map[uint64]bool) client.Log {
	if len(frames) == 0 {
		return log
	}
	number := map[uint64]uint64{}
	var sent []client.Mark
	for _, mark := range log.Sent {
		if !frames[mark.N] {
			number[mark.N] = uint64(len(sent)) + 1
			mark.N = number[mark.N]
			sent = append(sent, mark)
		}
	}
	got := make([]client.Mark, len(log.Got))
	for i, mark := range log.Got {
		mark.N = number[mark.N] // 0, strange, if it is answered after all
		got[i] = mark
	}
	log.Sent, log.Got = sent, got
	return log
}

// Moves returns every move, by when the close came, and what clients saw that they must not.
func (c *roamers) Moves() (moves []move, crossed int, broken []string) {
	for _, m := range c.list {
		m.mu.Lock()
		moves, broken = append(moves, m.moves...), append(broken, m.broken...)
		crossed += len(m.crossed)
		m.mu.Unlock()
	}
	for _, l := range c.listeners {
		l.mu.Lock()
		for _, odd := range l.odd {
			broken = append(broken, fmt.Sprintf("a listener heard %.60q", odd))
		}
		l.mu.Unlock()
	}
	slices.SortFunc(moves, func(a, b move) int { return int(a.at - b.at) })
	return moves, crossed, broken
}
