package link

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	nodev1 "github.com/parley-im/parley/proto/node/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/proto/record/linkcodec"
	"github.com/parley-im/parley/register/handshake"
)

// attachTimeout bounds how long a stream may take to say who it is and what it
// wants.
const attachTimeout = 5 * time.Second

var (
	// errAttach says that a peer that passed the handshake does not go on with one
	// good Attach.
	errAttach = errors.New("the first batch after the handshake must be one Attach record")
	errLate   = fmt.Errorf("not attached within %v", attachTimeout)
)

// accept runs the handshake, after which the connection is no stranger's, and reads
// Attach, under their own deadline. peer is who it claims to be, also with an error.
func (l *Link) accept(ctx context.Context, stream grpc.ServerStream, from *stranger) (peer handshake.Identity, attach *gatewayv1.Attach, err error) {
	type outcome struct {
		peer   handshake.Identity
		attach *gatewayv1.Attach
		err    error
	}
	done := make(chan outcome, 1)
	l.goes.Go(func() { // ends with the stream at the latest: Recv fails when serve returns
		var o outcome
		if o.peer, o.err = handshake.Accept(steps{stream, from}, l.cfg.Identity, *l.secrets.Load()); o.err == nil {
			o.attach, o.err = readAttach(stream)
		}
		done <- o
	})
	timeout := time.NewTimer(attachTimeout)
	defer timeout.Stop()
	select {
	case o := <-done:
		return o.peer, o.attach, o.err
	case <-timeout.C:
		return peer, nil, errLate
	case <-ctx.Done():
		return peer, nil, context.Cause(ctx)
	}
}

// steps adapts the stream to the handshake.
type steps struct {
	stream grpc.ServerStream
	from   *stranger
}

// Send admits whoever is welcome before he hears that he is: what he says next may
// be more than a stranger's.
func (s steps) Send(h *nodev1.Handshake) error {
	if h.GetWelcome() != nil {
		s.from.admit()
	}
	b, err := proto.Marshal(h)
	if err != nil {
		return err
	}
	return s.stream.SendMsg(&linkcodec.Batch{Handshake: b})
}

func (s steps) Recv() (*nodev1.Handshake, error) {
	var b linkcodec.Batch
	if err := s.stream.RecvMsg(&b); err != nil {
		return nil, err
	}
	defer b.Release()
	h := &nodev1.Handshake{}
	return h, proto.Unmarshal(b.Handshake, h)
}

// readAttach reads the first batch, which is Attach alone: what may follow
// depends on the answer.
func readAttach(stream grpc.ServerStream) (*gatewayv1.Attach, error) {
	var b linkcodec.Batch
	if err := stream.RecvMsg(&b); err != nil {
		return nil, err
	}
	defer b.Release()
	r := record.NewReader(b.Records)
	if !r.Next() || r.Kind() != record.KindAttach {
		return nil, errors.Join(errAttach, r.Err())
	}
	attach := &gatewayv1.Attach{}
	if err := proto.Unmarshal(r.Attach(), attach); err != nil {
		return nil, fmt.Errorf("%w: %w", errAttach, err)
	}
	if r.Next() || r.Err() != nil {
		return nil, fmt.Errorf("%w, alone", errAttach)
	}
	return attach, nil
}

// refused counts a stream or connection that was not let in and logs it, at most once
// per second and kind: anybody can knock as often as he likes.
func (l *Link) refused(kind string, err error, who ...any) {
	l.stats.RefusedAttaches.Add(1)
	if say, unsaid := l.knocks.Count(kind); say {
		l.log.Warn("refused a stream", append(who, "err", err, "unsaid", unsaid)...)
	}
}

// kindOf is one word for an error of accept.
func kindOf(err error) string {
	switch {
	case errors.Is(err, errAttach):
		return "attach"
	case errors.Is(err, errLate):
		return "late"
	}
	return handshake.Reason(err)
}

// refusal turns an error of accept into what the peer is told.
func refusal(err error) error {
	switch {
	case errors.Is(err, errAttach):
		return status.Error(codes.InvalidArgument, err.Error())
	case errors.Is(err, errLate):
		return status.Error(codes.DeadlineExceeded, err.Error())
	}
	return handshake.Status(err)
}
