package local

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/parley-im/parley/deploy/local/proc"
)

// Cluster is the processes of one Parley. Close it: nothing survives that.
type Cluster struct {
	Fleet     *proc.Fleet
	Registers []*proc.Process
	Gateways  []*proc.Process
	Workers   []*proc.Process
	API       *proc.Process // nil: there is none
	NATS      *proc.Process // nil: there is none
	Bots      *proc.Process // nil: there are none
	Feeder    *proc.Process // nil: there is none

	cfg     Config
	telling sync.Mutex // one call of changed at a time
	changed func()     // called when all are ready, and when one of them was started again; nil: nobody wants to know
}

// New makes a cluster of which nothing runs yet.
func New(cfg Config) (*Cluster, error) {
	cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c := &Cluster{Fleet: proc.NewFleet(cfg.Output), cfg: cfg}
	for i := range cfg.Registers {
		c.Registers = append(c.Registers, c.Fleet.Add(cfg.register(i)))
	}
	for i := range cfg.Gateways {
		c.Gateways = append(c.Gateways, c.Fleet.Add(cfg.gateway(i)))
	}
	for i := range cfg.Workers {
		c.Workers = append(c.Workers, c.Fleet.Add(cfg.worker(i)))
	}
	if cfg.Programs.API != "" {
		c.API = c.Fleet.Add(cfg.api())
	}
	if cfg.Programs.NATS != "" {
		c.NATS = c.Fleet.Add(cfg.nats())
	}
	if cfg.Programs.Bots != "" {
		c.Bots = c.Fleet.Add(cfg.bots())
	}
	if cfg.Programs.Feeder != "" {
		c.Feeder = c.Fleet.Add(cfg.feeder())
	}
	return c, nil
}

// Processes returns all, in the order in which they are best read about.
func (c *Cluster) Processes() []*proc.Process { return c.Fleet.All() }

// Start starts every process, all at once: any role may be first.
func (c *Cluster) Start() error {
	var errs []error
	for _, p := range c.Processes() {
		errs = append(errs, p.Start())
	}
	return errors.Join(errs...)
}

// Ready waits until every process that was started says that it is ready. It
// fails as soon as one of them ends.
func (c *Cluster) Ready(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	_ = each(c.Processes(), func(p *proc.Process) error {
		if p.Lives() == 0 {
			return nil
		}
		err := p.Ready(ctx)
		if err != nil {
			cancel(err)
		}
		return err
	})
	return context.Cause(ctx)
}

// URL is where clients reach gateway i.
func (c *Cluster) URL(i int) string { return c.cfg.gatewayURL(i) }

// RegisterAddrs are where the registers listen.
func (c *Cluster) RegisterAddrs() (list []string) {
	for i := range c.Registers {
		list = append(list, c.cfg.addr(c.cfg.Ports.Register+i))
	}
	return list
}

// Addr is a port of the cluster's, where its processes listen.
func (c *Cluster) Addr(port int) string { return c.cfg.addr(port) }

// RegisterPort is where the first register listens.
func (c *Cluster) RegisterPort() int { return c.cfg.Ports.Register }

// APIPort is where the api listens for people and backends.
func (c *Cluster) APIPort() int { return c.cfg.Ports.API }

// LinkPorts are the ports where workers attach to the gateways.
func (c *Cluster) LinkPorts() (ports []int) {
	for i := range c.Gateways {
		ports = append(ports, c.cfg.Ports.Link+i)
	}
	return ports
}

// AddWorker makes one more worker, which does not run yet.
func (c *Cluster) AddWorker() *proc.Process {
	p := c.Fleet.Add(c.cfg.worker(len(c.Workers)))
	c.Workers = append(c.Workers, p)
	return p
}

// How long each role may take to end in order.
const (
	gatewayDrain  = 15 * time.Second
	workerDrain   = 30 * time.Second
	registerDrain = 5 * time.Second
	otherDrain    = 10 * time.Second // NATS, the bots and the feeder
)

// Drain ends everything in order: first the doors for clients, while workers can still
// handle what was said last, then workers, then what those lean on, so that everybody can
// still say that they leave. Roles that need too long are killed, which is an error.
func (c *Cluster) Drain(ctx context.Context) error {
	doors := c.Gateways
	if c.API != nil {
		doors = append([]*proc.Process{c.API}, doors...)
	}
	return errors.Join(
		stop(ctx, one(c.Bots), otherDrain),
		stop(ctx, one(c.Feeder), otherDrain),
		stop(ctx, doors, gatewayDrain),
		stop(ctx, c.Workers, workerDrain),
		stop(ctx, one(c.NATS), otherDrain),
		stop(ctx, c.Registers, registerDrain),
	)
}

// one is a role that has one process, or none.
func one(p *proc.Process) []*proc.Process {
	if p == nil {
		return nil
	}
	return []*proc.Process{p}
}

func stop(ctx context.Context, role []*proc.Process, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return each(role, func(p *proc.Process) error {
		if !p.Running() {
			return nil
		}
		if p.Frozen() {
			_ = p.Thaw() // it may have ended in this moment
		}
		e, err := p.Stop(ctx)
		if err == nil && e.Code != 0 {
			err = fmt.Errorf("%s ended with %v", p.Name(), e)
		}
		return err
	})
}

// Close kills whatever still runs.
func (c *Cluster) Close() { c.Fleet.Close() }

// each calls f for all at the same time and joins the errors.
func each(list []*proc.Process, f func(*proc.Process) error) error {
	errs := make([]error, len(list))
	var all sync.WaitGroup
	for i, p := range list {
		all.Go(func() { errs[i] = f(p) })
	}
	all.Wait()
	return errors.Join(errs...)
}
