package load

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/deploy/client"
	"github.com/parley-im/parley/deploy/load/counterpart"
	"github.com/parley-im/parley/deploy/load/crowd"
	"github.com/parley-im/parley/deploy/local/proc"
)

// tinyBuffer makes the kernel give a socket the least there is for receiving.
const tinyBuffer = 2048

// bad is conns that read nothing, and one that floods.
type bad struct {
	to      target
	gateway *proc.Process
	want    int // stalled conns
	ask     int // echoes that each asks for before it stalls
	others  int // conns beside the stalled

	stalled []*client.Conn // oldest first
	back    int            // of them opened again after the gateway closed one
	queued  float64        // bytes in queues of the gateway, at most
	began   time.Time
	took    time.Duration
	flooded atomic.Uint64 // echoes that the flooding conn got
}

// begin connects them all and keeps their number until ctx ends; over is closed when
// all have gone then.
func (b *bad) begin(ctx context.Context, flood bool) (over <-chan struct{}, err error) {
	b.began = time.Now()
	done := make(chan struct{})
	var all sync.WaitGroup
	if err = b.open(ctx, b.want); err == nil && flood {
		err = b.flood(ctx, &all)
	}
	whole := err == nil
	all.Go(func() {
		if whole {
			b.keep(ctx)
		}
		<-ctx.Done()
	})
	go func() {
		all.Wait()
		b.took = time.Since(b.began)
		for _, c := range b.stalled {
			c.Cut()
		}
		close(done)
	}()
	return done, err
}

// keep replaces those that the gateway has closed. They cannot notice it themselves:
// behind what they do not read they never see the end.
func (b *bad) keep(ctx context.Context) {
	for pause(ctx, 250*time.Millisecond) {
		m, err := b.gateway.Metrics()
		if err != nil {
			continue
		}
		b.queued = max(b.queued, m.Sum("parley_gateway_queued_bytes"))
		lost := b.want + b.others - int(m.Sum("parley_gateway_conns"))
		if lost <= 0 || b.open(ctx, lost) != nil {
			continue
		}
		b.back += lost
		for _, c := range b.stalled[:lost] {
			c.Cut()
		}
		b.stalled = b.stalled[lost:]
	}
}

// open opens n more conns, some at a time.
func (b *bad) open(ctx context.Context, n int) error {
	var mu sync.Mutex
	var errs []error
	var all sync.WaitGroup
	var next atomic.Int64
	for range min(n, 16) {
		all.Go(func() {
			for int(next.Add(1)) <= n {
				c, err := b.to.dial(ctx, tinyBuffer)
				for i := 0; i < b.ask && err == nil; i++ {
					err = c.Send(string(counterpart.Echo(nil, make([]byte, 4<<10))))
				}
				mu.Lock()
				if c != nil {
					b.stalled = append(b.stalled, c)
				}
				mu.Unlock()
				if err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
					return
				}
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// chunkFrames is how many frames the flooding conn gives the socket at once.
const chunkFrames = 256

// flood opens a conn that sends echoes without a pause, and reads what comes.
func (b *bad) flood(ctx context.Context, all *sync.WaitGroup) error {
	c, err := b.to.dial(ctx, 0)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, c.Cut)
	body := filler()
	number(body[2:], 0)
	var chunk []byte
	for range chunkFrames {
		chunk = crowd.AppendText(chunk, body)
	}
	all.Go(func() {
		for {
			if _, err := c.NetConn().Write(chunk); err != nil {
				return
			}
		}
	})
	all.Go(func() {
		for {
			m, err := c.Read()
			if err != nil {
				return
			}
			if len(m.Payload) == bodyBytes {
				b.flooded.Add(1)
			}
		}
	})
	return nil
}
