package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/parley-im/parley/worker/chat/delivery"
)

// DrainFunc looks at the outbox once. more says that it should be called again at once.
type DrainFunc func(ctx context.Context) (more bool, err error)

// Bus is the connection of one process to NATS. Its methods may be called from any
// goroutine, before, while and after Run.
type Bus struct {
	cfg   Config
	names names
	pace  pace
	drain DrainFunc // nil: this process takes no drain

	link     atomic.Pointer[link] // nil: there is none now
	poked    chan struct{}        // the keeper should look at once
	retired  chan struct{}        // closed: takes no more drains
	retire   sync.Once
	outcomes chan outcome // has room for every event under way
	queue    chan *pending
	invals   chan invalidation

	mu      sync.Mutex // guards what follows; nothing is called under it
	state   state
	open    bool // NATS is there, and its streams were looked at
	waiting int  // events of which the caller has not heard yet
	bytes   int  // of those
	acks    map[*nats.Msg]*pending
	idle    chan struct{} // closed and nil when waiting is 0, for wind-up
	watches map[string][]*watcher
	topics  map[string]*topic
	down    outage
	trouble map[string]trouble
	review  review

	telling   sync.Mutex  // watchers are called one at a time
	known     sync.Map    // names of what was there once
	failing   atomic.Bool // the last drain here ended with an error
	forbidden atomic.Bool // that was logged, of this connection
	stats     stats
}

var _ delivery.Publisher = (*Bus)(nil)

type state int

const (
	fresh state = iota
	running
	ended
)

// pace is how often and how long; tests are in more of a hurry.
type pace struct {
	tick    time.Duration // between drains
	ackWait time.Duration // until a worker that says nothing loses the drain
	hold    time.Duration // a drain may last
	fetch   time.Duration // one wait for the drain
	check   time.Duration // between two looks at the streams
	recheck time.Duration // the same while something is wrong, and after a poke
	request time.Duration // for an answer of JetStream
	ack     time.Duration // for an event
	windUp  time.Duration // for the last events
	again   time.Duration // before a connection that was closed for good is made anew
}

var standard = pace{
	tick: time.Second, ackWait: 2 * time.Second, hold: 30 * time.Second, fetch: 3 * time.Second,
	check: 5 * time.Second, recheck: time.Second, request: 3 * time.Second,
	ack: 5 * time.Second, windUp: 2 * time.Second, again: 2 * time.Second,
}

// New checks the Config and starts nothing.
func New(cfg Config) (*Bus, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	return &Bus{
		cfg: cfg, names: namesOf(cfg.Prefix), pace: standard,
		poked: make(chan struct{}, 1), retired: make(chan struct{}),
		outcomes: make(chan outcome, maxPending), queue: make(chan *pending, maxPending),
		invals: make(chan invalidation, maxInvalidations),
		acks:   make(map[*nats.Msg]*pending), watches: make(map[string][]*watcher), topics: make(map[string]*topic),
		trouble: make(map[string]trouble),
	}, nil
}

// OnDrain says what is to be done when it is this worker's turn. It must be called
// before Run; a Bus without it takes no turns.
func (b *Bus) OnDrain(f DrainFunc) { b.drain = f }

// Retire takes no further turn at the outbox, and ends the context of a drain that is
// under way; another worker has it at once. The rest goes on. For a worker that drains.
func (b *Bus) Retire() { b.retire.Do(func() { close(b.retired) }) }

// begin lets Run go on, once.
func (b *Bus) begin() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state != fresh {
		return errors.New("bus: Run was called before")
	}
	b.state = running
	b.down = outage{since: time.Now(), err: fmt.Errorf("%s was not reached yet", shown(b.cfg.URL))}
	return nil
}

// poke makes the keeper look at once.
func (b *Bus) poke() {
	select {
	case b.poked <- struct{}{}:
	default: // it will
	}
}
