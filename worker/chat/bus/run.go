package bus

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Run carries until ctx ends, whether NATS is there or not. Then it gives back the drain
// if it has it, waits a moment for the last events and closes the connection; every
// event has been told to its caller when it returns. It returns an error only if the
// Config cannot be used.
func (b *Bus) Run(ctx context.Context) error {
	if err := b.begin(); err != nil {
		return err
	}
	var sender, teller sync.WaitGroup
	ending := make(chan struct{})
	sender.Go(func() { b.send(ending) })
	teller.Go(b.tellOutcomes)
	var err error
	for err == nil && ctx.Err() == nil {
		err = b.serve(ctx)
		if err == nil && ctx.Err() == nil { // closed for good, which only a refused protocol does
			sleep(ctx, b.pace.again/2+rand.N(b.pace.again))
		}
	}
	idle := b.refuse()
	close(ending)
	sender.Wait()
	b.failAll(errStopped)
	<-idle // so nobody writes to outcomes any more
	close(b.outcomes)
	teller.Wait()
	return err
}

// serve has one connection, until ctx ends or the client gives it up.
func (b *Bus) serve(ctx context.Context) error {
	l, err := b.connect()
	if err != nil {
		return err
	}
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	var parts sync.WaitGroup
	parts.Go(func() { b.keep(within, l) })
	if b.drain != nil {
		parts.Go(func() { b.takeTurns(within, l) })
	}
	select {
	case <-ctx.Done():
	case <-l.closed:
	}
	cancel()
	parts.Wait()
	if ctx.Err() != nil {
		b.windUp(l)
	}
	b.link.Store(nil)
	l.nc.Close()
	<-l.closed
	b.failAll(errDown) // the client forgets those that wait when it is closed
	return nil
}

// windUp takes no more, and waits for what was taken.
func (b *Bus) windUp(l *link) {
	idle := b.refuse()
	if !l.nc.IsConnected() {
		return
	}
	t := time.NewTimer(b.pace.windUp)
	defer t.Stop()
	select {
	case <-idle:
	case <-t.C:
	case <-l.closed:
	}
	for {
		select {
		case i := <-b.invals:
			b.sendInvalidation(i)
			continue
		default:
		}
		break
	}
	_ = l.nc.FlushTimeout(time.Second) // what does not arrive was not promised
}

// refuse takes no more events; the channel is closed when the last was told.
func (b *Bus) refuse() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state = ended
	b.open = false
	idle := make(chan struct{})
	if b.waiting == 0 {
		close(idle)
	} else {
		b.idle = idle
	}
	return idle
}

// sleep waits, and reports false when ctx ended before.
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
