package server

import (
	"context"
	"errors"
	"time"

	nodev1 "github.com/parley-im/parley/proto/node/v1"
	"github.com/parley-im/parley/register/handshake"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

var (
	errTaken    = status.Error(codes.Aborted, "a newer stream holds this lease")
	errSilent   = status.Error(codes.DeadlineExceeded, "nothing was heard for too long")
	errDraining = status.Error(codes.Unavailable, "this register is about to stop")
)

// inbox reads a stream in a goroutine of its own, so that a handler can wait for a
// message and for other things at once. The goroutine ends with the stream, that is
// right after the handler returned; the server waits for it.
type inbox[T any] struct {
	messages chan T
	ended    chan struct{} // closed when the stream can be read no more
	err      error         // why; set before
}

func read[T any](ctx context.Context, s *Server, recv func() (T, error)) *inbox[T] {
	in := &inbox[T]{messages: make(chan T), ended: make(chan struct{})}
	s.streams.bring(func() {
		defer close(in.ended)
		for {
			m, err := recv()
			if err != nil {
				in.err = err
				return
			}
			select {
			case in.messages <- m:
			case <-ctx.Done():
				in.err = ctx.Err()
				return
			}
		}
	})
	return in
}

// next waits for one message, at most until deadline.
func (in *inbox[T]) next(s *Server, deadline <-chan time.Time) (m T, err error) {
	select {
	case m = <-in.messages:
		return m, nil
	case <-in.ended:
		return m, in.err
	case <-deadline:
		return m, errSilent
	case <-s.draining:
		return m, errDraining
	case <-s.stopping:
		return m, errDraining
	}
}

// steps carries a handshake over either kind of stream.
type steps struct {
	send func(*nodev1.Handshake) error
	recv func() (*nodev1.Handshake, error)
}

func (s steps) Send(h *nodev1.Handshake) error   { return s.send(h) }
func (s steps) Recv() (*nodev1.Handshake, error) { return s.recv() }

// accept performs the handshake of one stream, under a deadline, and counts and
// logs what is refused.
func (s *Server) accept(ctx context.Context, st steps) (handshake.Identity, error) {
	if isClosed(s.draining) {
		return handshake.Identity{}, errDraining
	}
	host := hostOf(ctx)
	if !s.shaking.Enter(host) {
		s.metrics.refused("busy")
		return handshake.Identity{}, status.Error(codes.ResourceExhausted, "too many handshakes are under way")
	}
	defer s.shaking.Leave(host)
	s.mu.Lock()
	secrets := s.secrets
	s.mu.Unlock()
	peer, err := handshake.Accept(st, s.cfg.Identity, secrets)
	if err == nil {
		return peer, nil
	}
	if errors.Is(err, errDraining) {
		return peer, err
	}
	reason := refusalReason(err)
	s.metrics.refused(reason)
	if handshake.Final(err) {
		s.sayRefused(reason, err)
	}
	return peer, handshake.Status(err)
}

// sayRefused logs a refusal, or counts it among those that are not.
func (s *Server) sayRefused(reason string, err error) {
	if say, unsaid := s.knocks.Count(reason); say {
		s.cfg.Log.Warn("dialler refused", "err", err, "unsaid", unsaid)
	}
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// refusalReason is the label under which a failed handshake is counted.
func refusalReason(err error) string {
	if errors.Is(err, errSilent) {
		return "timeout"
	}
	return handshake.Reason(err)
}

// hostOf is where a stream comes from, without the port.
func hostOf(ctx context.Context) string {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return ""
	}
	return handshake.Host(p.Addr)
}
