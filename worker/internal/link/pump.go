package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/parley-im/parley/proto/faultpoint"
	"github.com/parley-im/parley/proto/record"
)

// send gives the stream what the log holds, until ctx ends.
func (g *Gateway) send(ctx context.Context, stream Stream) error {
	for {
		// Whoever is about to append gets one turn first: it makes few large
		// messages of many small ones and adds no time when nobody is.
		runtime.Gosched()
		batch := g.log.take()
		if batch == nil {
			select {
			case <-g.log.wake:
				continue
			case <-g.mesh.finish:
				if batch = g.log.take(); batch == nil {
					return g.end(ctx, stream)
				}
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		if err := stream.Send(batch); err != nil {
			if errors.Is(err, io.EOF) {
				<-ctx.Done() // gRPC gives the reason to the receiving side
				return context.Cause(ctx)
			}
			return fmt.Errorf("send: %w", err)
		}
		if faultpoint.Enabled && acknowledges(batch) {
			faultpoint.Hit(faultpoint.WorkerAckSent)
		}
	}
}

// end says goodbye: the gateway ends the stream when it has read it all.
func (g *Gateway) end(ctx context.Context, stream Stream) error {
	if err := stream.CloseSend(); err != nil {
		return fmt.Errorf("end the stream: %w", err)
	}
	select {
	case <-time.After(goodbye):
	case <-ctx.Done():
	}
	return errFinished
}

// beat asks for the lease, tells how much this process has to do, and ends the link when nothing has come for too long.
func (g *Gateway) beat(ctx context.Context) error {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		now := g.mesh.now()
		if now-time.Duration(g.heard.Load()) > patience {
			return errSilent
		}
		g.log.beat(uint64(now), g.mesh.crew.Working())
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// sayDraining tells the gateway that this worker drains.
func (g *Gateway) sayDraining() { g.log.note(8, record.AppendDraining) }

// acknowledges reports whether there is a Done in the batch.
func acknowledges(batch []byte) bool {
	r := record.NewReader(batch)
	for r.Next() {
		if k := r.Kind(); k == record.KindDone || k == record.KindDoneWith {
			return true
		}
	}
	return false
}
