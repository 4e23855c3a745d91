package server

import (
	"time"

	nodev1 "github.com/parley-im/parley/proto/node/v1"
	registerv1 "github.com/parley-im/parley/proto/register/v1"
	"github.com/parley-im/parley/register"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// partBytes is how large one message to a watcher grows, and then by one more member:
// far below what gRPC takes.
const partBytes = 64 << 10

// Watch implements RegisterService: it tells one watcher who is there.
func (s *Server) Watch(stream registerv1.RegisterService_WatchServer) error {
	if !s.streams.enter() {
		return errDraining
	}
	defer s.streams.leave()
	in := read(stream.Context(), s, stream.Recv)
	deadline := time.NewTimer(handshakeDeadline)
	defer deadline.Stop()
	_, err := s.accept(stream.Context(), steps{
		send: func(h *nodev1.Handshake) error {
			return stream.Send(&registerv1.WatchResponse{Kind: &registerv1.WatchResponse_Handshake{Handshake: h}})
		},
		recv: func() (*nodev1.Handshake, error) {
			m, err := in.next(s, deadline.C)
			return m.GetHandshake(), err
		},
	})
	if err != nil {
		return err
	}
	m, err := in.next(s, deadline.C)
	if err != nil {
		return err
	}
	start := m.GetStart()
	if start == nil || len(start.GetRole()) > register.MaxStringBytes {
		return status.Error(codes.InvalidArgument, "a start with a role was due")
	}

	w := newWatcher(start.GetRole())
	s.mu.Lock()
	all, err := s.table.watch(w)
	s.mu.Unlock()
	if err != nil {
		s.metrics.refused("full")
		return status.Error(codes.ResourceExhausted, err.Error())
	}
	defer func() {
		s.mu.Lock()
		s.table.unwatch(w)
		s.mu.Unlock()
	}()

	// A send can block for as long as the watcher does not read, so it has its own
	// goroutine. It ends right after this handler has returned; the server waits for it.
	f := &feed{s: s, w: w, stream: stream}
	fed := make(chan error, 1)
	s.streams.bring(func() { fed <- f.run(all) })
	select {
	case err := <-fed:
		return err
	case <-w.cut:
		s.metrics.cut.Inc()
		s.cfg.Log.Warn("watcher cut, it may begin anew", "why", w.why)
		return status.Errorf(codes.ResourceExhausted, "this watch is cut: %s", w.why)
	case <-s.stopping:
		return errDraining
	}
}

// feed sends to one watcher.
type feed struct {
	s      *Server
	w      *watcher
	stream registerv1.RegisterService_WatchServer
}

// run sends the snapshot, then what is queued when it is urgent or a beat is due.
func (f *feed) run(all []*registerv1.Member) error {
	if err := f.snapshot(all); err != nil {
		return err
	}
	beat := time.NewTicker(f.s.cfg.Beat)
	defer beat.Stop()
	for {
		select {
		case <-f.stream.Context().Done():
			return f.stream.Context().Err()
		case <-f.s.draining:
			return f.send(func() *registerv1.WatchResponse {
				return &registerv1.WatchResponse{Kind: &registerv1.WatchResponse_Draining{Draining: &registerv1.Draining{}}}
			})
		case <-f.w.wake:
		case <-beat.C:
		}
		if err := f.changes(); err != nil {
			return err
		}
	}
}

// changes sends what is queued, in parts; nothing is a beat.
func (f *feed) changes() error {
	for left := true; left; {
		if err := f.send(func() *registerv1.WatchResponse {
			var some []*registerv1.Change
			some, left = f.w.take(partBytes)
			return &registerv1.WatchResponse{Kind: &registerv1.WatchResponse_Changes{
				Changes: &registerv1.Changes{Changes: some, State: f.s.state()},
			}}
		}); err != nil {
			return err
		}
	}
	return nil
}

// snapshot sends all in parts.
func (f *feed) snapshot(all []*registerv1.Member) error {
	for last := false; !last; {
		n, size := 0, 0
		for n < len(all) && (n == 0 || size < partBytes) {
			size += proto.Size(all[n])
			n++
		}
		part := all[:n]
		all = all[n:]
		last = len(all) == 0
		if err := f.send(func() *registerv1.WatchResponse {
			return &registerv1.WatchResponse{Kind: &registerv1.WatchResponse_Snapshot{
				Snapshot: &registerv1.Snapshot{Members: part, Last: last, State: f.s.state()},
			}}
		}); err != nil {
			return err
		}
	}
	return nil
}

// send sends what build makes while the server's lock is held.
func (f *feed) send(build func() *registerv1.WatchResponse) error {
	f.s.mu.Lock()
	m := build()
	f.w.startSending(f.s.now())
	f.s.mu.Unlock()
	err := f.stream.Send(m)
	f.s.mu.Lock()
	f.w.doneSending()
	f.s.mu.Unlock()
	return err
}
