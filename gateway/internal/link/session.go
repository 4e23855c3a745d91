package link

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// How long, and of how many, the gateway remembers which commands of a worker
// boot it has applied, after that worker's last stream ended.
const (
	sessionMemory  = 60 * time.Second
	maxSessions    = 4096
	maxResults     = 64 << 10 // results kept for one worker, and their bytes; beyond, the
	maxResultBytes = 64 << 20 // older half is STATUS_UNKNOWN when asked for again
)

var errRedialled = errors.New("the worker has dialled again")

// session is what outlives a stream: which commands of one worker boot have
// been applied, and the answers it may not have got. It makes "resend what is
// not acknowledged" apply each command once.
type session struct {
	boot  uint64
	since time.Time // when it was made: the worker is new to this gateway

	streams int       // that use it; guarded by Link.mu, as is idle
	idle    time.Time // since when there is none

	turn    chan struct{} // capacity 1; filled by the one stream that applies commands of this boot
	telling sync.Mutex    // held while Config.OnLink is called

	mu          sync.Mutex
	newest      *worker // the stream that came in last; it may still wait for its turn
	worker      *worker // the stream that serves now, or nil
	applied     uint64  // highest command number applied
	results     map[uint64][]byte
	resultBytes int
	pending     map[uint64]struct{} // applied, answer owed: a bind that waits for its delta
	lowest      uint64              // results below are not awaited any more
}

func newSession(boot uint64) *session {
	return &session{
		boot: boot, since: time.Now(), turn: make(chan struct{}, 1),
		results: map[uint64][]byte{}, pending: map[uint64]struct{}{},
	}
}

// enter waits for the turn of a new stream. A worker that dials again while an
// older stream of it stands, or waits, has given that one up: it is ended, so
// that commands are never applied by two goroutines.
func (s *session) enter(ctx context.Context, w *worker) error {
	s.mu.Lock()
	old := s.newest
	s.newest = w
	s.mu.Unlock()
	if old != nil {
		old.end(errRedialled)
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if ctx.Err() != nil {
		s.exit()
		return context.Cause(ctx)
	}
	return nil
}

// exit gives the turn to the next stream.
func (s *session) exit() { <-s.turn }

// serve makes w the stream that answers go to.
func (s *session) serve(w *worker) {
	s.mu.Lock()
	s.worker = w
	s.mu.Unlock()
}

// leave takes that back.
func (s *session) leave(w *worker) {
	s.mu.Lock()
	if s.worker == w {
		s.worker = nil
	}
	if s.newest == w {
		s.newest = nil
	}
	s.mu.Unlock()
}

// redialled reports whether the worker has dialled again since w: it lives.
func (s *session) redialled(w *worker) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newest != nil && s.newest != w
}

// attached reports whether a stream of this boot is being served.
func (s *session) attached() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.worker != nil
}

// tell reports whether a stream of this boot is being served. The calls come one
// at a time and each looks for itself, so the last one is right, whichever of an
// old stream's end and a new one's begin was faster.
func (s *session) tell(onLink func(boot uint64, alive bool)) {
	s.telling.Lock()
	defer s.telling.Unlock()
	onLink(s.boot, s.attached())
}

// first reports whether command n is to be applied now. If it was applied
// before, its answer is sent again.
func (s *session) first(n uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n > s.applied {
		s.applied = n
		return true
	}
	if _, owed := s.pending[n]; owed || s.worker == nil {
		return false
	}
	body, kept := s.results[n]
	if !kept {
		body = encode(&gatewayv1.Result{Status: gatewayv1.Status_STATUS_UNKNOWN})
	}
	s.worker.result(n, body)
	return false
}

// owe notes that the answer to n comes later.
func (s *session) owe(n uint64) {
	s.mu.Lock()
	s.pending[n] = struct{}{}
	s.mu.Unlock()
}

// answer keeps the result of n until the worker no longer waits for it, and
// sends it if the worker is attached.
func (s *session) answer(n uint64, r *gatewayv1.Result) {
	body := encode(r)
	if len(body) > record.MaxBody {
		body = encode(&gatewayv1.Result{Status: gatewayv1.Status_STATUS_LIMIT, Message: "the answer is larger than a record may be"})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pending, n)
	if len(s.results) >= maxResults || s.resultBytes > maxResultBytes {
		numbers := slices.Sorted(maps.Keys(s.results))
		s.forget(numbers[len(numbers)/2])
	}
	s.results[n] = body
	s.resultBytes += len(body)
	if s.worker != nil {
		s.worker.result(n, body)
	}
}

// awaiting forgets the results below n.
func (s *session) awaiting(n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n > s.lowest {
		s.lowest = n
		s.forget(n)
	}
}

// forget drops the results below n. mu is held.
func (s *session) forget(n uint64) {
	for k, body := range s.results {
		if k < n {
			s.resultBytes -= len(body)
			delete(s.results, k)
		}
	}
}

func (s *session) lastApplied() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.applied
}

// result sends an answer; a closed outbox keeps it for the next stream.
func (w *worker) result(n uint64, body []byte) {
	w.out.add(func(dst []byte) []byte {
		dst, _ = record.AppendResult(dst, record.Result{N: n, Body: body}) // answer keeps to the bound
		return dst
	})
}
