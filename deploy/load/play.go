package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parley-im/parley/deploy/load/crowd"
	"github.com/parley-im/parley/deploy/load/figures"
	"github.com/parley-im/parley/deploy/load/hist"
)

// player makes a crowd work. All methods are called on the crowd's goroutine.
type player interface {
	crowd.Player
	begin()        // the first frames
	score() *score // what was done; it is set to zero by whoever asks
}

// score is what a player has done since the last one.
type score struct {
	done  uint64     // what costs are counted per: echoes, deliveries
	times *hist.Hist // of what the scenario says
	wrong uint64     // frames that should not have come
	ended int        // conns that have ended
	why   error      // why the last one did
}

func (s *score) over(why error) { s.ended, s.why = s.ended+1, why }

func (s *score) reset() { *s = score{times: new(hist.Hist), ended: s.ended, why: s.why} }

// play lets p work and adds a window's figures per run to t. unit is what costs are
// counted per, times what the scenario takes the time of.
func (o *options) play(ctx context.Context, r *rig, w *crowd.Crowd, p player, scenario, unit, times string, t *figures.Table) error {
	ctx, stop := context.WithCancel(ctx)
	ran := make(chan error, 1)
	go func() { ran <- w.Run(ctx, p) }()
	err := o.windows(ctx, r, w, p, scenario, unit, times, t)
	stop()
	return errors.Join(err, <-ran)
}

func (o *options) windows(ctx context.Context, r *rig, w *crowd.Crowd, p player, scenario, unit, times string, t *figures.Table) error {
	if !w.Do(p.begin) || !pause(ctx, o.Warm) {
		return context.Cause(ctx)
	}
	for run := range o.Runs {
		profiled := make(chan error, 1)
		if run == 0 && o.Profile != "" {
			go func() { profiled <- o.profile(ctx, r, scenario, o.Window) }()
		} else {
			profiled <- nil
		}
		if err := o.window(ctx, r, w, p, unit, times, t); err != nil {
			return err
		}
		if err := <-profiled; err != nil {
			return err
		}
	}
	return nil
}

// window measures one run.
func (o *options) window(ctx context.Context, r *rig, w *crowd.Crowd, p player, unit, times string, t *figures.Table) error {
	var before, after reading
	var began, ended error
	var s score
	from, err := r.outbound()
	if err != nil {
		return err
	}
	w.Do(func() {
		p.score().reset()
		before, began = r.read()
	})
	if !pause(ctx, o.Window) {
		return context.Cause(ctx)
	}
	w.Do(func() {
		after, ended = r.read()
		s = *p.score()
		p.score().reset() // what comes now is counted apart: s is read while the crowd goes on
	})
	to, err := r.outbound()
	if err = errors.Join(err, began, ended, r.alive()); err != nil {
		return err
	}
	switch {
	case s.ended > 0:
		return fmt.Errorf("%d conns ended, the last with: %w", s.ended, s.why)
	case s.wrong > 0:
		return fmt.Errorf("%d frames came that should not have", s.wrong)
	case s.done == 0:
		return fmt.Errorf("not one %s in %v", unit, o.Window)
	}

	took, d := after.since(before)
	figuresOf(&s, took, d, unit, times, t)
	if writes := to.writes - from.writes; writes > 0 {
		t.Add("frames in one write to a socket", "", (to.frames-from.frames)/writes)
	}
	return nil
}

// figuresOf adds what one window has shown.
func figuresOf(s *score, took time.Duration, d reading, unit, times string, t *figures.Table) {
	n := float64(s.done)
	micros := func(d time.Duration) float64 { return float64(d) / 1e3 / n }
	per := "µs/" + unit
	t.Add("CPU of gateway and worker", per, micros(d.gateway.cpu+d.worker.cpu))
	t.Add("  gateway", per, micros(d.gateway.cpu))
	t.Add("  worker", per, micros(d.worker.cpu))
	t.Add("  clients, not counted", per, micros(d.self))
	t.Add("done", unit+"/s", n/took.Seconds())
	t.Add("done, per core of gateway and worker", unit+"/s", n/(d.gateway.cpu+d.worker.cpu).Seconds())
	t.Add(times+", p50", "ms", millis(s.times.Quantile(0.5)))
	t.Add(times+", p99", "ms", millis(s.times.Quantile(0.99)))
	t.Add("waits of the gateway's threads for one", "", float64(d.gateway.switches)/n)
	t.Add("waits of the worker's threads for one", "", float64(d.worker.switches)/n)
	t.Add("everything else on this machine", "% of one", 100*d.others().Seconds()/took.Seconds())
}

// outbound is what the gateway has sent so far.
type outbound struct{ frames, writes float64 }

func (r *rig) outbound() (o outbound, err error) {
	if r.cluster == nil {
		return o, nil // a bare server does not count
	}
	m, err := r.metrics()
	return outbound{frames: m[`parley_gateway_frames_total{dir="out"}`], writes: m["parley_gateway_writes_total"]}, err
}

func millis(d time.Duration) float64 { return float64(d) / 1e6 }

// pause waits; false: ctx ended before.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
