package link

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/worker/internal/inbox"
)

// Gateway is one gateway of the view, known by its boot. It outlives the streams
// to it.
type Gateway struct {
	mesh   *Mesh
	member register.Member
	slot   int
	log    *outlog
	box    *inbox.Box

	silence *time.Timer // while there is no stream; the goroutine of run has it
	missed  bool        // it may have been passed over and does not know yet; likewise

	lease   atomic.Int64  // routes are to be trusted until then, on the mesh's clock; 0: not in step
	heard   atomic.Int64  // when the last batch came
	noted   atomic.Uint64 // the last AloneNoted of the stream
	leaving atomic.Bool
	drained atomic.Bool
	left    atomic.Bool                             // the view
	info    atomic.Pointer[gatewayv1.Attached]      // what it last said of itself, nil before the first time
	cut     atomic.Pointer[context.CancelCauseFunc] // ends the stream there is
}

// Boot is what tells one life of a gateway from another.
func (g *Gateway) Boot() uint64 { return g.member.Boot }

// Node is the gateway's name.
func (g *Gateway) Node() string { return g.member.ID }

// MaxSession is the largest session that the gateway keeps, 0 while unknown.
func (g *Gateway) MaxSession() int { return int(g.info.Load().GetMaxSessionBytes()) }

// InStep reports whether what is known of the gateway's users and groups can be
// trusted at this moment.
func (g *Gateway) InStep() bool { return g.inStep(g.mesh.now()) }

func (g *Gateway) inStep(now time.Duration) bool { return g.lease.Load() > int64(now) }

// TrySend queues s, whose number it sets. It never waits: ErrFull, ErrGone. With
// w the result goes there.
func (g *Gateway) TrySend(s *record.Send, w *Waiter) error {
	return g.count(s, g.log.send(context.Background(), s, w, try))
}

// Send is TrySend that waits for room as long as ctx allows.
func (g *Gateway) Send(ctx context.Context, s *record.Send, w *Waiter) error {
	return g.count(s, g.log.send(ctx, s, w, wait))
}

// SendNow is Send on this stream or never: for what may only be sent while a
// conn is this worker's. ErrDetached without a stream.
func (g *Gateway) SendNow(ctx context.Context, s *record.Send) error {
	return g.count(s, g.log.send(ctx, s, nil, fickle))
}

func (g *Gateway) count(s *record.Send, err error) error {
	if err == nil {
		g.mesh.stats.Sends[s.Target].Add(1)
	}
	return err
}

// TryCommand queues a command whose result goes to w. It never waits: ErrFull.
func (g *Gateway) TryCommand(c *gatewayv1.Command, w *Waiter) error {
	return g.command(context.Background(), c, w, try)
}

// Command is TryCommand that waits for room as long as ctx allows and the gateway can be
// asked: ErrAway.
func (g *Gateway) Command(ctx context.Context, c *gatewayv1.Command, w *Waiter) error {
	return g.command(ctx, c, w, ask)
}

func (g *Gateway) command(ctx context.Context, c *gatewayv1.Command, w *Waiter, m mode) error {
	body, err := proto.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode command: %w", err)
	}
	if err := g.log.command(ctx, body, needOfCommand(c), w, m); err != nil {
		return err
	}
	g.mesh.stats.Commands.Add(1)
	return nil
}

// Done acknowledges an event. ErrDetached: the stream has ended, and the
// acknowledgement is void with it.
func (g *Gateway) Done(d record.Done) error { return g.log.done(d) }

// DoneWith acknowledges an event with effects.
func (g *Gateway) DoneWith(d record.DoneWith) error { return g.log.doneWith(d) }

// CountDropped notes that a send was dropped because the log was full.
func (g *Gateway) CountDropped() { g.mesh.stats.Dropped.Add(1) }

// Cut ends the stream because what came by it was wrong. The next one begins
// after a pause.
func (g *Gateway) Cut(err error) {
	if cut := g.cut.Load(); cut != nil {
		(*cut)(&ProtocolError{err})
	}
}
