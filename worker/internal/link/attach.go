package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/worker/internal/inbox"
)

// The times of a link. The gateway's patience is as long as ours.
const (
	attachWithin = 5 * time.Second        // dial, handshake, Attached
	beatEvery    = 250 * time.Millisecond // a sign of life, and a request to prolong the lease
	patience     = 3 * time.Second        // without a record: the link is dead
	minPause     = 50 * time.Millisecond  // between two attempts
	maxPause     = 2 * time.Second
	awayAfter    = time.Second // without a stream: nobody should wait for an answer
	goodbye      = time.Second // for the gateway to end a stream that we have ended
)

// Why a link ends, besides the errors of the stream itself.
var (
	errSilent   = fmt.Errorf("no record for %s", patience)
	errEnded    = errors.New("the gateway has ended the stream")
	errFinished = errors.New("this worker has ended the stream")
)

// ProtocolError says that a gateway sent what it may not. Its link is cut; the
// others are not concerned.
type ProtocolError struct{ Err error }

func (e *ProtocolError) Error() string { return "protocol error: " + e.Err.Error() }

// Unwrap returns e.Err.
func (e *ProtocolError) Unwrap() error { return e.Err }

// run keeps a stream to the gateway until ctx ends.
func (g *Gateway) run(ctx context.Context) {
	g.goneSilent()
	defer func() { g.silence.Stop() }()
	var told string // the last thing logged, so that a gateway that is down is one line
	for attempt := 0; !g.unwanted(ctx); attempt++ {
		attached, err := g.serve(ctx, attempt)
		if g.unwanted(ctx) {
			return
		}
		if attached {
			attempt, told = -1, ""
		} else {
			told = g.down(err, told)
		}
		pause := min(maxPause, minPause<<max(0, min(attempt, 10)))
		select {
		case <-time.After(pause/2 + rand.N(pause/2)):
		case <-g.mesh.finish:
		case <-ctx.Done():
		}
		if attached && !g.unwanted(ctx) {
			// Not before: the end of a gateway that has left the register is no news, and
			// the view drops it when there is no stream any more.
			told = g.down(err, told)
		}
	}
}

// unwanted reports whether there are to be no more streams.
func (g *Gateway) unwanted(ctx context.Context) bool { return ctx.Err() != nil || g.mesh.finished() }

// down logs that there is no stream, unless that was told. It returns what is told now.
func (g *Gateway) down(err error, told string) string {
	text := err.Error()
	if text == told {
		return told
	}
	level := slog.LevelWarn
	if g.leaving.Load() {
		level = slog.LevelInfo // it said so before
	}
	g.mesh.log.Log(context.Background(), level, "link is down", "gateway", g.member.ID, "addr", g.member.Addr, "err", err)
	return text
}

// serve opens a stream and serves it until it ends.
func (g *Gateway) serve(parent context.Context, attempt int) (attached bool, err error) {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	late := time.AfterFunc(attachWithin, func() { cancel(fmt.Errorf("not attached within %s", attachWithin)) })
	defer late.Stop()

	stream, err := g.mesh.dial.Dial(ctx, g.member, attempt)
	if err != nil {
		return false, causeOr(ctx, err)
	}
	defer stream.Close()
	defer cancel(nil) // before Close
	rest, err := g.greet(stream)
	if err != nil {
		return false, causeOr(ctx, err)
	}
	if !late.Stop() {
		return false, context.Cause(ctx)
	}
	g.cut.Store(&cancel)
	g.attached(stream.Features())
	defer g.detached(parent)

	eg, ctx := errgroup.WithContext(ctx)
	eg.Go(func() error { return g.send(ctx, stream) })
	eg.Go(func() error { return g.beat(ctx) })
	eg.Go(func() error { return g.receive(stream, rest) })
	eg.Go(func() error { // a stream that nobody reads or writes ends only by its context
		<-ctx.Done()
		cancel(context.Cause(ctx))
		return nil
	})
	err = causeOr(ctx, eg.Wait()) // Cut is seen in the cause only
	if broken := (*ProtocolError)(nil); errors.As(err, &broken) {
		g.mesh.stats.Breaches.Add(1)
	}
	return true, err
}

// greet exchanges the first records. What came in the same batch behind the
// gateway's is returned.
func (g *Gateway) greet(stream Stream) (rest []byte, err error) {
	attach := proto.CloneOf(g.mesh.attach)
	attach.ServesEvents = attach.ServesEvents && !g.mesh.draining.Load()
	attach.Missed = g.missed
	body, err := proto.Marshal(attach)
	if err != nil {
		return nil, fmt.Errorf("encode attach: %w", err)
	}
	first, err := record.AppendAttach(nil, body)
	if err != nil {
		return nil, err
	}
	if err := stream.Send(first); err != nil {
		return nil, fmt.Errorf("send attach: %w", err)
	}
	batch, err := stream.Recv()
	if err != nil {
		return nil, fmt.Errorf("wait for attached: %w", err)
	}
	r := record.NewReader(batch)
	if !r.Next() || r.Kind() != record.KindAttached {
		return nil, &ProtocolError{errors.Join(errors.New("the first record is not Attached"), r.Err())}
	}
	info := &gatewayv1.Attached{}
	if err := proto.Unmarshal(r.Attached(), info); err != nil {
		return nil, &ProtocolError{fmt.Errorf("attached: %w", err)}
	}
	g.info.Store(info)
	g.missed = false
	g.drained.Store(!attach.ServesEvents)
	return batch[len(r.Raw()):], nil
}

// attached begins the life of a stream.
func (g *Gateway) attached(features []string) {
	g.silence.Stop()
	g.heard.Store(int64(g.mesh.now()))
	g.leaving.Store(false)
	g.noted.Store(0)
	g.box.Resume()
	g.log.attach(g.info.Load().GetLastCommand(), features)
	g.mesh.alive(g.member.Boot, true)
	g.mesh.stats.Attached.Add(1)
	g.mesh.stats.Attaches.Add(1)
	g.mesh.log.Info("attached to gateway", "gateway", g.member.ID, "addr", g.member.Addr)
	if g.mesh.draining.Load() && !g.drained.Load() {
		g.sayDraining() // it began between greet and here
	}
}

// detached ends it: nothing that came by it can be acknowledged any more. life is that
// of all streams to the gateway.
func (g *Gateway) detached(life context.Context) {
	g.lease.Store(0)
	g.log.detach()
	g.mesh.lookNoted()
	g.goneSilent()
	cause := inbox.ErrMoved
	if life.Err() != nil && !g.left.Load() {
		cause = inbox.ErrStopped
	}
	g.box.Suspend(cause)
	g.mesh.stats.Attached.Add(-1)
	g.mesh.alive(g.member.Boot, false)
}

// goneSilent begins the time after which answers are not waited for any more.
func (g *Gateway) goneSilent() { g.silence = time.AfterFunc(awayAfter, g.log.setAway) }

// causeOr returns why ctx has ended, or err when it has not.
func causeOr(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
