package node

import (
	"errors"
	"fmt"

	"github.com/parley-im/parley/register"
)

// Membership is the flags of a role that uses registers: every role but the
// register. A Program embeds it beside Config.
type Membership struct {
	Register []string          `shared:"" group:"Every role" default:"127.0.0.1:1236" help:"Addresses of all registers."`
	Label    map[string]string `shared:"" mapsep:"," group:"Every role" placeholder:"KEY=VALUE" help:"Facts about this process that others see."`
}

// ValidateMembership reports everything wrong with m as flags of c.
func (c *Config) ValidateMembership(m Membership) error {
	var errs []error
	if err := c.registerConfig(m).Validate(); err != nil {
		for _, e := range split(err) {
			errs = append(errs, fmt.Errorf("--register: %w", e))
		}
	}
	if err := (register.Member{ID: c.Name, Role: c.role, Boot: c.boot, Labels: m.Label}).Validate(); err != nil {
		errs = append(errs, fmt.Errorf("--label: %w", err))
	}
	return errors.Join(errs...)
}

func (c *Config) registerConfig(m Membership) register.Config {
	cfg := register.Config{Registers: m.Register, Identity: c.Identity(), Secrets: c.secrets}
	if !c.TLS.empty() {
		cfg.TLS = c.TLS.clientShape()
	}
	return cfg
}

// Client is a client of the registers that lives as long as the process needs it: it
// runs from the moment Service.Run is called until that has returned, and its
// secrets and certificates change on SIGHUP. It has not joined.
func (n *Node) Client(m Membership) (*register.Client, error) {
	cfg := n.config.registerConfig(m)
	cfg.TLS, cfg.Log = n.ClientTLS(), n.Log()
	c, err := register.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("--register: %w", err)
	}
	n.background = append(n.background, c.Run)
	n.OnReload(func(next Program) { c.SetSecrets(next.common().Secrets()) })
	return c, nil
}
