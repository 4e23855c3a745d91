package worker_test

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/internal/fakegate"
	"github.com/parley-im/parley/worker/internal/link"
)

// source is a directory of gateways that a benchmark plays.
type source struct {
	gateways int
	ready    chan struct{}
	streams  chan *fakegate.End
}

func newSource(gateways int) *source {
	s := &source{gateways: gateways, ready: make(chan struct{}), streams: make(chan *fakegate.End, gateways)}
	close(s.ready)
	return s
}

func (s *source) Run(ctx context.Context) error { <-ctx.Done(); return nil }
func (s *source) Join(register.Member) error    { return nil }
func (s *source) Joined() <-chan struct{}       { return s.ready }
func (s *source) Leave(context.Context) error   { return nil }
func (s *source) Watch(string) worker.View      { return s }
func (s *source) LinkAlive(uint64, bool)        {}
func (s *source) Changed() <-chan struct{}      { return nil }
func (s *source) Ready() <-chan struct{}        { return s.ready }
func (s *source) Close()                        {}

func (s *source) Members() (members []register.Member) {
	for i := range s.gateways {
		members = append(members, register.Member{ID: "gw", Boot: uint64(i + 1)})
	}
	return members
}

func (s *source) Dial(ctx context.Context, _ register.Member, attempt int) (link.Stream, error) {
	if attempt > 0 {
		return nil, errors.New("once is enough")
	}
	up, down := fakegate.Pipe(ctx)
	s.streams <- down
	return up, nil
}

// greet answers Attach, for an hour of routes, with users named after their numbers.
func greet(s *fakegate.End, users ...int) error {
	if _, err := s.Recv(); err != nil {
		return err
	}
	body, err := proto.Marshal(&gatewayv1.Attached{RouteLeaseMs: 3_600_000})
	if err != nil {
		return err
	}
	b, err := record.AppendAttached(nil, body)
	if err != nil {
		return err
	}
	b = record.AppendSnapshotBegin(b)
	for _, user := range users {
		if b, err = record.AppendDelta(b, 0, false, false, strconv.Itoa(user)); err != nil {
			return err
		}
	}
	return s.Send(record.AppendSnapshotEnd(b, 0))
}

// hit is the answer to a send: one conn has it.
var hit = func() []byte {
	b, err := proto.Marshal(&gatewayv1.Result{Status: gatewayv1.Status_STATUS_OK, Hit: 1})
	if err != nil {
		panic(err)
	}
	return b
}()

// swallow reads what the worker says, grants its beats and confirms its commands.
// Sends that ask for their result get one.
func swallow(s *fakegate.End) {
	for {
		batch, err := s.Recv()
		if err != nil {
			return
		}
		var out []byte
		applied := uint64(0)
		r := record.NewReader(batch)
		for r.Next() {
			switch r.Kind() {
			case record.KindBeat:
				out = record.AppendGranted(out, r.Beat().Token)
			case record.KindSend:
				v := r.Send()
				applied = v.N
				if v.WantResult {
					if out, err = record.AppendResult(out, record.Result{N: v.N, Body: hit}); err != nil {
						panic(err) // it is short
					}
				}
			}
		}
		if applied > 0 {
			out = record.AppendApplied(out, applied)
		}
		if len(out) > 0 && s.Send(out) != nil {
			return
		}
	}
}

// BenchmarkToUser sends 100 bytes to users, each on one of several gateways: route
// lookup, encoding, log and stream. The gateways read in memory.
func BenchmarkToUser(b *testing.B) {
	for _, gateways := range []int{8, 50} {
		b.Run("gateways="+strconv.Itoa(gateways), func(b *testing.B) { sendToUsers(b, gateways) })
	}
}

// BenchmarkThen is the same when each send tells what became of it.
func BenchmarkThen(b *testing.B) {
	var open sync.WaitGroup
	sendToUsers(b, 8, func(*worker.Result) worker.SendOption {
		open.Add(1)
		return worker.Then(func(_ worker.Result, err error) {
			if err != nil {
				b.Error(err)
			}
			open.Done()
		})
	})
	open.Wait()
}

// BenchmarkAwait is the same when each send waits for it.
func BenchmarkAwait(b *testing.B) { sendToUsers(b, 8, worker.Await) }

func sendToUsers(b *testing.B, gateways int, option ...func(*worker.Result) worker.SendOption) {
	src := newSource(gateways)
	w, err := worker.New(worker.Config{Directory: src, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
	const users = 10_000
	names := make([]string, users)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	for g := range gateways {
		var here []int
		for user := g; user < users; user += gateways {
			here = append(here, user)
		}
		s := <-src.streams
		if err := greet(s, here...); err != nil {
			b.Fatal(err)
		}
		go swallow(s)
		defer s.Close()
	}
	for w.Stats().InStep < gateways {
		time.Sleep(time.Millisecond)
	}
	frame := worker.Text(string(make([]byte, 100)))
	var opts []worker.SendOption
	var r worker.Result
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		opts = opts[:0]
		for _, o := range option {
			opts = append(opts, o(&r))
		}
		if err := w.Sender().ToUser(b.Context(), names[n%users], frame, opts...); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	if s := w.Stats(); s.SendsToUsers != int64(b.N) && s.InStep == gateways {
		b.Errorf("%d commands for %d sends", s.SendsToUsers, b.N)
	}
	w.Hurry()
	stop()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}

// BenchmarkEvent is the whole way of an event through a worker, from a batch of the
// link to the batch with its acknowledgement: read, inbox, a handler that replies
// with 100 bytes, Done, log. The gateway's part (filling a batch in advance, counting
// acknowledgements) is in the figure and small.
func BenchmarkEvent(b *testing.B) {
	for _, batch := range []int{1, 16, 64, 256} {
		b.Run("batch="+strconv.Itoa(batch), func(b *testing.B) {
			src := newSource(1)
			reply := worker.Text(string(make([]byte, 100)))
			w, err := worker.New(worker.Config{
				Directory: src, Log: slog.New(slog.DiscardHandler),
				Handler: script{message: func(_ context.Context, c *worker.Conn, _ worker.Message) error { return c.Reply(reply) }},
			})
			if err != nil {
				b.Fatal(err)
			}
			ctx, stop := context.WithCancel(b.Context())
			ended := make(chan error)
			go func() { ended <- w.Run(ctx) }()
			s := <-src.streams
			if err := greet(s); err != nil {
				b.Fatal(err)
			}
			const conns = 1000
			context := func(conn uint64) {
				rec, err := record.AppendContext(nil, record.Event{Conn: conn, Term: 1})
				if err == nil {
					err = s.Send(rec)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			for conn := range uint64(conns) {
				context(conn)
			}
			payload := make([]byte, 100)
			var records []byte
			seq := uint32(1)
			conn := uint64(0)
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				records, err = record.AppendMessage(records, record.Message{Conn: conn % conns, Term: 1, Seq: seq, Payload: payload})
				if err != nil {
					b.Fatal(err)
				}
				conn++
				seq++
				if (n+1)%batch != 0 {
					continue
				}
				if err := s.Send(records); err != nil {
					b.Fatal(err)
				}
				records = records[:0]
				for acks := 0; acks < batch; {
					got, err := s.Recv()
					if err != nil {
						b.Fatal(err)
					}
					r := record.NewReader(got)
					for r.Next() {
						switch r.Kind() {
						case record.KindDone:
							acks++
						case record.KindBeat:
							if err := s.Send(record.AppendGranted(nil, r.Beat().Token)); err != nil {
								b.Fatal(err)
							}
						}
					}
				}
			}
			b.StopTimer()
			w.Hurry()
			stop()
			s.Close()
			if err := <-ended; err != nil {
				b.Fatal(err)
			}
		})
	}
}
