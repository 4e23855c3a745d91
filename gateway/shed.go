package gateway

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/parley-im/parley/gateway/internal/ws"
)

// Why no conns can be shed now.
var (
	ErrShedding = errors.New("another shed goes on")
	ErrDraining = errors.New("the gateway drains")
)

// shedding is the one shed that may be under way. Run carries it out.
type shedding struct {
	jobs chan shedJob       // capacity 1: it is filled only while nothing is under way
	life context.Context    // ends when the drain begins
	end  context.CancelFunc // ends it

	mu   sync.Mutex // guards busy
	busy bool
}

// shedJob is conns that are to be asked to go elsewhere.
type shedJob struct {
	conns  []*ws.Conn
	window time.Duration
}

func newShedding() *shedding {
	s := &shedding{jobs: make(chan shedJob, 1)}
	s.life, s.end = context.WithCancel(context.Background())
	return s
}

// Shed asks a share of the conns, above 0 and at most 1, drawn by chance, to go elsewhere,
// spread over window; the gateway goes on accepting. It returns at once with how many they
// are. ErrShedding: one is under way already; ErrDraining. Run has to be running.
func (g *Gateway) Shed(share float64, window time.Duration) (asked int, err error) {
	s := g.shedding
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.life.Err() != nil:
		return 0, ErrDraining
	case s.busy:
		return 0, ErrShedding
	}
	conns := g.ws.Draw(share)
	if len(conns) > 0 {
		s.busy = true
		s.jobs <- shedJob{conns, window}
	}
	return len(conns), nil
}

// shed carries out what Shed has drawn, until ctx ends.
func (g *Gateway) shed(ctx context.Context) {
	s := g.shedding
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(s.life, stop)()
	for {
		select {
		case job := <-s.jobs:
			g.log.Info("gateway sheds", "conns", len(job.conns), "window", job.window)
			asked := g.ws.Shed(ctx, job.conns, job.window)
			g.log.Info("gateway has shed", "conns", asked)
			s.mu.Lock()
			s.busy = false
			s.mu.Unlock()
		case <-ctx.Done():
			return
		}
	}
}

// Drain makes Run drain, as the end of its context does. It returns at once, and may be
// called again.
func (g *Gateway) Drain() { g.asked.Do(func() { close(g.drains) }) }

// askedToDrain does what a process of the cluster asked for.
func (g *Gateway) askedToDrain() {
	if g.doors.closing.Load() {
		return
	}
	g.log.Info("gateway is asked to drain")
	if g.cfg.OnDrainAsked != nil {
		g.cfg.OnDrainAsked()
		return
	}
	g.Drain()
}
