package link_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/worker/internal/fakegate"
	"github.com/parley-im/parley/worker/internal/link"
)

// pipes dials in memory: serve is the gateway.
type pipes struct {
	serve func(s fakegate.Stream) error

	mu    sync.Mutex
	times []time.Time
}

// dials returns when it was dialled.
func (p *pipes) dials() []time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.times)
}

func (p *pipes) Dial(ctx context.Context, _ register.Member, _ int) (link.Stream, error) {
	p.mu.Lock()
	p.times = append(p.times, time.Now())
	p.mu.Unlock()
	if p.serve == nil {
		return nil, errors.New("nobody is there")
	}
	up, down := fakegate.Pipe(ctx)
	go func() {
		defer down.Close()
		_ = p.serve(down)
	}()
	return up, nil
}

func TestPlannedEndIsNoWarning(t *testing.T) {
	for name, test := range map[string]struct {
		last []byte
		left bool // the view drops it then
		want bool
	}{
		"it said so":   {record.AppendLeaving(nil), false, false},
		"it has left":  {nil, true, false},
		"it was ended": {nil, false, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			served := false
			p := &pipes{serve: func(s fakegate.Stream) error {
				if served {
					return nil // nobody is there any more
				}
				served = true
				if err := greet(s, 0); err != nil || test.last == nil {
					return err
				}
				return s.Send(test.last)
			}}
			var w *worker
			w = newWorker(t, nil, func(c *link.Config) {
				c.Dial, c.Log = p, slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn}))
				c.Alive = func(_ uint64, alive bool) {
					if !alive && test.left {
						w.view.set()
					}
				}
			}).run()
			w.view.set(register.Member{ID: "gw", Role: "gateway", Boot: 1})
			time.Sleep(time.Minute)
			w.stop()
			if warned := out.Len() > 0; warned != test.want {
				t.Errorf("%s: warned %v, want %v:\n%s", name, warned, test.want, out.String())
			}
		})
	}
}

// Gateways and workers are stopped while no register is there to say that a gateway has
// left. What was sent to one that said it drains, and has ended, is for nobody any more;
// one that is away without a word may come back, and is waited for.
func TestDrainDoesNotWaitForAGatewayThatSaidItEnds(t *testing.T) {
	for name, test := range map[string]struct {
		last []byte
		want error
	}{
		"it said so":           {record.AppendLeaving(nil), nil},
		"it went without word": {nil, context.DeadlineExceeded},
	} {
		synctest.Test(t, func(t *testing.T) {
			served := make(chan struct{})
			p := &pipes{serve: func(s fakegate.Stream) error {
				if ended(served) {
					return nil // nobody is there any more
				}
				defer close(served)
				if err := greet(s, 0); err != nil || test.last == nil {
					return err
				}
				return s.Send(test.last)
			}}
			w := newWorker(t, nil, func(c *link.Config) { c.Dial = p }).run()
			w.view.set(register.Member{ID: "gw", Role: "gateway", Boot: 1})
			<-served
			synctest.Wait()
			if err := w.gateway(1).TrySend(toUser("ann"), nil); err != nil {
				t.Errorf("%s: send: %v", name, err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if err := w.mesh.Drain(ctx); !errors.Is(err, test.want) {
				t.Errorf("%s: drain: got %v, want %v", name, err, test.want)
			}
			w.stop()
		})
	}
}

func TestSilentGatewayIsGivenUpAfterThreeSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{serve: func(s fakegate.Stream) error {
			if err := greet(s, 0); err != nil {
				return err
			}
			for { // it reads, and says nothing
				if _, err := s.Recv(); err != nil {
					return err
				}
			}
		}}
		w := newWorker(t, nil, func(c *link.Config) { c.Dial = p }).run()
		w.view.set(register.Member{ID: "gw", Boot: 1})
		time.Sleep(2900 * time.Millisecond)
		synctest.Wait()
		if n := len(p.dials()); n != 1 {
			t.Errorf("dialled %d times within the patience", n)
		}
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		if n := len(p.dials()); n != 2 {
			t.Errorf("dialled %d times, want again after 3 s of silence", n)
		}
		w.stop()
	})
}

func TestAttachThatHangsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{serve: func(s fakegate.Stream) error {
			for {
				if _, err := s.Recv(); err != nil {
					return err
				}
			}
		}}
		w := newWorker(t, nil, func(c *link.Config) { c.Dial = p }).run()
		w.view.set(register.Member{ID: "gw", Boot: 1})
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if n := len(p.dials()); n != 2 {
			t.Errorf("dialled %d times, want again after 5 s", n)
		}
		w.stop()
	})
}

func TestPausesBetweenDialsGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{}
		w := newWorker(t, nil, func(c *link.Config) { c.Dial = p }).run()
		w.view.set(register.Member{ID: "gw", Boot: 1})
		time.Sleep(20 * time.Second)
		w.stop()
		if n := len(p.dials()); n < 13 || n > 27 {
			t.Errorf("dialled %d times in 20 s", n)
		}
		dials := p.dials()
		for i := 1; i < len(dials); i++ {
			if pause := dials[i].Sub(dials[i-1]); pause < 25*time.Millisecond || pause > 2*time.Second {
				t.Errorf("pause %d: %v", i, pause)
			}
		}
	})
}

// TestLeaseCountsFromTheBeat: what was granted long after the beat was sent is worth
// nothing, however late the answer comes.
func TestLeaseCountsFromTheBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{serve: func(s fakegate.Stream) error {
			if err := greet(s, 0); err != nil {
				return err
			}
			for {
				batch, err := s.Recv()
				if err != nil {
					return err
				}
				r := record.NewReader(batch)
				for r.Next() {
					if r.Kind() == record.KindBeat {
						time.Sleep(500 * time.Millisecond) // it lags more and more
						if err := s.Send(record.AppendGranted(nil, r.Beat().Token)); err != nil {
							return err
						}
					}
				}
			}
		}}
		w := newWorker(t, nil, func(c *link.Config) { c.Dial = p }).run()
		w.view.set(register.Member{ID: "gw", Boot: 1})
		time.Sleep(600 * time.Millisecond)
		g := w.gateway(1)
		if !g.InStep() {
			t.Error("not in step 600 ms after the beat")
		}
		time.Sleep(300 * time.Millisecond)
		if g.InStep() {
			t.Error("in step 900 ms after the beat that was granted")
		}
		time.Sleep(3 * time.Second)
		if g.InStep() {
			t.Error("in step with answers that are all too old")
		}
		w.stop()
		time.Sleep(time.Second) // for the gateway to end
	})
}

func ended(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
