package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parley-im/parley/deploy/load/figures"
)

// mostWorse is how much longer good conns may wait beside bad ones.
const mostWorse = 2

// slowCommand is `parley-load slow`.
type slowCommand struct {
	Good      int  `help:"Conns that behave, and are measured." default:"200"`
	Rate      int  `help:"Echoes a second, of all good conns together." default:"1000"`
	Stalled   int  `help:"Conns that read nothing. Those that the gateway closes come back." default:"1000"`
	Ask       int  `help:"Echoes of 4 KiB that each stalled conn asks for before it stalls." default:"0"`
	Flood     bool `help:"One conn sends as fast as it may." default:"true" negatable:""`
	Broadcast int  `help:"Broadcasts a second, to good and stalled conns." default:"20"`
	Bytes     int  `help:"Bytes of a broadcast." default:"4096"`
	TLS       bool `help:"All over TLS."`
	options
}

// Run implements kong's command.
func (c *slowCommand) Run() error {
	kind := "plain"
	if c.TLS {
		kind = "TLS"
	}
	about := fmt.Sprintf("%d good conns with %d echoes a second, %d broadcasts of %d bytes a second, alone and beside %d stalled conns, flood: %v; %s",
		c.Good, c.Rate, c.Broadcast, c.Bytes, c.Stalled, c.Flood, kind)
	return c.report(&figures.Report{Scenario: "slow", About: c.placed(about)}, c.measure)
}

func (c *slowCommand) measure(ctx context.Context, report *figures.Report) error {
	if c.Good < 1 || c.Rate < 1 || c.Stalled < 0 || c.Ask < 0 || c.Broadcast < 0 || c.Bytes <= bodyBytes {
		return fmt.Errorf("--good, --rate, --stalled, --ask, --broadcast, --bytes: want a good conn and an echo at least, more than %d bytes, and nothing below 0", bodyBytes)
	}
	if c.Bare {
		return errors.New("--bare is for echo and fanout")
	}
	r, err := c.setup(ctx, c.TLS)
	if err != nil {
		return err
	}
	defer r.close()
	to, err := r.target(c.TLS)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	g, err := enter(ctx, to, c.Good, cancel)
	if err != nil {
		return err
	}
	defer g.leave()
	g.talk(ctx, c.Rate, c.Broadcast, c.Bytes)

	t := &figures.Table{Title: "echoes of the good conns"}
	m := &figures.Table{Title: "memory of the gateway"}
	report.Tables = append(report.Tables, t, m)
	if !pause(ctx, c.Warm) {
		return context.Cause(ctx)
	}
	for range c.Runs {
		if err := c.compare(ctx, r, to, g, t, m); err != nil {
			return err
		}
	}
	return nil
}

// compare measures the good conns alone, and then beside the bad.
func (c *slowCommand) compare(ctx context.Context, r *rig, to target, g *good, t, m *figures.Table) error {
	alone, err := c.watch(ctx, r, g)
	if err != nil {
		return err
	}
	b := &bad{to: to, gateway: r.gateway, want: c.Stalled, ask: c.Ask, others: c.Good}
	if c.Flood {
		b.others++
	}
	running, stop := context.WithCancel(ctx)
	over, err := b.begin(running, c.Flood)
	defer func() { // also when there was an error half way
		stop()
		<-over
	}()
	if err != nil {
		return err
	}
	beside, err := c.watch(ctx, r, g)
	if err != nil {
		return err
	}
	stop()
	<-over
	end, err := r.metrics()
	if err != nil {
		return err
	}

	t.Add("p50 alone", "ms", millis(alone.echoes.Quantile(0.5)))
	t.Add("p50 beside the others", "ms", millis(beside.echoes.Quantile(0.5)))
	t.Add("p99 alone", "ms", millis(alone.echoes.Quantile(0.99)))
	t.Add("p99 beside the others", "ms", millis(beside.echoes.Quantile(0.99)))
	worse := float64(beside.echoes.Quantile(0.99)) / float64(max(alone.echoes.Quantile(0.99), 1))
	t.Add("p99 beside the others, times that alone", "×", worse).Most = mostWorse
	t.Add("longest alone", "ms", millis(alone.echoes.Max()))
	t.Add("longest beside the others", "ms", millis(beside.echoes.Max()))
	t.Add("p99 of broadcasts alone", "ms", millis(alone.news.Quantile(0.99)))
	t.Add("p99 of broadcasts beside the others", "ms", millis(beside.news.Quantile(0.99)))
	t.Add("echoes of the flooding conn", "1/s", float64(b.flooded.Load())/b.took.Seconds())
	m.Add("RSS alone, at most", "MiB", float64(alone.rss)/(1<<20))
	m.Add("RSS beside the others, at most", "MiB", float64(beside.rss)/(1<<20))
	m.Add("bytes in queues, at most", "MiB", b.queued/(1<<20))
	m.Add("stalled conns that came back", "", float64(b.back))
	m.Add("conns closed for being slow, so far", "", end.Sum("parley_gateway_slow_closes_total"))
	return c.clear(ctx, r)
}

// watch measures one window of the good conns.
func (c *slowCommand) watch(ctx context.Context, r *rig, g *good) (*view, error) {
	g.look()
	var rss int64
	for end := time.Now().Add(c.Window); time.Now().Before(end); {
		u, err := r.gateway.Usage()
		if err = errors.Join(err, r.alive()); err != nil {
			return nil, err
		}
		rss = max(rss, u.RSS)
		if !pause(ctx, 20*time.Millisecond) {
			return nil, context.Cause(ctx)
		}
	}
	v := g.look()
	v.rss = rss
	if v.echoes.Count() == 0 {
		return nil, errors.New("not one echo came back")
	}
	return v, nil
}

// clear waits until the gateway has forgotten the bad conns.
func (c *slowCommand) clear(ctx context.Context, r *rig) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return r.gateway.AwaitMetric(ctx, "parley_gateway_conns", float64(c.Good))
}
