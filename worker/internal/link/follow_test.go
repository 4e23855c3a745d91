package link

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/register"
)

// stuck is a Dialer whose first attempt at a gateway ends only when it is let go.
type stuck struct{ letGo chan struct{} }

func (d stuck) Dial(ctx context.Context, _ register.Member, _ int) (Stream, error) {
	<-d.letGo
	return nil, errors.New("nobody there")
}

// A gateway that is out of the view for a moment remembers the numbers it has applied:
// they are not given again, even while the link it had is still ending.
func TestGatewayThatComesBackAtOnceGetsNewNumbers(t *testing.T) {
	m := testMesh(0)
	d := stuck{make(chan struct{})}
	m.dial, m.known = d, make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	defer func() { cancel(); close(d.letGo); m.stop() }()
	member := register.Member{ID: "gateway", Boot: 7}
	send := func(g *Gateway) (uint64, error) {
		s := record.Send{Target: record.ToAll, Class: record.Must, Bodies: []record.Body{{}}}
		err := g.TrySend(&s, nil)
		return s.N, err
	}
	var last uint64
	for round := range 3 {
		m.follow(ctx, []register.Member{member})
		g := m.Gateway(7)
		for range 5 {
			n, err := send(g)
			if err != nil || n <= last {
				t.Fatalf("round %d: number %d after %d, %v", round, n, last, err)
			}
			last = n
		}
		m.follow(ctx, nil)
		if n, err := send(g); !errors.Is(err, ErrGone) {
			t.Fatalf("round %d: number %d was given after it left, %v", round, n, err)
		}
	}
}

// early is a Dialer that counts the attempts at gateways that nobody can send to yet.
type early struct {
	mesh     *Mesh
	attempts atomic.Int64
	early    atomic.Int64
}

func (d *early) Dial(_ context.Context, member register.Member, _ int) (Stream, error) {
	if d.mesh.Gateway(member.Boot) == nil {
		d.early.Add(1)
	}
	d.attempts.Add(1)
	return nil, errors.New("nobody there")
}

// What comes by a link may be answered by a send back, and a route that was acknowledged
// must be found: both need the gateway in the roster.
func TestGatewayIsKnownBeforeItsLinkBegins(t *testing.T) {
	m := testMesh(0)
	d := &early{mesh: m}
	m.dial, m.known = d, make(chan struct{})
	members := make([]register.Member, 2000)
	for i := range members {
		members[i] = register.Member{ID: "gateway", Boot: uint64(i + 1)}
	}
	ctx, cancel := context.WithCancel(t.Context())
	m.follow(ctx, members)
	cancel()
	m.stop()
	if d.attempts.Load() == 0 || d.early.Load() > 0 {
		t.Errorf("%d of %d attempts at gateways that were not known", d.early.Load(), d.attempts.Load())
	}
}

// One that comes while a drain ends would take commands that never leave.
func TestGatewayThatComesAtTheEndOfADrainTakesNothing(t *testing.T) {
	m := testMesh(1)
	m.known = make(chan struct{})
	m.dial = &early{mesh: m}
	ctx, cancel := context.WithCancel(t.Context())
	defer func() { cancel(); m.stop() }()
	m.Gateway(1).drained.Store(true)
	s := record.Send{Target: record.ToAll, Class: record.Must, Bodies: []record.Body{{}}}
	if err := m.Gateway(1).TrySend(&s, nil); err != nil { // is never applied, so Drain waits
		t.Fatal(err)
	}
	drained := make(chan error, 1)
	go func() { drained <- m.Drain(ctx) }()
	for !errors.Is(m.Gateway(1).TrySend(&s, nil), ErrStopped) {
		runtime.Gosched()
	}
	m.follow(ctx, []register.Member{{Boot: 1}, {Boot: 2}})
	if err := m.Gateway(2).TrySend(&s, nil); !errors.Is(err, ErrStopped) {
		t.Errorf("the new gateway: %v, want %v", err, ErrStopped)
	}
	cancel()
	<-drained
}
