package workertest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/internal/fakegate"
	"github.com/parley-im/parley/worker/internal/link"
)

// directory lists the gateways of one harness, and dials them in memory.
type directory struct {
	gateways []*fakegate.Gateway
	boot     uint64 // of the worker; set before it runs
	joined   chan struct{}
	ready    chan struct{}
	changed  chan struct{}
	serving  sync.WaitGroup

	mu   sync.Mutex
	turn int
	lost map[uint64]bool
}

var (
	_ worker.Directory = (*directory)(nil)
	_ worker.View      = (*directory)(nil)
	_ link.Dialer      = (*directory)(nil)
)

func newDirectory(gateways, maxGroups int) *directory {
	d := &directory{
		joined: make(chan struct{}), ready: make(chan struct{}), changed: make(chan struct{}, 1), lost: make(map[uint64]bool),
	}
	close(d.ready)
	for i := range gateways {
		g := fakegate.New(fmt.Sprintf("gateway-%d", i), handshake.NewBoot())
		g.MaxGroups = maxGroups
		d.gateways = append(d.gateways, g)
	}
	return d
}

// Run serves until the worker has ended.
func (d *directory) Run(ctx context.Context) error {
	<-ctx.Done()
	d.serving.Wait()
	return nil
}

// Join is confirmed at once.
func (d *directory) Join(register.Member) error {
	close(d.joined)
	return nil
}

func (d *directory) Joined() <-chan struct{}        { return d.joined }
func (d *directory) Leave(context.Context) error    { return nil }
func (d *directory) Watch(string) worker.View       { return d }
func (d *directory) LinkAlive(boot uint64, up bool) {}
func (d *directory) Changed() <-chan struct{}       { return d.changed }
func (d *directory) Ready() <-chan struct{}         { return d.ready }
func (d *directory) Close()                         {}

// Members lists the gateways that are not lost.
func (d *directory) Members() (members []register.Member) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, g := range d.gateways {
		if !d.lost[g.Boot] {
			members = append(members, register.Member{ID: g.Node, Role: "gateway", Boot: g.Boot, Addr: g.Node})
		}
	}
	return members
}

// Dial attaches the worker to a gateway.
func (d *directory) Dial(ctx context.Context, m register.Member, _ int) (link.Stream, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, g := range d.gateways {
		if g.Boot == m.Boot && !d.lost[m.Boot] {
			up, down := fakegate.Pipe(ctx, g.Features...)
			d.serving.Go(func() {
				defer down.Close()
				_ = g.Serve(d.boot, down) // the stream's end is the worker's to judge
			})
			return up, nil
		}
	}
	return nil, errors.New("no such gateway")
}

// inTurn returns the gateways that are left one after the other.
func (d *directory) inTurn() *fakegate.Gateway {
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		g := d.gateways[d.turn%len(d.gateways)]
		d.turn++
		if !d.lost[g.Boot] && !g.Draining() {
			return g
		}
	}
}

// lose takes a gateway away.
func (d *directory) lose(i int) {
	g := d.gateways[i]
	d.mu.Lock()
	d.lost[g.Boot] = true
	d.mu.Unlock()
	g.Cut()
	select {
	case d.changed <- struct{}{}:
	default:
	}
}
