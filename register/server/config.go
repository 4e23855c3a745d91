package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
	"github.com/prometheus/client_golang/prometheus"
)

// Defaults of Config.
const (
	DefaultMaxMembers   = 20_000
	DefaultMaxWatchers  = 20_000
	DefaultWatcherQueue = 20_000
)

// Config is what a Server is made of; its zero value runs on loopback.
type Config struct {
	Identity handshake.Identity // Role, Node and Boot may be left out
	Secrets  []string           // secrets of the cluster, the current one first; empty only on loopback or with mutual TLS
	TLS      *tls.Config        // nil: no TLS

	Lease        time.Duration // how long a silent member stays; zero: register.DefaultLease
	Beat         time.Duration // how often members and this register say something; zero: a third of Lease
	MaxMembers   int           // more are refused; zero: DefaultMaxMembers
	MaxWatchers  int           // more are refused; zero: DefaultMaxWatchers
	WatcherQueue int           // changes that wait for one watcher; more and it is cut and begins anew; zero: DefaultWatcherQueue

	Log     *slog.Logger          // nil: slog.Default()
	Metrics prometheus.Registerer // nil: none
}

// Validate reports everything wrong at once.
func (c Config) Validate() error {
	var errs []error
	c = c.withDefaults()
	if c.Identity.Role != register.Role {
		errs = append(errs, fmt.Errorf("identity: role is %q, not %q", c.Identity.Role, register.Role))
	}
	if err := c.Identity.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("identity: %w", err))
	}
	if c.Lease < 10*time.Millisecond {
		errs = append(errs, fmt.Errorf("lease: %v is too short", c.Lease))
	}
	if c.Beat <= 0 || c.Beat > c.Lease/2 {
		errs = append(errs, fmt.Errorf("beat: %v is not between 0 and half of the lease, %v", c.Beat, c.Lease/2))
	}
	if c.MaxMembers < 1 || c.MaxWatchers < 1 || c.WatcherQueue < 1 {
		errs = append(errs, errors.New("max members, max watchers and watcher queue must be at least 1"))
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.Identity.Role == "" {
		c.Identity.Role = register.Role
	}
	if c.Identity.Node == "" {
		c.Identity.Node = register.Role
	}
	if c.Identity.Boot == 0 {
		c.Identity.Boot = handshake.NewBoot()
	}
	if c.Lease == 0 {
		c.Lease = register.DefaultLease
	}
	if c.Beat == 0 {
		c.Beat = c.Lease / 3
	}
	if c.MaxMembers == 0 {
		c.MaxMembers = DefaultMaxMembers
	}
	if c.MaxWatchers == 0 {
		c.MaxWatchers = DefaultMaxWatchers
	}
	if c.WatcherQueue == 0 {
		c.WatcherQueue = DefaultWatcherQueue
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}
