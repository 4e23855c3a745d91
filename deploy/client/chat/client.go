package chatclient

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/parley-im/parley/proto/fault"
)

// Client is one device of one user. Its methods may be called from any goroutine, also
// before Run and after it.
type Client struct {
	cfg  Config
	wake chan struct{} // of size 1: Run has something to do
	page int32         // messages and changes per fetch

	mu      sync.Mutex // guards everything below; never held while a socket is written to
	running bool
	line    *line         // the conn; nil: there is none
	changed chan struct{} // closed and replaced when a session opens, a conn is there, or all has ended
	over    error         // why there will be no conn any more; nil: there will
	gateway string        // the next to try
	calls   uint64        // made so far; the id of the last one
	frames  uint64        // received so far: what the client knows, in order

	auth    auth
	renewAt time.Time // when the living conn needs another token; zero: not known
	user    string
	cursor  string // of the last look at heads that was completed
	look    look

	conversations map[string]*conversation
	due           []*conversation // of which something has to be fetched, now or soon
	fetching      int             // calls that do
	fetchPace     pace            // between tries while the server is not able to answer them
	fetchAt       time.Time       // not before
	outbox        outbox
	presence      map[string]Presence
	watched       map[string]bool // whose presence is asked for when a session opens
	names         map[string]string

	n          Counters
	conns      int // numbers given to conns
	ended      []ConnRecord
	received   []Received
	sent       []Sent // answered for good
	violations []Violation
}

// New checks the config and starts nothing.
func New(cfg Config) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("chat client: %w", err)
	}
	cfg.setDefaults()
	c := &Client{
		cfg: cfg, wake: make(chan struct{}, 1), page: perPage, changed: make(chan struct{}), gateway: cfg.Gateways[rand.IntN(len(cfg.Gateways))],
		conversations: map[string]*conversation{}, presence: map[string]Presence{}, watched: map[string]bool{}, names: map[string]string{},
	}
	c.auth.begin(&cfg)
	c.look.pace, c.fetchPace = c.retryPace(), c.retryPace()
	c.outbox.queues = map[string]*queue{}
	return c, nil
}

var errTwice = errors.New("chat client: it runs already")

// Run keeps the client connected until ctx ends, which is no error, or until the server
// ends it for good, which is an *EndedError. All it started has ended when it returns.
// It may be called again: the client goes on where it was.
func (c *Client) Run(ctx context.Context) error {
	c.mu.Lock()
	if c.running {
		c.mu.Unlock()
		return errTwice
	}
	c.running, c.over = true, nil
	c.mu.Unlock()

	err := c.again(ctx)

	c.mu.Lock()
	c.running = false
	if err != nil {
		c.over = err
		c.failSends(err)
	}
	c.tell()
	c.mu.Unlock()
	return err
}

// again goes from one conn to the next.
func (c *Client) again(ctx context.Context) error {
	pause := pace{first: c.cfg.Times.Again, most: c.cfg.Times.AgainMost}
	for ctx.Err() == nil {
		end, stable, err := c.once(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		case !end.again:
			return &EndedError{Code: end.code, Reason: end.reason}
		}
		if stable {
			pause.reset()
		}
		if end.atOnce && pause.n == 0 {
			pause.n++
			continue
		}
		if !sleep(ctx, pause.next(end.after)) {
			return nil
		}
		if end.code != fault.CloseResync && end.code != fault.CloseRenew {
			c.elsewhere(ctx)
		}
	}
	return nil
}

// findWithin bounds how long a client waits to be told where the gateways are.
const findWithin = 2 * time.Second

// elsewhere makes the next conn one to another gateway, if there is one: the first of those
// that are told now, which are in an order that spreads all who ask, else one by chance.
func (c *Client) elsewhere(ctx context.Context) {
	list := slices.Clone(c.cfg.Gateways)
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	if c.cfg.Find != nil {
		ctx, cancel := context.WithTimeout(ctx, findWithin)
		defer cancel()
		if told, err := c.cfg.Find(ctx); err != nil {
			c.cfg.Log.Debug("gateways are not told", "device", c.cfg.Device, "err", err)
		} else if len(told) > 0 {
			list = told
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.IndexFunc(list, func(url string) bool { return url != c.gateway }); i >= 0 {
		c.gateway = list[i]
	}
}

// Cut ends the conn there is without a word, as a network does.
func (c *Client) Cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.line != nil {
		c.line.conn.Cut()
	}
}

// WaitLive waits until a session is open. It returns the error of Run when there will
// be none.
func (c *Client) WaitLive(ctx context.Context) error {
	_, err := c.await(ctx, func(l *line) bool { return l.live })
	if err == nil {
		c.mu.Unlock()
	}
	return err
}

// await waits for a conn that is good enough. If it returns one, c.mu is held.
func (c *Client) await(ctx context.Context, good func(*line) bool) (*line, error) {
	for {
		c.mu.Lock()
		l, changed, over := c.line, c.changed, c.over
		switch {
		case over != nil:
			c.mu.Unlock()
			return nil, over
		case l != nil && good(l):
			return l, nil
		}
		c.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// tell wakes those who wait for a conn. c.mu is held.
func (c *Client) tell() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// wakeUp makes Run look for something to do.
func (c *Client) wakeUp() {
	select {
	case c.wake <- struct{}{}:
	default: // it has not looked yet
	}
}

func (c *Client) retryPace() pace {
	return pace{first: c.cfg.Times.Retry, most: c.cfg.Times.RetryMost}
}

// sleep reports whether d passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
