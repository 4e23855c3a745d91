package ws

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway/internal/frame"
)

// cpu is what this process has used, user and system.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func perOp(b *testing.B, began time.Duration, n uint64, unit string) {
	b.ReportMetric(float64(cpu()-began)/float64(n), "cpu-ns/"+unit)
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), unit+"/s")
}

// BenchmarkFanOut sends one shared frame of 100 bytes to all conns per op, with
// so many publications under way at once.
func BenchmarkFanOut(b *testing.B) {
	for _, bb := range []struct{ conns, underWay int }{{1, 8}, {100, 8}, {1000, 1}, {1000, 8}} {
		b.Run(fmt.Sprintf("conns=%d/underway=%d", bb.conns, bb.underWay), func(b *testing.B) {
			r := start(b, Config{}, &app{})
			r.crowd("swallow", bb.conns)
			r.until("all are known", func() bool { return r.app.count() == bb.conns })
			body := []byte(strings.Repeat("x", 100))
			before := r.s.Stats()
			sent := uint64(0)
			settle := func(behind int) {
				for sent > uint64(behind*bb.conns)+r.s.Stats().FramesOut-before.FramesOut {
					time.Sleep(20 * time.Microsecond)
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			began := cpu()
			for b.Loop() {
				f, _ := r.s.Encoder().Frame(frame.Binary, body, frame.Must, "")
				for _, c := range r.app.conns {
					c.Send(f)
				}
				sent += uint64(bb.conns)
				settle(bb.underWay - 1)
			}
			settle(0)
			b.StopTimer()
			perOp(b, began, sent, "delivery")
			after := r.s.Stats()
			b.ReportMetric(float64(sent)/float64(after.Writes-before.Writes), "frames/write")
			b.ReportMetric(float64(after.Pumps-before.Pumps), "pumps")
		})
	}
}

// BenchmarkEcho has so many clients that send 100 bytes and wait for the answer.
func BenchmarkEcho(b *testing.B) {
	for _, clients := range []int{1, 100, 1000} {
		for _, soon := range []bool{true, false} {
			b.Run(fmt.Sprintf("clients=%d/soon=%v", clients, soon), func(b *testing.B) {
				a := &app{}
				a.message = func(c *Conn, m *Message) {
					f, _ := a.server.Encoder().Frame(frame.Binary, m.Bytes(), frame.Must, "")
					if soon {
						c.SendSoon(f)
					} else {
						c.Send(f)
					}
				}
				r := start(b, Config{Limits: Limits{FrameRate: -1, ByteRate: -1}}, a)
				r.crowd("echo", clients)
				base, began := r.s.Stats().MessagesIn, cpu()
				b.ReportAllocs()
				b.ResetTimer()
				for b.Loop() { // an op is 100 µs of echoing
					time.Sleep(100 * time.Microsecond)
				}
				b.StopTimer()
				perOp(b, began, r.s.Stats().MessagesIn-base, "echo")
			})
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	s, err := New(Config{Deflate: true, DeflateThreshold: 1}, &app{})
	if err != nil {
		b.Fatal(err)
	}
	for _, size := range []int{100, 1000, 10000} {
		body := []byte(strings.Repeat(`{"jsonrpc":"2.0","method":"message"},`, size/37+1))[:size]
		b.Run(fmt.Sprintf("plain/bytes=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := s.Encoder().Frame(frame.Text, body, frame.Must, ""); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("deflate/bytes=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				f, err := s.Encoder().Frame(frame.Text, body, frame.Must, "")
				if err != nil {
					b.Fatal(err)
				}
				f.Wire("", true)
			}
		})
	}
}

// BenchmarkQueue is Send and the flusher's bookkeeping without a socket.
func BenchmarkQueue(b *testing.B) {
	s, err := New(Config{}, &app{})
	if err != nil {
		b.Fatal(err)
	}
	c := &Conn{door: newDoor(s, nil, nil), fl: s.flushers[0], opened: true}
	f := s.mustFrame(frame.Binary, strings.Repeat("x", 100), frame.Must, "")
	scratch := make([]byte, 0, scratchBytes)
	b.ReportAllocs()
	for b.Loop() {
		c.Send(f)
		c.mu.Lock()
		c.listed = false
		c.fl.lanes.many = c.fl.lanes.many[:0]
		buf := c.gather(scratch)
		c.fl.count(c.wrote(len(buf)))
		c.mu.Unlock()
	}
}

// BenchmarkWake is what the end of a nap costs beside the read that any message
// costs: a gws.Conn.
func BenchmarkWake(b *testing.B) {
	s, err := New(Config{}, &app{})
	if err != nil {
		b.Fatal(err)
	}
	c := &Conn{door: newDoor(s, nil, nil), fl: s.flushers[0], opened: true}
	c.read.napping = true
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.upgrade(wakeRequest); err != nil {
			b.Fatal(err)
		}
	}
}
