package load

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/local/logline"
	"github.com/parley-im/parley/deploy/local/proc"
)

// rig is the processes that are measured: a register, a gateway and a worker, or
// a bare server.
type rig struct {
	ports   *local.Block
	fleet   *proc.Fleet
	cluster *local.Cluster // nil with a bare server
	gateway *proc.Process  // or the bare server
	worker  *proc.Process  // nil with a bare server
	addr    string         // where clients connect
	pprof   string         // where the worker serves profiles
	dir     string         // of files for this run; gone with it
	unpin   func()
}

// readyWithin bounds how long the processes may take to be ready.
const readyWithin = 30 * time.Second

// Which CPU is whose with --pin.
const (
	serverCPU = 0
	clientCPU = 1
)

// setup starts the processes and waits until they are whole. secure makes the gateway
// serve TLS.
func (o *options) setup(ctx context.Context, secure bool) (_ *rig, err error) {
	r := &rig{unpin: func() {}}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	if r.dir, err = os.MkdirTemp("", "parley-load-"); err != nil {
		return nil, err
	}
	if r.ports, err = local.FreePorts("127.0.0.1"); err != nil {
		return nil, err
	}
	start := func() error { return o.startWhole(ctx, r, secure) }
	if o.Bare {
		start = func() error { return o.startBare(r) }
	}
	if o.Pin {
		if r.unpin, err = pin(serverCPU); err != nil { // children inherit it
			return nil, err
		}
	}
	if err := start(); err != nil {
		return nil, err
	}
	if o.Pin {
		if _, err := pin(clientCPU); err != nil {
			return nil, err
		}
	}
	return r, r.awaitWhole(ctx)
}

// startWhole starts a register, a gateway and a worker.
func (o *options) startWhole(ctx context.Context, r *rig, secure bool) error {
	programs, err := o.programs(ctx)
	if err != nil {
		return err
	}
	cfg := local.Config{Programs: programs, Gateways: 1, Workers: 1, WorkerArgs: o.WorkerArg}
	if secure {
		if cfg.GatewayArgs, err = writeCertificate(r.dir); err != nil {
			return err
		}
	}
	cfg.GatewayArgs = append(cfg.GatewayArgs, o.GatewayArg...)
	if o.Verbose {
		cfg.Output = logline.New(o.out, false)
	}
	cfg.Ports = r.ports.Ports
	if r.cluster, err = local.New(cfg); err != nil {
		return err
	}
	r.fleet = r.cluster.Fleet
	r.gateway, r.worker = r.cluster.Gateways[0], r.cluster.Workers[0]
	r.addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(cfg.Ports.Gateway))
	r.pprof = net.JoinHostPort("127.0.0.1", strconv.Itoa(cfg.Ports.Page)) // there is no page
	r.worker.Change(func(s *proc.Spec) { s.Env = append(s.Env, "PARLEY_COUNTERPART_PPROF="+r.pprof) })
	return r.cluster.Start()
}

// startBare starts this program as a bare server.
func (o *options) startBare(r *rig) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	r.addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(r.ports.Gateway))
	r.fleet = proc.NewFleet(proc.Discard)
	r.gateway = r.fleet.Add(proc.Spec{Name: "bare", Path: self, Args: []string{"bare", r.addr}})
	return r.gateway.Start()
}

// awaitWhole waits until clients are let in and the worker trusts its routes.
func (r *rig) awaitWhole(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	if r.cluster == nil {
		return r.awaitPort(ctx)
	}
	if err := r.cluster.Ready(ctx); err != nil {
		return err
	}
	return r.worker.AwaitMetric(ctx, "parley_worker_gateways_in_step", 1)
}

// awaitPort waits until somebody listens where clients connect.
func (r *rig) awaitPort(ctx context.Context) error {
	for {
		nc, err := new(net.Dialer).DialContext(ctx, "tcp", r.addr)
		if err == nil {
			return nc.Close()
		}
		if err := r.alive(); err != nil {
			return err
		}
		if !pause(ctx, proc.PollEvery) {
			return fmt.Errorf("nobody listens at %s: %w", r.addr, err)
		}
	}
}

// metrics scrapes the gateway. Under full load an answer may take longer than a
// scrape waits.
func (r *rig) metrics() (m proc.Metrics, err error) {
	for range 3 {
		if m, err = r.gateway.Metrics(); err == nil {
			break
		}
	}
	return m, err
}

// alive is an error when a process that is measured has ended.
func (r *rig) alive() error {
	for _, p := range r.fleet.All() {
		if e, ended := p.Exit(); ended {
			return fmt.Errorf("%s ended: %v", p.Name(), e)
		}
	}
	return nil
}

// close ends every process.
func (r *rig) close() {
	if r.fleet != nil {
		r.fleet.Close()
	}
	if r.ports != nil {
		r.ports.Release()
	}
	r.unpin()
	_ = os.RemoveAll(r.dir)
}
