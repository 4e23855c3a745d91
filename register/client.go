package register

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Role is the role in the identity of a register. A client hangs up on a listener
// of another role.
const Role = "register"

// Client keeps this process in the directory of every register, and its views of
// the others up to date. All methods may be called from any goroutine, before,
// during and after Run; none but Run and Leave blocks.
type Client struct {
	cfg   Config
	start time.Time // time is counted from here, by the monotonic clock

	mu       sync.Mutex // guards what follows; never held during I/O
	running  bool
	secrets  []string
	self     *announcement       // what to announce; nil: not joined
	revision uint64              // of the last thing this process said of itself
	joined   chan struct{}       // see Joined
	leaving  *farewell           // a Leave that waits for answers
	leases   map[string]struct{} // registers that were told the announcement and may have our lease
	up       map[string]bool     // registers that are reached
	roles    map[string]*role
	linked   map[uint64]struct{} // boots with a living link; the merges read it
	lease    time.Duration       // the longest a register has told
	lastSeen time.Duration       // when observe was last called
	lastWait time.Duration       // when "waiting for a register" was last logged
	wake     chan struct{}       // closed and replaced when sessions have something to look at
}

// New checks cfg and starts nothing.
func New(cfg Config) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	cfg.Registers = slices.Clone(cfg.Registers)
	return &Client{
		cfg: cfg, start: time.Now(), secrets: slices.Clone(cfg.Secrets), lease: cfg.Lease, lastWait: -waitLogEvery,
		joined: make(chan struct{}), leases: map[string]struct{}{}, up: map[string]bool{},
		roles: map[string]*role{}, linked: map[uint64]struct{}{}, wake: make(chan struct{}),
	}, nil
}

// Run dials all registers and keeps the lease and the views until ctx ends; then it
// returns nil, with everything it started ended. It does not leave: a process that
// goes away in order calls Leave first. It may be called once.
func (c *Client) Run(ctx context.Context) error {
	c.mu.Lock()
	if c.running {
		c.mu.Unlock()
		return errors.New("register: Run was called twice")
	}
	c.running = true
	c.mu.Unlock()

	var eg errgroup.Group
	for _, addr := range c.cfg.Registers {
		eg.Go(func() error { c.keep(ctx, addr); return nil })
	}
	eg.Go(func() error { c.tick(ctx); return nil })
	return eg.Wait()
}

// LinkAlive tells whether this process has a living link to the process life boot.
// A living link outvotes registers: such a member stays in every view, even when its
// lease ended. Tell the end of a link too, or the member stays for ever.
func (c *Client) LinkAlive(boot uint64, alive bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if alive {
		c.linked[boot] = struct{}{}
	} else {
		delete(c.linked, boot)
	}
	now := c.observe()
	for _, r := range c.roles {
		r.merge.review(boot, now)
		r.notify()
	}
}

// Registers are those that this process was told of, by address, and whether each is
// reached now.
func (c *Client) Registers() map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	reached := make(map[string]bool, len(c.cfg.Registers))
	for _, addr := range c.cfg.Registers {
		reached[addr] = c.up[addr]
	}
	return reached
}

// SetSecrets replaces the secrets; streams that are open stay. For rotation.
func (c *Client) SetSecrets(secrets []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.secrets = slices.Clone(secrets)
}

// observe returns the time and, when this process itself stood still since the last
// call, forgives the others their silence. Every entry into a merge comes through
// here, with c.mu held; tick makes sure that it is called often.
func (c *Client) observe() time.Duration {
	now := time.Since(c.start)
	if c.running && now-c.lastSeen > c.lease/2 {
		for _, r := range c.roles {
			r.merge.forgive()
		}
	}
	c.lastSeen = now
	return now
}

// tick lets the merges see that time passes.
func (c *Client) tick(ctx context.Context) {
	t := time.NewTicker(max(c.cfg.Lease/10, 10*time.Millisecond))
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		c.mu.Lock()
		now := c.observe()
		for _, r := range c.roles {
			r.merge.tick(now)
			r.notify()
		}
		c.mu.Unlock()
	}
}

// wakeSessions makes every session look at self, leaving and roles again.
func (c *Client) wakeSessions() {
	close(c.wake)
	c.wake = make(chan struct{})
}

// waitLogEvery is how often "waiting for a register" is said at most.
const waitLogEvery = 10 * time.Second

// failed notes that addr was not reached, or was lost, and tells whether it was up.
func (c *Client) failed(addr string) (wasUp bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wasUp = c.up[addr]
	delete(c.up, addr)
	return wasUp
}

// sayWaiting says, once in a while, that no register is reached; err is why the
// last one tried was not.
func (c *Client) sayWaiting(now time.Duration, err error) {
	c.mu.Lock()
	say := len(c.up) == 0 && now-c.lastWait >= waitLogEvery
	if say {
		c.lastWait = now
	}
	c.mu.Unlock()
	if say {
		c.cfg.Log.Warn("waiting for a register", "registers", c.cfg.Registers, "err", brief(err))
	}
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}
