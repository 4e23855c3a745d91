package link_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway/internal/frame"
	"github.com/parley-im/parley/gateway/internal/hub"
	"github.com/parley-im/parley/gateway/internal/link"
	"github.com/parley-im/parley/gateway/internal/ws"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
)

// answers is the worker of the benchmarks: each message is acknowledged with its
// own text as the reply, everybody may come in.
func answers() func(out, batch []byte) []byte {
	var replies record.Replies
	yes := encode(&gatewayv1.Effects{Answer: &gatewayv1.OpenAnswer{}})
	return func(out, batch []byte) []byte {
		r := record.NewReader(batch)
		var seq uint64
		for r.Next() {
			switch r.Kind() {
			case record.KindMessage:
				m := r.Message()
				replies.Reset()
				_ = replies.Append(record.Reply{Payload: m.Payload})
				out, _ = record.AppendDone(out, record.Done{Conn: m.Conn, Term: m.Term, Seq: m.Seq, Replies: replies})
			case record.KindOpen:
				e := r.Event()
				out, _ = record.AppendDoneWith(out, record.DoneWith{Conn: e.Conn, Term: e.Term, Seq: e.Seq, Body: yes})
			case record.KindClosed:
				e := r.Event()
				out, _ = record.AppendDone(out, record.Done{Conn: e.Conn, Term: e.Term, Seq: e.Seq})
			case record.KindSnapshotEnd:
				seq = r.SnapshotEnd()
			}
		}
		if seq > 0 {
			out = record.AppendDeltaAck(out, seq)
		}
		return out
	}
}

// cpu is what this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// perEvent reports what one of n events per iteration cost.
func perEvent(b *testing.B, n int, began time.Duration) {
	events := float64(b.N * n)
	b.ReportMetric(float64(cpu()-began)/events, "cpu-ns/event")
	b.ReportMetric(events/b.Elapsed().Seconds(), "events/s")
}

// attachRaw attaches the worker of the benchmarks.
func (r *rig) attachRaw(b *testing.B) *worker {
	w, err := r.tryAttach(script{raw: answers()})
	if err != nil {
		b.Fatal(err)
	}
	eventually(b, "a worker", func() bool { return r.link.Serving() > 0 })
	return w
}

// BenchmarkRoundTrip is one gRPC hop and back, without sockets: so many events
// leave together, and their acknowledgements with one reply of 100 bytes each
// come together; that many batches are under way. The worker is in the same
// process, behind TCP on loopback; its cost is in it, as is that of the harness:
// two allocations for each message.
func BenchmarkRoundTrip(b *testing.B) {
	for _, n := range []int{1, 16, 64, 256} {
		for _, depth := range []int{1, 8} {
			b.Run(fmt.Sprintf("%d/depth=%d", n, depth), func(b *testing.B) { roundTrip(b, n, depth) })
		}
	}
}

func roundTrip(b *testing.B, n, depth int) {
	var replied atomic.Int64
	room := make(chan struct{}, depth)
	r := newRig(b, func(c *link.Config, _ *ws.Config, _ *hub.Config) {
		c.Encode = func(frame.Op, []byte, frame.Class, string) (*frame.Frame, error) {
			if replied.Add(1)%int64(n) == 0 {
				<-room
			}
			return nil, errNoFrame
		}
	})
	var sockets []*ws.Conn
	r.handler.opened = func(c *ws.Conn) { sockets = append(sockets, c) }
	r.attachRaw(b)
	for range n * depth {
		r.enter()
	}
	body := bytes.Repeat([]byte("x"), 100)
	b.ReportAllocs()
	began := cpu()
	for i := 0; b.Loop(); i++ {
		room <- struct{}{}
		for _, sock := range sockets[i%depth*n:][:n] {
			r.link.Message(sock, &ws.Message{Opcode: 1, Data: bytes.NewBuffer(body)})
		}
	}
	for range depth { // all are back
		room <- struct{}{}
	}
	perEvent(b, n, began)
}

var errNoFrame = errors.New("benchmarks of the link alone make no frames")

// BenchmarkEcho is socket → gateway → worker → gateway → socket: so many clients
// with one request of 100 bytes each under way. The clients are in the process,
// too, and their cost is in it.
func BenchmarkEcho(b *testing.B) {
	for _, n := range []int{1, 16, 256} { // a thousand overrun the receive backlog of loopback
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := newRig(b, func(_ *link.Config, s *ws.Config, _ *hub.Config) { s.NapAfter = -1 })
			r.attachRaw(b)
			var clients []*client
			for range n {
				clients = append(clients, r.enter())
			}
			ask := append([]byte{0x81, 0x80 | 100, 0, 0, 0, 0}, bytes.Repeat([]byte("x"), 100)...)
			turn := make([]chan struct{}, n)
			var round sync.WaitGroup
			for i, c := range clients {
				_ = c.nc.SetDeadline(time.Time{})
				turn[i] = make(chan struct{})
				go func() {
					answer := make([]byte, 102)
					for range turn[i] {
						if _, err := c.nc.Write(ask); err != nil {
							b.Error(err)
						}
						if _, err := io.ReadFull(c.br, answer); err != nil {
							b.Error(err)
						}
						round.Done()
					}
				}()
			}
			b.ReportAllocs()
			began := cpu()
			for b.Loop() {
				round.Add(n)
				for _, t := range turn {
					t <- struct{}{}
				}
				round.Wait()
			}
			perEvent(b, n, began)
			for _, t := range turn {
				close(t)
			}
		})
	}
}

// BenchmarkSend is a send to a user who has no conn here, as a worker gives them:
// so many in a batch, with or without a result. Frames are not built.
func BenchmarkSend(b *testing.B) {
	ready, err := frame.New(func(_ frame.Op, body []byte, _ bool) []byte { return body }, frame.Text, nil, frame.Must, "")
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{1, 64} {
		for _, result := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d/result=%v", n, result), func(b *testing.B) {
				var sent, target atomic.Int64
				done := make(chan struct{}, 1)
				r := newRig(b, func(c *link.Config, _ *ws.Config, _ *hub.Config) {
					c.Encode = func(frame.Op, []byte, frame.Class, string) (*frame.Frame, error) {
						if sent.Add(1) == target.Load() {
							done <- struct{}{}
						}
						return ready, nil
					}
				})
				w := r.attachRaw(b)
				var number uint64
				body := bytes.Repeat([]byte("x"), 100)
				var records []byte
				b.ReportAllocs()
				began := cpu()
				for b.Loop() {
					records = records[:0]
					for range n {
						number++
						records, _ = record.AppendSend(records, &record.Send{
							N: number, Target: record.ToUsers, Class: record.Must, WantResult: result, Names: []string{"u"}, Bodies: []record.Body{{Payload: body}},
						})
					}
					if result {
						records = record.AppendBeat(records, record.Beat{Token: 1, Awaiting: number})
					}
					target.Store(int64(number))
					w.give(records)
					<-done
				}
				perEvent(b, n, began)
			})
		}
	}
}

// Open notes the sockets for a benchmark that speaks in their place.
func (h *lateHandler) Open(ctx context.Context, c *ws.Conn, r *http.Request) ws.Answer {
	a := h.Link.Open(ctx, c, r)
	if h.opened != nil {
		h.opened(c)
	}
	return a
}
