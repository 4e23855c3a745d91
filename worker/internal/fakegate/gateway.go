package fakegate

import (
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// RouteLease is what the gateway grants; see docs/link-protocol.md.
const RouteLease = 800 * time.Millisecond

// settleWait is how long a bind waits for workers that do not acknowledge.
const settleWait = time.Second

// maxSession is the largest session that is kept.
const maxSession = 16 << 10

// Stream is one attached stream, as the gateway sees it.
type Stream interface {
	// Send gives the worker a run of records, which it must not keep.
	Send(records []byte) error
	// Recv waits for a run of records, valid until the next call.
	Recv() (records []byte, err error)
}

// Gateway is the gateway. Its zero value is of no use.
type Gateway struct {
	Boot uint64
	Node string

	// MaxGroups is how many groups a conn may be in; 0: no bound. Set it before use.
	MaxGroups int

	// Features are what it says it can do; an older gateway has fewer. Set it before use.
	Features []string

	// Old makes it know no batches, and pass over the queries that came after version 1.0
	// of the protocol. Set it before use.
	Old bool

	// WorkerNode is the name of the worker that attaches. Set it before use.
	WorkerNode string

	// Shedding makes it refuse to shed, as if one went on. Set it before use.
	Shedding bool

	mu       sync.Mutex
	draining bool
	next     uint64 // number of the next conn
	conns    map[uint64]*Conn
	peers    []*peer // attached, in the order they came
	sessions map[uint64]*session
	interest interest
	once     map[record.Once]bool
	parked   []*Conn       // conns with events and nobody to have them
	lost     int           // acknowledgements that are still to be lost
	deaf     bool          // beats are not granted
	last     bool          // what is given is at its last try
	alone    record.Alone  // what a worker handles alone, as it said; zero: nothing
	frozen   chan struct{} // closed when it goes on; nil: it stands still no more
	changed  chan struct{}
	stats    Stats
}

// Stats counts what a test may want to know.
type Stats struct {
	Moves       int
	Redelivered int
	RefusedOld  int // acknowledgements of an older term
	Sends       int // Send records applied
	Commands    int // Command records applied
	Repeats     int // records that had been applied before
	DeltaAcks   int
	Alone       int // runs alone that were begun
}

// New returns a gateway with no conn and no worker.
func New(node string, boot uint64) *Gateway {
	return &Gateway{
		Boot: boot, Node: node,
		Features: []string{record.FeatureExceptUsers, record.FeatureMergeSession, record.FeatureAlone},
		next:     1,
		conns:    make(map[uint64]*Conn),
		sessions: make(map[uint64]*session),
		interest: interest{names: make(map[name]int)},
		once:     make(map[record.Once]bool),
		changed:  make(chan struct{}),
	}
}

// Stats returns the counts.
func (g *Gateway) Stats() Stats {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.stats
}

// Draining reports whether it was asked to drain.
func (g *Gateway) Draining() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.draining
}

// Workers returns how many workers are attached.
func (g *Gateway) Workers() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.peers)
}

// InStep reports how many attached workers have acknowledged all of the interest.
func (g *Gateway) InStep() (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.peers {
		if p.acked >= g.interest.seq {
			n++
		}
	}
	return n
}

// Changed returns a channel that is closed at the next change of anything.
func (g *Gateway) Changed() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.changed
}

// tell wakes whoever waits for a change. g.mu is held.
func (g *Gateway) tell() {
	close(g.changed)
	g.changed = make(chan struct{})
}

// SetDeaf makes the gateway leave beats without an answer, or answer them again.
func (g *Gateway) SetDeaf(deaf bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.deaf = deaf
}

// SetLastTry makes every event that is given from now on run alone, as if it had cost
// other workers, or not any more.
func (g *Gateway) SetLastTry(last bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last = last
}

// Alone is what a worker has said that it handles alone: the zero Alone when it does not,
// one without Conn when that is of another gateway.
func (g *Gateway) Alone() record.Alone {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.alone
}

// SetFrozen makes the gateway stand still, as a process that is stopped, or go on: it
// reads nothing, and what attaches meanwhile hears nothing.
func (g *Gateway) SetFrozen(frozen bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case frozen && g.frozen == nil:
		g.frozen = make(chan struct{})
	case !frozen && g.frozen != nil:
		close(g.frozen)
		g.frozen = nil
	}
}

// thawed waits until the gateway goes on.
func (g *Gateway) thawed() {
	g.mu.Lock()
	frozen := g.frozen
	g.mu.Unlock()
	if frozen != nil {
		<-frozen
	}
}

// LoseAcks makes the next n acknowledgements be lost, as if each worker had died
// before it sent it: their effects do not happen, the events come again.
func (g *Gateway) LoseAcks(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lost += n
}

// MoveAll takes every conn from its worker. What is unacknowledged goes again to
// whoever has least.
func (g *Gateway) MoveAll() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.conns {
		if c.owner != nil {
			c.owner.write(record.AppendRevoked(nil, record.Revoked{Conn: c.id, Term: c.term + 1}))
			c.move()
		}
	}
	g.tell()
}

// Leave tells the workers that the gateway drains.
func (g *Gateway) Leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.peers {
		p.write(record.AppendLeaving(nil))
	}
}

// Inject gives every attached worker raw records.
func (g *Gateway) Inject(records []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.peers {
		p.write(records)
	}
}

// Cut ends the stream of every worker.
func (g *Gateway) Cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.peers {
		p.end()
	}
}

// encode marshals a message of ours, which cannot fail.
func encode(m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	return b
}

func attachedBody(last uint64, node string) []byte {
	return encode(&gatewayv1.Attached{
		LastCommand: last, RouteLeaseMs: uint32(RouteLease.Milliseconds()),
		MaxFrameBytes: 64 << 10, MaxSessionBytes: maxSession, PublicUrl: "ws://" + node,
	})
}
