package verify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"sync"
	"time"

	"github.com/parley-im/parley/deploy/client"
	"github.com/parley-im/parley/deploy/verify/answer"
)

// Crowd is many clients that send numbered frames at a steady rate and write
// down what they send and what they get.
type Crowd struct {
	members []*member
	receive sync.WaitGroup
}

// openWithin bounds how long clients try to come in.
const openWithin = 20 * time.Second

// Gather opens n conns, spread evenly over the gateways, that ask for everything
// a worker can do. name begins their tags.
func Gather(ctx context.Context, name string, n int, gateways []string, start time.Time) (*Crowd, error) {
	c := &Crowd{}
	for i := range n {
		m := &member{
			tape: client.NewTape(fmt.Sprintf("%s%d", name, i), start), gateway: i % len(gateways),
			kind: answer.Stream(i).Kind, session: answer.Stream(i).SessionBefore,
		}
		m.said = client.NewTape(m.tape.Name+" pushed", start)
		m.heard, m.from = m.said, m.tape.Name
		c.members = append(c.members, m)
	}
	return c, c.open(ctx, gateways)
}

// GatherPairs opens n senders and n receivers, the two of a pair on different
// gateways. Everything that a sender says is for its receiver.
func GatherPairs(ctx context.Context, name string, n int, gateways []string, start time.Time) (*Crowd, error) {
	c := &Crowd{}
	for i := range n {
		receiver := &member{
			tape: client.NewTape(fmt.Sprintf("%sr%d", name, i), start), gateway: (i + 1) % len(gateways),
		}
		sender := &member{
			tape: client.NewTape(fmt.Sprintf("%ss%d", name, i), start), gateway: i % len(gateways),
			kind: func(uint64) answer.Kind { return answer.To }, to: answer.User(receiver.tape.Name, 0),
		}
		sender.said = client.NewTape(sender.tape.Name+" → "+receiver.tape.Name, start)
		receiver.heard, receiver.from = sender.said, sender.tape.Name
		c.members = append(c.members, sender, receiver)
	}
	return c, c.open(ctx, gateways)
}

// open dials for everybody and begins to listen.
func (c *Crowd) open(ctx context.Context, gateways []string) error {
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	errs := make(chan error, len(c.members))
	width := make(chan struct{}, 64) // handshakes at once
	for _, m := range c.members {
		go func() {
			width <- struct{}{}
			defer func() { <-width }()
			conn, err := dial(ctx, gateways[m.gateway], m.tape.Name)
			m.conn = conn
			errs <- err
		}()
	}
	var failed error
	for range c.members {
		if err := <-errs; err != nil && failed == nil {
			failed = err
			cancel()
		}
	}
	if failed != nil {
		c.Leave()
		return fmt.Errorf("open %d conns: %w", len(c.members), failed)
	}
	for _, m := range c.members {
		c.receive.Go(m.listen)
	}
	return nil
}

// dial opens a conn that is bound to the user TAG.0, however long the gateway
// says "come back in a moment".
func dial(ctx context.Context, gateway, tag string) (*client.Conn, error) {
	for {
		conn, err := client.Dial(ctx, gateway+"?tag="+url.QueryEscape(tag), client.Options{ReadBuffer: 1024})
		var refused *client.Refused
		if err == nil || !errors.As(err, &refused) || refused.Status != 503 {
			return conn, err
		}
		if !pause(ctx, 100*time.Millisecond) {
			return nil, fmt.Errorf("%w; last: %w", context.Cause(ctx), refused)
		}
	}
}

// Talk sends until ctx ends: rate frames a second in all, each conn at its own
// even pace. A conn that waits for window answers says nothing meanwhile, as if it
// were its turn again later; window 0 waits for nobody, so that a cluster that cannot
// keep up gets a backlog.
func (c *Crowd) Talk(ctx context.Context, rate, window int) {
	var talkers []*member
	for _, m := range c.members {
		if m.kind != nil {
			talkers = append(talkers, m)
		}
	}
	every := time.Duration(len(talkers)) * time.Second / time.Duration(max(rate, 1))
	var all sync.WaitGroup
	for _, m := range talkers {
		all.Go(func() { m.talk(ctx, every, window) })
	}
	all.Wait()
}

func (m *member) talk(ctx context.Context, every time.Duration, window int) {
	wait := time.NewTimer(rand.N(every))
	defer wait.Stop()
	for {
		select {
		case <-wait.C:
		case <-ctx.Done():
			return
		}
		wait.Reset(every)
		if sent, got := m.tape.Counts(); window == 0 || sent-got < window {
			m.say()
		}
	}
}

// Settle waits until everything sent was answered. It gives up when nothing new
// has come for patience.
func (c *Crowd) Settle(ctx context.Context, patience time.Duration) {
	last, since := -1, time.Now()
	for {
		_, waiting, got := c.Progress()
		if waiting <= 0 {
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

// Progress returns how many frames were sent, how many are still due on conns
// that may expect them, and how many have come.
func (c *Crowd) Progress() (sent, waiting, got int) {
	for _, m := range c.members {
		for _, tape := range m.tapes() {
			s, g := tape.Counts()
			sent, got = sent+s, got+g
			if s > g && !m.isExcused() {
				waiting += s - g
			}
		}
	}
	return sent, waiting, got
}

// Excuse says that gateway i is about to be killed: its sockets may end, and what
// was said on them last may go unanswered.
func (c *Crowd) Excuse(gateway int) {
	for _, m := range c.members {
		if m.gateway == gateway {
			m.mu.Lock()
			m.excused = true
			m.mu.Unlock()
		}
	}
}

// Leave ends all sockets and waits until everything that came is written down.
func (c *Crowd) Leave() {
	for _, m := range c.members {
		m.mu.Lock()
		m.leaving = true
		m.mu.Unlock()
		if m.conn != nil {
			m.conn.Cut()
		}
	}
	c.receive.Wait()
}

// Logs returns what stands on all tapes, those of excused conns apart.
func (c *Crowd) Logs() (strict, excused []client.Log) {
	for _, m := range c.members {
		for _, tape := range m.tapes() {
			if m.isExcused() {
				excused = append(excused, tape.Log())
			} else {
				strict = append(strict, tape.Log())
			}
		}
	}
	return strict, excused
}
