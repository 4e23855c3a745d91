package register

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/parley-im/parley/register/handshake"
)

// DefaultLease is how long a register keeps a member that says nothing, unless the
// register is configured otherwise; DefaultBeat is how often a member says something.
const (
	DefaultLease = 3 * time.Second
	DefaultBeat  = time.Second
)

// Config is what a Client is made of. Only Registers and Identity must be given.
type Config struct {
	Registers []string           // host:port of every register; all are used at once
	Identity  handshake.Identity // who this process is
	Secrets   []string           // secrets of the cluster, the current one first; empty only on loopback or with mutual TLS
	TLS       *tls.Config        // for dialling; nil: no TLS
	Log       *slog.Logger       // nil: slog.Default()

	Lease      time.Duration // until a register has said its own; zero: DefaultLease
	MaxBackoff time.Duration // longest pause between two attempts at a register; zero: 1s. Keep it below a lease

	// Dial opens connections to registers; nil: plain TCP. Environment variables
	// that name proxies are not looked at.
	Dial func(ctx context.Context, addr string) (net.Conn, error)
}

// Validate reports everything wrong at once.
func (c Config) Validate() error {
	var errs []error
	if len(c.Registers) == 0 {
		errs = append(errs, errors.New("registers: none is given"))
	}
	seen := map[string]bool{}
	for _, addr := range c.Registers {
		if _, port, err := net.SplitHostPort(addr); err != nil || port == "" {
			errs = append(errs, fmt.Errorf("registers: %q is not host:port", addr))
			continue
		}
		if seen[addr] {
			errs = append(errs, fmt.Errorf("registers: %s is given twice", addr))
		}
		seen[addr] = true
		if err := handshake.Guarded(addr, c.Secrets, handshake.MutualClient(c.TLS)); err != nil {
			errs = append(errs, fmt.Errorf("registers: %w", err))
		}
	}
	if err := c.Identity.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("identity: %w", err))
	}
	if c.Lease < 0 || c.MaxBackoff < 0 {
		errs = append(errs, errors.New("lease and max backoff must not be negative"))
	}
	return errors.Join(errs...)
}

// withDefaults fills in what zero stands for.
func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Lease == 0 {
		c.Lease = DefaultLease
	}
	if c.MaxBackoff == 0 {
		c.MaxBackoff = time.Second
	}
	if c.Dial == nil {
		c.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		}
	}
	return c
}
