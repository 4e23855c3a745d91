package verify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/parley-im/parley/deploy/client"
	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/local/proc"
	"github.com/parley-im/parley/deploy/verify/compare"
	"github.com/parley-im/parley/proto/faultpoint"
	"github.com/parley-im/parley/worker"
)

// moveWindow is over how long conns are asked to move.
const moveWindow = 3 * time.Second

// roaming is a cluster in which clients go where they are sent. Its last gateway is the
// listeners' hall.
type roaming struct {
	*rig
	config *Config
	phase  *Phase
	api    *proc.Fleet
	door   string // base URL of api
	sender *worker.Sender
	end    func() error // of the worker behind sender
	files  string
}

// roam starts a cluster with so many gateways besides the hall.
func (c *Config) roam(ctx context.Context, programs local.Programs, p *Phase, gateways int, weakness faultpoint.Weakness) (_ *roaming, err error) {
	wider := *c
	wider.Gateways = gateways + 1
	r := &roaming{config: c, phase: p}
	r.rig, err = wider.setup(ctx, programs, func(q *proc.Process) {
		if strings.HasPrefix(q.Name(), "gateway-") {
			q.Change(func(s *proc.Spec) { s.Args = append(s.Args, "--drain-window", moveWindow.String()) }) // the last one counts
			if weakness != "" {
				orders(q, "PARLEY_SABOTAGE", string(weakness))
			}
		}
	})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(r.openDoor(ctx, programs), r.employ()); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// openDoor starts an api and waits until it tells of all gateways. It has no worker of the
// chat, so it never calls itself ready.
func (r *roaming) openDoor(ctx context.Context, programs local.Programs) (err error) {
	if r.files, err = os.MkdirTemp("", "parley-verify-"); err != nil {
		return err
	}
	listen, ops := r.Addr(r.ports.Ports.API), r.Addr(r.ports.Ports.APIOps)
	args := []string{
		"--name", "api", "--listen", listen, "--ops-listen", ops, "--log-format", "json", "--files", r.files,
		"--register", strings.Join(r.RegisterAddrs(), ","),
	}
	if r.dir != "" {
		args = append(args, "--secret-file", r.secretFile())
	}
	r.api = proc.NewFleet(proc.Discard)
	r.door = "http://" + listen
	if err := r.api.Add(proc.Spec{Name: "api", Path: programs.API, Args: args, Ops: ops}).Start(); err != nil {
		return err
	}
	return r.told(ctx, len(r.Gateways))
}

// told waits until api tells of n gateways, the hall among them.
func (r *roaming) told(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		found, err := client.Find(ctx, r.door)
		if err == nil && len(found) == n {
			return nil
		}
		if !pause(ctx, 50*time.Millisecond) {
			return fmt.Errorf("api tells of %v, want %d gateways: %w", found, n, errors.Join(err, context.Cause(ctx)))
		}
	}
}

// find is where api sends a client; nobody is sent to the hall.
func (r *roaming) find(ctx context.Context) (urls []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	found, err := client.Find(ctx, r.door)
	for _, f := range found {
		if f.URL != r.hall() {
			urls = append(urls, f.URL)
		}
	}
	return urls, err
}

func (r *roaming) hall() string { return r.URL(len(r.Gateways) - 1) }

// employ runs a worker without a handler, as any program would that looks after a cluster.
func (r *roaming) employ() error {
	var secrets []string
	if r.dir != "" {
		secret, err := os.ReadFile(r.secretFile())
		if err != nil {
			return err
		}
		secrets = strings.Fields(string(secret))
	}
	w, err := worker.New(worker.Config{Registers: r.RegisterAddrs(), Secrets: secrets, Node: "verify", Log: quiet()})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	r.sender, r.end = w.Sender(), func() error { stop(); w.Hurry(); return <-ended }
	return nil
}

// leave ends all of it.
func (r *roaming) leave() {
	if r.end != nil {
		_ = r.end() // what it had to do is done
	}
	if r.api != nil {
		r.api.Close()
	}
	if r.files != "" {
		_ = os.RemoveAll(r.files)
	}
	r.rig.close()
}

// underWay lets clients talk while do moves them. It fills the phase, and returns the moves.
func (r *roaming) underWay(ctx context.Context, crowd *roamers, do func(context.Context) error) (moves []move, err error) {
	p := r.phase
	life, end := context.WithCancel(ctx)
	defer end()
	talking, hush := context.WithCancel(life)
	defer hush()
	quiet := make(chan struct{})
	go func() {
		defer close(quiet)
		crowd.Talk(talking, life, r.config.Rate)
	}()
	pause(ctx, time.Second)
	err = do(ctx)
	pause(ctx, 500*time.Millisecond) // whoever came back last talks, too
	hush()
	<-quiet
	if err != nil {
		crowd.Leave()
		return nil, err
	}
	patience := settleFor
	if p.Sabotaged {
		patience = time.Second
	}
	crowd.Settle(ctx, patience)
	p.Counts = r.counts(p)
	moves, crossed, broken := crowd.Moves()
	crowd.Leave()
	f := compare.Logs(crowd.Logs())
	p.Findings = &f
	for i, what := range broken {
		if i == 3 {
			p.problem("… and %d more of that kind", len(broken)-i)
			break
		}
		p.problem("%s", what)
	}
	r.config.say("%-12s %d moves; %d frames met a close on their way and were handled without an answer", p.Name, len(moves), crossed)
	return moves, ctx.Err()
}

// awaitBack waits until so many moves are over and everybody has a conn.
func (r *roaming) awaitBack(ctx context.Context, crowd *roamers, want int) error {
	ctx, cancel := context.WithTimeout(ctx, 4*moveWindow+20*time.Second)
	defer cancel()
	for {
		moves, _, _ := crowd.Moves()
		back := 0
		for _, m := range moves {
			if m.back != 0 {
				back++
			}
		}
		if back >= want {
			return nil
		}
		if !pause(ctx, 20*time.Millisecond) {
			return fmt.Errorf("%d of %d clients are back: %w", back, want, context.Cause(ctx))
		}
	}
}

// law makes a law that is broken a problem of the phase.
func (p *Phase) law(broken string) {
	if broken != "" {
		p.problem("%s", broken)
	}
}

// oldGateways is how many have the clients at first.
const oldGateways = 3

// drain sends the clients of one gateway away over a window, asked by a command, and then a
// worker: nothing is lost, closes and delays are spread over the window, and the others get
// evenly many.
func (c *Config) drain(ctx context.Context, programs local.Programs, p *Phase) error {
	r, err := c.roam(ctx, programs, p, oldGateways, "")
	if err != nil {
		return err
	}
	defer r.leave()
	return c.drainOn(ctx, p, r)
}

func (c *Config) drainOn(ctx context.Context, p *Phase, r *roaming) error {
	old := r.urls()[:oldGateways]
	each := c.Conns / oldGateways
	crowd, err := openRoamers(ctx, each*oldGateways, each, old, r.hall(), r.find, r.start)
	if err != nil {
		return err
	}
	leaver := r.Gateways[0]
	moves, err := r.underWay(ctx, crowd, func(ctx context.Context) error {
		if err := r.sender.DrainGateway(ctx, leaver.Name()); err != nil {
			return err
		}
		if err := ended(ctx, leaver); err != nil {
			return err
		}
		if err := r.awaitBack(ctx, crowd, each); err != nil {
			return err
		}
		w := r.Workers[0]
		if err := r.sender.DrainWorker(ctx, w.Name()); err != nil {
			return err
		}
		return ended(ctx, w)
	})
	if err != nil {
		return err
	}
	if len(moves) != each {
		p.problem("%d conns were asked to move, want the %d of %s", len(moves), each, leaver.Name())
	}
	p.law(paced(moves, moveWindow))
	p.law(delayed(moves, moveWindow))
	p.law(patient(moves))
	came := map[string]int{}
	for _, m := range moves {
		came[m.to]++
	}
	p.law(level(came, old[1:], float64(each)/(oldGateways-1), each))
	p.judge()
	return nil
}

// ended waits until a process that was told to has ended in order.
func ended(ctx context.Context, q *proc.Process) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	select {
	case <-q.Done():
	case <-ctx.Done():
		return fmt.Errorf("%s, which was asked to drain, does not end: %w", q.Name(), context.Cause(ctx))
	}
	if e, _ := q.Exit(); e.Code != 0 {
		return fmt.Errorf("%s, which was asked to drain, ended with %v", q.Name(), e)
	}
	return nil
}

// shed adds three gateways at once to three that have all the clients, and has each of those
// shed half: all have as many afterwards, and nothing is lost.
func (c *Config) shed(ctx context.Context, programs local.Programs, p *Phase) error {
	r, err := c.roam(ctx, programs, p, 2*oldGateways, "")
	if err != nil {
		return err
	}
	defer r.leave()
	added := r.Gateways[oldGateways : 2*oldGateways]
	for _, g := range added {
		if e, err := g.Stop(ctx); err != nil || e.Code != 0 {
			return fmt.Errorf("%s ended with %v: %w", g.Name(), e, err)
		}
	}
	if err := r.told(ctx, oldGateways+1); err != nil {
		return err
	}
	each := c.Conns / oldGateways
	all := each * oldGateways
	crowd, err := openRoamers(ctx, all, all/(2*oldGateways), r.urls()[:oldGateways], r.hall(), r.find, r.start)
	if err != nil {
		return err
	}
	asked := 0
	moves, err := r.underWay(ctx, crowd, func(ctx context.Context) error {
		for _, g := range added {
			if err := g.Start(); err != nil {
				return err
			}
		}
		if err := errors.Join(r.awaitWhole(ctx), r.told(ctx, 2*oldGateways+1)); err != nil {
			return err
		}
		for _, g := range r.Gateways[:oldGateways] {
			n, err := r.sender.ShedGateway(ctx, g.Name(), 0.5, moveWindow)
			if err != nil {
				return err
			}
			asked += n
		}
		return r.awaitBack(ctx, crowd, asked)
	})
	if err != nil {
		return err
	}
	half := int(math.Round(float64(each) / 2))
	if asked != oldGateways*half || len(moves) != asked {
		p.problem("%d conns were to move and %d did, want %d", asked, len(moves), oldGateways*half)
	}
	places := r.urls()[:2*oldGateways]
	where := map[string]int{}
	for _, m := range crowd.list {
		where[m.at]++
	}
	p.law(level(where, places, float64(all)/float64(len(places)), asked))
	p.law(delayed(moves, moveWindow))
	p.law(patient(moves))
	for _, g := range places[:oldGateways] {
		p.law(paced(slices.DeleteFunc(slices.Clone(moves), func(m move) bool { return m.from != g }), moveWindow))
	}
	if p.Counts.AskedToMove != float64(asked) {
		p.problem("the gateways count %g conns that were asked to move, want %d", p.Counts.AskedToMove, asked)
	}
	c.say("%-12s afterwards: %v", p.Name, where)
	p.judge()
	return nil
}

// moveSabotaged is the drain of a gateway that leaves one guarantee out, which must be
// caught by what that breaks.
func (c *Config) moveSabotaged(ctx context.Context, programs local.Programs, p *Phase, weakness faultpoint.Weakness) error {
	r, err := c.roam(ctx, programs, p, oldGateways, weakness)
	if err != nil {
		return err
	}
	defer r.leave()
	p.Sabotaged = true
	if err := c.drainOn(ctx, p, r); err != nil {
		return err
	}
	if movesCaught(weakness, *p.Findings, p.Problems) {
		p.OK, p.Problems = true, nil
	} else {
		p.OK = false
		p.problem("sabotage %s was not caught by what it breaks: %+v", weakness, *p.Findings)
	}
	return nil
}

// movesCaught reports whether a weakness was found by what it breaks, and by nothing else.
func movesCaught(w faultpoint.Weakness, f compare.Findings, problems []string) bool {
	switch w {
	case faultpoint.MoveAtOnce:
		return f.Clean() && len(problems) == 1 && strings.HasPrefix(problems[0], "the closes took")
	case faultpoint.MoveDeaf:
		return f.Lost > 0 && f.Doubled+f.Swapped+f.Strange+f.Dropped == 0
	}
	return false
}

// quiet is a log that nobody reads.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
