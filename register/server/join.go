package server

import (
	"errors"
	"time"

	nodev1 "github.com/parley-im/parley/proto/node/v1"
	registerv1 "github.com/parley-im/parley/proto/register/v1"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Join implements RegisterService: it holds the lease of one member open.
func (s *Server) Join(stream registerv1.RegisterService_JoinServer) error {
	if !s.streams.enter() {
		return errDraining
	}
	defer s.streams.leave()
	in := read(stream.Context(), s, stream.Recv)
	deadline := time.NewTimer(handshakeDeadline)
	defer deadline.Stop()
	peer, err := s.accept(stream.Context(), steps{
		send: func(h *nodev1.Handshake) error {
			return stream.Send(&registerv1.JoinResponse{Kind: &registerv1.JoinResponse_Handshake{Handshake: h}})
		},
		recv: func() (*nodev1.Handshake, error) {
			m, err := in.next(s, deadline.C)
			return m.GetHandshake(), err
		},
	})
	if err != nil {
		return err
	}
	j := &joined{s: s, stream: stream, peer: peer, holder: &holder{taken: make(chan struct{})}}
	for {
		// Three leases of silence: the lease is long over and so is this stream.
		deadline.Reset(3 * s.cfg.Lease)
		select {
		case m := <-in.messages:
			done, err := j.handle(m)
			if done || err != nil {
				return err
			}
		case <-in.ended:
			return nil // the lease runs on until it is over or the member is back
		case <-j.holder.taken:
			return errTaken
		case <-deadline.C:
			return errSilent
		case <-s.draining:
			_ = stream.Send(&registerv1.JoinResponse{Kind: &registerv1.JoinResponse_Draining{Draining: &registerv1.Draining{}}})
			return nil
		case <-s.stopping:
			return errDraining
		}
	}
}

// joined is one member on its stream.
type joined struct {
	s      *Server
	stream registerv1.RegisterService_JoinServer
	peer   handshake.Identity
	holder *holder
	last   *registerv1.Member // what it announced; nil: nothing yet
}

// handle answers one message; done ends the stream in order.
func (j *joined) handle(m *registerv1.JoinRequest) (done bool, err error) {
	switch k := m.GetKind().(type) {
	case *registerv1.JoinRequest_Announce:
		if err := j.check(k.Announce.GetMember()); err != nil {
			j.s.metrics.refused("member")
			return false, status.Errorf(codes.InvalidArgument, "announcement of %s: %v", j.peer, err)
		}
		return false, j.announce(k.Announce.GetMember())
	case *registerv1.JoinRequest_Beat:
		if j.last == nil {
			return false, status.Error(codes.FailedPrecondition, "a beat came before an announcement")
		}
		return false, j.beat(k.Beat)
	case *registerv1.JoinRequest_Leave:
		if j.last == nil {
			return false, status.Error(codes.FailedPrecondition, "a leave came before an announcement")
		}
		j.s.mu.Lock()
		j.s.table.leave(j.peer.Role, j.peer.Boot, k.Leave.GetRevision())
		j.s.mu.Unlock()
		j.s.cfg.Log.Info("member left", "peer_role", j.peer.Role, "peer", j.peer.Node)
		return true, j.stream.Send(&registerv1.JoinResponse{Kind: &registerv1.JoinResponse_Left{Left: &registerv1.Left{}}})
	default:
		return false, nil // of a newer minor version
	}
}

// check refuses what a member may not say.
func (j *joined) check(m *registerv1.Member) error {
	if m == nil {
		return errors.New("no member")
	}
	if m.GetId() != j.peer.Node || m.GetRole() != j.peer.Role || m.GetBoot() != j.peer.Boot {
		return errors.New("id, role and boot are not those of the handshake")
	}
	return register.FromProto(m).Validate()
}

func (j *joined) announce(m *registerv1.Member) error {
	m.ProtoReflect().SetUnknown(nil) // watchers get what was checked
	j.s.mu.Lock()
	err := j.s.table.announce(m, j.holder, j.s.now())
	j.s.mu.Unlock()
	if err != nil {
		j.s.metrics.refused("full")
		return status.Error(codes.ResourceExhausted, err.Error())
	}
	if j.last == nil {
		j.s.cfg.Log.Info("member joined", "peer_role", m.GetRole(), "peer", m.GetId(), "addr", m.GetAddr())
	}
	j.last = m
	return j.stream.Send(&registerv1.JoinResponse{Kind: &registerv1.JoinResponse_Granted{Granted: &registerv1.Granted{
		LeaseMs: uint32(j.s.cfg.Lease.Milliseconds()), BeatMs: uint32(j.s.cfg.Beat.Milliseconds()),
	}}})
}

func (j *joined) beat(b *registerv1.JoinBeat) error {
	if b.GetRevision() > j.last.GetRevision() {
		next := proto.CloneOf(j.last)
		next.Load, next.Revision = b.GetLoad(), b.GetRevision()
		j.last = next
	}
	j.s.mu.Lock()
	var err error
	select {
	case <-j.holder.taken: // this stream has lost the lease and must not take it back
		err = errTaken
	default:
		now := j.s.now()
		if !j.s.table.beat(j.last.GetBoot(), j.holder, j.last.GetLoad(), j.last.GetRevision(), now) {
			err = j.s.table.announce(j.last, j.holder, now) // it was silent for a lease and is back
		}
	}
	j.s.mu.Unlock()
	if errors.Is(err, errFull) {
		return status.Error(codes.ResourceExhausted, err.Error())
	}
	if err != nil {
		return err
	}
	return j.stream.Send(&registerv1.JoinResponse{Kind: &registerv1.JoinResponse_Beat{Beat: &registerv1.JoinBeatAnswer{}}})
}
