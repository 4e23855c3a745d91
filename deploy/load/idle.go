package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parley-im/parley/deploy/load/crowd"
	"github.com/parley-im/parley/deploy/load/figures"
	"github.com/parley-im/parley/deploy/local/proc"
)

// mostPerIdleConn is what an idle conn may cost the gateway.
const mostPerIdleConn = 7 // KiB of RSS

// idleCommand is `parley-load idle`.
type idleCommand struct {
	Conns int           `help:"Conns." default:"15000"`
	Hold  time.Duration `help:"How long they do nothing before the memory is read." default:"8s"`
	options
}

// browserHeader is what a browser sends beside the handshake itself.
const browserHeader = "Pragma: no-cache\r\nCache-Control: no-cache\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n" +
	"Origin: https://chat.example.com\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-US,en;q=0.9\r\n" +
	"Cookie: session=0b5c1f9e6d3a47c2a8e4f10d92b37c65\r\n"

// Run implements kong's command.
func (c *idleCommand) Run() error {
	about := fmt.Sprintf("%d conns that answer pings and do nothing else", c.Conns)
	return c.report(&figures.Report{Scenario: "idle", About: about}, c.measure)
}

func (c *idleCommand) measure(ctx context.Context, report *figures.Report) error {
	if c.Conns < 1 {
		return fmt.Errorf("--conns=%d: want one at least", c.Conns)
	}
	if c.Bare {
		return errors.New("--bare is for echo and fanout")
	}
	r, err := c.setup(ctx, false)
	if err != nil {
		return err
	}
	defer r.close()
	w, err := crowd.New()
	if err != nil {
		return err
	}
	defer w.Close()

	before, err := r.weigh(ctx, time.Second)
	if err != nil {
		return err
	}
	d := crowd.Dialing{Addr: r.addr, Count: c.Conns, Header: browserHeader}
	began, own := time.Now(), ownCPU()
	if _, err := w.Connect(ctx, d); err != nil {
		return err
	}
	took := time.Since(began)
	connected, err := r.rss()
	if err != nil {
		return err
	}
	held, cpu, err := c.hold(ctx, r, w)
	if err != nil {
		return err
	}
	after, err := r.weigh(ctx, giveBack)
	if err != nil {
		return err
	}
	if c.Profile != "" {
		if err := c.inside(ctx, r); err != nil {
			return err
		}
	}

	n := float64(c.Conns)
	perConn := func(bytes float64) float64 { return bytes / 1024 / n }
	t := &figures.Table{Title: "memory of the gateway"}
	t.Add("RSS per conn, after a garbage collection", "KiB", perConn(after.rss-before.rss)).Most = mostPerIdleConn
	t.Add("  with that of the process without conns", "KiB", perConn(after.rss)).Most = mostPerIdleConn
	t.Add("  heap in use", "KiB", perConn(after.heap-before.heap))
	t.Add("  stacks", "KiB", perConn(after.stacks-before.stacks))
	t.Add("RSS per conn, before that collection", "KiB", perConn(held-before.rss))
	t.Add("RSS per conn, just connected", "KiB", perConn(connected-before.rss))
	t.Add("RSS without conns", "MiB", before.rss/(1<<20))
	t.Add("goroutines", "", after.goroutines)
	t.Add("RSS of the worker per conn", "KiB", perConn(after.worker-before.worker))
	o := &figures.Table{Title: "beside it"}
	o.Add("conns opened", "1/s", n/took.Seconds())
	o.Add("CPU of the gateway while nothing happens", "% of one", 100*cpu)
	o.Add("pings answered", "", float64(w.Counts.Pings))
	o.Add("CPU of the clients in all", "s", (ownCPU() - own).Seconds())
	report.Tables = append(report.Tables, t, o)
	report.Notes = append(report.Notes,
		fmt.Sprintf("Each handshake has %d bytes, a browser's header lines included; the gateway keeps them for workers.", len(d.Request(0))),
		"The collection is asked for here; a Go process that does nothing makes one every two minutes.")
	return nil
}

// hold lets the conns be for a while. It returns the RSS of the gateway then, and
// the share of a CPU that it used in the second half.
func (c *idleCommand) hold(ctx context.Context, r *rig, w *crowd.Crowd) (rss, cpu float64, err error) {
	running, stop := context.WithCancel(ctx)
	ran := make(chan error, 1)
	p := &sleepers{}
	go func() { ran <- w.Run(running, p) }()
	defer func() {
		stop()
		if err = errors.Join(err, <-ran, r.alive()); err == nil && p.ended > 0 {
			err = fmt.Errorf("%d conns ended, the last with: %w", p.ended, p.why)
		}
	}()
	var from, to proc.Usage
	if pause(ctx, c.Hold/2) {
		from, err = r.gateway.Usage()
	}
	if err != nil || !pause(ctx, c.Hold/2) {
		return 0, 0, errors.Join(err, ctx.Err())
	}
	if to, err = r.gateway.Usage(); err != nil {
		return 0, 0, err
	}
	m, err := r.metrics()
	if got := m.Sum("parley_gateway_conns"); err == nil && got != float64(c.Conns) {
		err = fmt.Errorf("the gateway has %g conns", got)
	}
	return float64(to.RSS), (to.CPU - from.CPU).Seconds() / (c.Hold / 2).Seconds(), err
}

// sleepers is the player of `idle`. Nobody says anything to them.
type sleepers struct{ score }

// Frame implements crowd.Player.
func (s *sleepers) Frame(*crowd.Conn, []byte) { s.wrong++ }

// Tick implements crowd.Player.
func (s *sleepers) Tick(uint64) {}

// Ended implements crowd.Player.
func (s *sleepers) Ended(_ *crowd.Conn, why error) { s.over(why) }

// weight is what the gateway and the worker hold, in bytes.
type weight struct {
	rss, heap, stacks, goroutines float64 // of the gateway
	worker                        float64 // RSS
}

// giveBack is longer than the runtime takes to give back to the kernel what a
// collection has freed: 4 s were seen.
const giveBack = 6 * time.Second

// weigh reads both some time after the gateway has collected its garbage.
func (r *rig) weigh(ctx context.Context, later time.Duration) (v weight, err error) {
	for range 2 { // the first leaves what pools hold to the second
		if err := r.collect(ctx); err != nil {
			return v, err
		}
	}
	if !pause(ctx, later) {
		return v, context.Cause(ctx)
	}
	m, err := r.metrics()
	if err != nil {
		return v, err
	}
	v.heap, v.stacks = m["go_memstats_heap_inuse_bytes"], m["go_memstats_stack_inuse_bytes"]
	v.goroutines = m["go_goroutines"]
	if v.rss, err = r.rss(); err != nil {
		return v, err
	}
	u, err := r.worker.Usage()
	v.worker = float64(u.RSS)
	return v, err
}

func (r *rig) rss() (float64, error) {
	u, err := r.gateway.Usage()
	return float64(u.RSS), err
}
