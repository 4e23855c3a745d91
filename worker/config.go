package worker

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
	"github.com/parley-im/parley/worker/internal/link"
)

// The defaults, in one place.
const (
	DefaultCluster        = "parley"
	DefaultRegister       = "127.0.0.1:1236"
	DefaultHandlerTimeout = 10 * time.Second
	DefaultDrainTimeout   = 20 * time.Second
	DefaultKnownConns     = 100_000
	DefaultRetainBytes    = link.DefaultRetain
	// stopTimeout is how long handlers may go on after their context has ended,
	// and how long OnStop may take.
	stopTimeout = 10 * time.Second
	// leaveTimeout is how much of a drain may be spent on telling the registers.
	leaveTimeout = 2 * time.Second
)

// PathLabel is the label by which a worker says that it serves the conns of a path, and of
// the paths below it, and no others: of several that fit the longest counts. Workers
// without it serve all the rest. A conn stays with the workers of the path that it was
// opened on, and waits for one when there is none.
const PathLabel = "path"

// WeightLabel is the label by which a worker says how much it can take beside the others:
// of two, the one with weight 2 gets twice the conns of the one with weight 1, which is
// what a worker without it has. From 0.01 to 100.
const WeightLabel = "weight"

// RouteLabel is the label by which workers say who of them gets a conn. With "user" the
// conns of one user are all given to the same worker, on every gateway, from the moment
// they are bound to the user; conns without a user go to the less loaded of two. It counts
// when all workers of a path have it, so roll it out like any other change.
const RouteLabel = "route"

// Config is what a Worker is made of. The zero Config runs on one machine: a
// process that only sends, which finds its register on loopback.
type Config struct {
	// Handler handles the events of conns. nil: this process only sends.
	Handler Handler

	Registers []string          // host:port of every register; none: DefaultRegister
	Cluster   string            // name of the cluster; "": DefaultCluster
	Node      string            // name of this process, unique within its role; "": host name and process id
	Role      string            // "": worker
	Boot      uint64            // random number of this life of the process; 0: one is made
	Build     string            // for people; Main gives the revision that the program was built from
	Labels    map[string]string // facts for a router that picks workers
	Addr      string            // host:port where other processes call this one, as the registers tell them; "": nobody does
	Secrets   []string          // of the cluster, the current one first; empty only on loopback or with mutual TLS
	TLS       *tls.Config       // for dialling registers and gateways; nil: no TLS
	Directory Directory         // nil: a register.Client made of the above

	HandlerTimeout time.Duration // until the context of a handler ends; 0: DefaultHandlerTimeout
	DrainTimeout   time.Duration // until conns that are not given back are left behind; 0: DefaultDrainTimeout
	MaxHandlers    int           // that run at once; others wait in line. 0: no bound
	KnownConns     int           // above so many conns their state is forgotten between events; 0: DefaultKnownConns
	RetainBytes    int           // that wait for one gateway before sends wait too; 0: DefaultRetainBytes
	Resync         Frame         // a text that gateways send to their conns when sends of this process were lost; zero: none

	// OnDrainAsked is called, once, when somebody asks this worker to drain, see
	// [Sender.DrainWorker]: a process with more to end than a Worker begins that here, and
	// ends the context of Run. It must not block. nil: Run begins to drain by itself.
	OnDrainAsked func()

	Log *slog.Logger // nil: slog.Default()
}

// Validate reports everything wrong at once. The names are those of Main's flags.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if err := c.identity(1).Validate(); err != nil {
		bad("cluster, node or build: %w", err)
	}
	if c.Directory == nil {
		err := register.Config{Registers: c.Registers, Identity: c.identity(1), Secrets: c.Secrets, TLS: c.TLS}.Validate()
		if err != nil {
			errs = append(errs, err)
		}
	}
	for i, secret := range c.Secrets {
		if secret == "" {
			bad("secret %d is empty", i+1)
		}
	}
	if len(c.Labels) > register.MaxLabels {
		bad("labels: %d are given, at most %d are allowed", len(c.Labels), register.MaxLabels)
	}
	if path, ok := c.Labels[PathLabel]; ok && !strings.HasPrefix(path, "/") {
		bad("label path: %q does not begin with /", path)
	}
	if weight, ok := c.Labels[WeightLabel]; ok {
		if n, err := strconv.ParseFloat(weight, 64); err != nil || !(n >= 0.01 && n <= 100) {
			bad("label weight: %q is no number from 0.01 to 100", weight)
		}
	}
	if route, ok := c.Labels[RouteLabel]; ok && route != "user" {
		bad("label route: %q is not \"user\"", route)
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"handler-timeout", c.HandlerTimeout}, {"drain-timeout", c.DrainTimeout}} {
		if d.value < 0 {
			bad("%s: must not be negative", d.name)
		}
	}
	for _, n := range []struct {
		name  string
		value int
	}{{"max-handlers", c.MaxHandlers}, {"known-conns", c.KnownConns}, {"retain-bytes", c.RetainBytes}} {
		if n.value < 0 {
			bad("%s: must not be negative", n.name)
		}
	}
	if c.Resync.err != nil {
		bad("resync: %w", c.Resync.err)
	} else if c.Resync.IsBinary() {
		bad("resync: must be a text frame")
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	or(&c.Cluster, DefaultCluster)
	or(&c.Role, "worker")
	or(&c.HandlerTimeout, DefaultHandlerTimeout)
	or(&c.DrainTimeout, DefaultDrainTimeout)
	or(&c.KnownConns, DefaultKnownConns)
	or(&c.RetainBytes, DefaultRetainBytes)
	if c.Node == "" {
		c.Node = defaultNode()
	}
	if len(c.Registers) == 0 {
		c.Registers = []string{DefaultRegister}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

func or[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

func defaultNode() string {
	host, err := os.Hostname()
	if err != nil {
		host = "worker"
	}
	return fmt.Sprintf("%s-%d", host, os.Getpid())
}

func (c Config) identity(boot uint64) handshake.Identity {
	return handshake.Identity{Cluster: c.Cluster, Role: c.Role, Node: c.Node, Boot: boot, Build: c.Build}
}
