package verify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/local/build"
	"github.com/parley-im/parley/deploy/local/logline"
	"github.com/parley-im/parley/deploy/local/netlab"
	"github.com/parley-im/parley/deploy/local/proc"
)

// Worker is the program whose workers the prover runs.
const Worker = "deploy/verify/answer/parley-answer"

// rig is the cluster of one phase, each worker in a network of its own where
// packets can be dropped.
type rig struct {
	*local.Cluster
	ports *local.Block
	lab   *netlab.Lab
	nodes []*netlab.Node
	dir   string
	start time.Time
	drain atomic.Int64 // the longest that a worker took to end after SIGTERM
}

// readyWithin bounds how long a cluster may take to be ready.
const readyWithin = 30 * time.Second

// setup starts a cluster and waits until everybody sees everybody. change may
// alter a process before its first start, to give it orders in its environment.
func (c *Config) setup(ctx context.Context, programs local.Programs, change func(*proc.Process)) (_ *rig, err error) {
	r := &rig{start: time.Now()}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	cfg := local.Config{
		Programs: withoutAPI(programs), Gateways: c.Gateways, Workers: c.Workers,
		GatewayArgs: []string{"--worker-patience", c.Patience.String(), "--drain-window", "200ms"},
	}
	if !c.Long {
		cfg.RegisterArgs = []string{"--lease", "1s"} // a cluster is settled after one
	}
	if c.Verbose {
		cfg.Output = logline.New(c.Out, false)
	}
	r.lab, err = netlab.New(ctx)
	switch {
	case errors.Is(err, netlab.ErrUnavailable):
		r.lab = nil
	case err != nil:
		return nil, err
	default:
		if err := r.wire(ctx, &cfg); err != nil {
			return nil, err
		}
	}
	if r.ports, err = local.FreePorts(orLoopback(cfg.Host)); err != nil {
		return nil, err
	}
	cfg.Ports = r.ports.Ports
	if r.Cluster, err = local.New(cfg); err != nil {
		return nil, err
	}
	if change != nil {
		for _, p := range r.Processes() {
			change(p)
		}
	}
	if err := r.Start(); err != nil {
		return nil, err
	}
	return r, r.awaitWhole(ctx)
}

// withoutAPI leaves api out of the cluster: those phases that need one start it beside.
func withoutAPI(p local.Programs) local.Programs {
	p.API = ""
	return p
}

func orLoopback(host string) string {
	if host == "" {
		return "127.0.0.1"
	}
	return host
}

// wire gives each worker a network, and the cluster a secret: it is not on
// loopback then.
func (r *rig) wire(ctx context.Context, cfg *local.Config) error {
	cfg.Host = r.lab.Host()
	for i := range cfg.Workers {
		n, err := r.lab.Add(ctx, fmt.Sprintf("w%d", i+1))
		if err != nil {
			return err
		}
		r.nodes = append(r.nodes, n)
	}
	cfg.Nodes = r.nodes
	dir, err := os.MkdirTemp("", "parley-verify-")
	if err != nil {
		return err
	}
	r.dir = dir
	cfg.SecretFile = r.secretFile()
	return os.WriteFile(cfg.SecretFile, []byte("secret-for-one-run-of-the-prover\n"), 0o600)
}

// secretFile holds the secret of a cluster that is not on loopback.
func (r *rig) secretFile() string { return filepath.Join(r.dir, "secret") }

// awaitWhole waits until all processes are ready and every worker trusts its
// routes to every gateway.
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

// urls are where clients reach the gateways.
func (r *rig) urls() (list []string) {
	for i := range r.Gateways {
		list = append(list, r.URL(i))
	}
	return list
}

// close ends every process and takes the networks away.
func (r *rig) close() {
	if r.Cluster != nil {
		r.Close()
	}
	if r.ports != nil {
		r.ports.Release()
	}
	if r.lab != nil {
		r.lab.Close()
	}
	if r.dir != "" {
		_ = os.RemoveAll(r.dir)
	}
}

// compile builds the programs of a rig.
func (c *Config) compile(ctx context.Context, tags []string) (local.Programs, error) {
	b := build.Builder{Race: c.Race, Tags: tags, Say: func(line string) { fmt.Fprintln(c.Out, line) }}
	p, err := b.Programs(ctx, build.Register, build.Gateway, Worker, build.API)
	return local.Programs{Register: p[build.Register], Gateway: p[build.Gateway], Worker: p[Worker], API: p[build.API]}, err
}
