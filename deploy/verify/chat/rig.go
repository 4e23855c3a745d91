package chat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/local/logline"
	"github.com/parley-im/parley/deploy/local/proc"
	"github.com/parley-im/parley/worker"
)

// rig is the cluster of a run: register, gateways and workers, NATS, and a database of
// its own.
type rig struct {
	*local.Cluster
	nats  *proc.Process
	db    *database
	ports *local.Block
	dir   string
	cut   func(Fault) // ends conns of people without a word

	sender *worker.Sender // of a process that handles nothing
	leave  func()         // ends that

	mu    sync.Mutex             // guards turns
	turns map[string]*sync.Mutex // by process: held by whoever strikes or revives it
	armed map[string]bool        // processes that have yet to die at their fault point; their turn guards them
}

// turn is held while something happens to a process, or to a server that is not ours.
func (r *rig) turn(name string) *sync.Mutex {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.turns[name] == nil {
		r.turns[name] = new(sync.Mutex)
	}
	return r.turns[name]
}

// revive starts a process that has died at its fault point, without orders. Its turn is
// held.
func (r *rig) revive(p *proc.Process) error {
	if p.Running() || !r.armed[p.Name()] {
		return nil
	}
	delete(r.armed, p.Name())
	orders(p, "PARLEY_FAULTPOINTS", "")
	return p.Start()
}

// attend revives those that die at their fault points until ctx ends.
func (r *rig) attend(ctx context.Context, say func(format string, args ...any)) {
	for pause(ctx, 100*time.Millisecond) {
		for _, p := range r.Processes() {
			turn := r.turn(p.Name())
			if p.Running() || !turn.TryLock() {
				continue
			}
			if r.armed[p.Name()] {
				say("%s died at its fault point", p.Name())
			}
			if err := r.revive(p); err != nil {
				say("%s is not started again: %v", p.Name(), err)
			}
			turn.Unlock()
		}
	}
}

// readyWithin bounds how long a cluster may take to be ready.
const readyWithin = 60 * time.Second

func (c *Config) setup(ctx context.Context) (_ *rig, err error) {
	r := &rig{turns: map[string]*sync.Mutex{}, armed: map[string]bool{}}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	if r.dir, err = os.MkdirTemp("", "parley-verify-chat-"); err != nil {
		return nil, err
	}
	const host = "127.0.0.1"
	if r.db, err = openDatabase(ctx, c.Database, host, r.dir); err != nil {
		return nil, err
	}
	if r.ports, err = local.FreePorts(host); err != nil {
		return nil, err
	}
	addrs, err := freeAddrs(host, 2)
	if err != nil {
		return nil, err
	}
	cfg := local.Config{
		Programs: c.Programs, Gateways: c.Gateways, Workers: c.Workers, Ports: r.ports.Ports,
		RegisterArgs: []string{"--lease", "1s"},
		GatewayArgs:  []string{"--worker-patience", c.Patience.String(), "--drain-window", "200ms", "--ping-interval", "5s"},
		WorkerArgs:   []string{"--database", r.db.url, "--nats", "nats://" + addrs[0], "--heartbeat", "5s", "--drain-timeout", "10s"},
	}
	if c.Output != nil {
		cfg.Output = logline.New(c.Output, false)
	}
	if r.Cluster, err = local.New(cfg); err != nil {
		return nil, err
	}
	r.nats = r.Fleet.Add(proc.Spec{
		Name: "nats-1", Path: c.NATS, Ops: addrs[1],
		Args: []string{"--name", "nats-1", "--listen", addrs[0], "--ops-listen", addrs[1], "--store", filepath.Join(r.dir, "nats")},
	})
	for _, p := range r.Processes() {
		if order := c.Points[p.Name()]; order != "" {
			orders(p, "PARLEY_FAULTPOINTS", order)
			r.armed[p.Name()] = strings.Contains(order, "kill")
		}
		if c.Weakness != "" && strings.HasPrefix(p.Name(), "worker-") {
			orders(p, "PARLEY_SABOTAGE", c.Weakness)
		}
	}
	if err := errors.Join(r.employ(), r.Start()); err != nil {
		return nil, err
	}
	return r, r.awaitWhole(ctx)
}

// employ runs a worker without a handler, by which gateways are asked to shed.
func (r *rig) employ() error {
	w, err := worker.New(worker.Config{Registers: r.RegisterAddrs(), Node: "verify", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = w.Run(ctx) // what it cannot do shows in what it is asked for
	}()
	r.sender, r.leave = w.Sender(), func() { stop(); w.Hurry(); <-ended }
	return nil
}

// orders sets a variable of a process's environment.
func orders(p *proc.Process, variable, value string) {
	p.Change(func(s *proc.Spec) {
		s.Env = slices.DeleteFunc(s.Env, func(e string) bool { return strings.HasPrefix(e, variable+"=") })
		s.Env = append(s.Env, variable+"="+value)
	})
}

// freeAddrs returns addresses that nobody listens at.
func freeAddrs(host string, n int) (addrs []string, err error) {
	for range n {
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			return nil, err
		}
		defer l.Close() // all at the end, so that they differ
		addrs = append(addrs, l.Addr().String())
	}
	return addrs, nil
}

// awaitWhole waits until all processes are ready and every worker trusts its routes to
// every gateway.
func (r *rig) awaitWhole(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	if err := r.Ready(ctx); err != nil {
		return err
	}
	for _, w := range r.Workers {
		if err := w.AwaitMetric(ctx, "parley_worker_gateways_in_step", float64(len(r.Gateways))); err != nil {
			return err
		}
	}
	return nil
}

func (r *rig) urls() (list []string) {
	for i := range r.Gateways {
		list = append(list, r.URL(i))
	}
	return list
}

// process is what a fault strikes; nil for a server that is not ours.
func (r *rig) process(f Fault) *proc.Process {
	switch f.Role {
	case Workers:
		return r.Workers[f.Index]
	case Gateways:
		return r.Gateways[f.Index]
	case Registers:
		return r.Registers[f.Index]
	case NATS:
		return r.nats
	}
	return nil
}

// close ends every process and drops the database.
func (r *rig) close() {
	if r.leave != nil {
		r.leave()
	}
	if r.Cluster != nil {
		r.Close()
	}
	if r.ports != nil {
		r.ports.Release()
	}
	if r.db != nil {
		r.db.close()
	}
	if r.dir != "" {
		if err := os.RemoveAll(r.dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}
