package node

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/parley-im/parley/register/handshake"
)

// Config is the flags that every role has. A Program embeds it.
type Config struct {
	Help       bool   `short:"h" group:"Only say something" help:"Show this list."`
	Version    bool   `group:"Only say something" help:"Show the version."`
	Check      bool   `group:"Only say something" help:"Say what is wrong with the configuration, or what it is."`
	Probe      bool   `group:"Only say something" help:"Say whether the process that runs with this configuration is ready, as /readyz at --ops-listen does; the exit code is 0 if it is."`
	ConfigFile string `name:"config" shared:"" group:"Every role" placeholder:"FILE" help:"Configuration file: lines of key = value."`

	Name         string        `shared:"" group:"Every role" help:"Name of this process, unique within its role; empty: made of the host name."`
	Cluster      string        `shared:"" group:"Every role" default:"parley" help:"Name of the cluster; processes of different clusters refuse each other."`
	SecretFile   string        `shared:"" reload:"" group:"Every role" placeholder:"FILE" help:"File with the secrets of the cluster, the current one first, separated by white space. Or set PARLEY_SECRET. Without a secret, or certificates on both sides, only loopback addresses are allowed."`
	TLS          TLSFiles      `embed:"" set:"whom=between processes"`
	LogLevel     string        `shared:"" reload:"" group:"Every role" default:"info" enum:"debug,info,warn,error" help:"The least level that is logged: debug, info, warn, error."`
	LogFormat    string        `shared:"" group:"Every role" default:"auto" enum:"auto,json,text" help:"json, text, or auto: text on a terminal."`
	OpsListen    string        `shared:"" group:"Every role" default:"127.0.0.1:0" help:"Where /healthz, /readyz, /metrics and /debug/pprof are served, to everybody who can reach it; port 0: a free one, see the log."`
	DrainTimeout time.Duration `shared:"" reload:"" group:"Every role" default:"30s" help:"How long this process may take to drain after SIGTERM."`

	role    string
	boot    uint64
	secrets []string
}

func (c *Config) common() *Config { return c }

// Secrets are the secrets of the cluster, the current one first.
func (c *Config) Secrets() []string { return c.secrets }

// Identity is who this process is: the same for as long as it lives.
func (c *Config) Identity() handshake.Identity {
	return handshake.Identity{Cluster: c.Cluster, Role: c.role, Node: c.Name, Boot: c.boot, Build: Build()}
}

// Guarded reports when this process may not listen at addr, the value of the flag,
// because it could not tell friend from stranger there.
func (c *Config) Guarded(flag, addr string) error {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return fmt.Errorf("--%s: %q is not host:port", flag, addr)
	}
	if err := handshake.Guarded(addr, c.secrets, c.TLS.Mutual()); err != nil {
		return fmt.Errorf("--%s: %w (--secret-file or PARLEY_SECRET; --tls-cert, --tls-key and --tls-ca)", flag, err)
	}
	return nil
}

// adopt fills in what no source can give: identity and secrets.
func (c *Config) adopt(role string, boot uint64, secrets []string) {
	c.role, c.boot, c.secrets = role, boot, secrets
	if c.Name == "" {
		host, err := os.Hostname()
		if err != nil || host == "" {
			host = role
		}
		c.Name = fmt.Sprintf("%s-%04x", host, uint16(boot))
	}
}

// validate reports everything wrong with the flags that every role has.
func (c *Config) validate() error {
	var errs []error
	if err := c.Identity().Validate(); err != nil {
		errs = append(errs, fmt.Errorf("--name, --cluster: %w", err))
	}
	if _, _, err := net.SplitHostPort(c.OpsListen); err != nil {
		errs = append(errs, fmt.Errorf("--ops-listen: %q is not host:port", c.OpsListen))
	}
	if c.DrainTimeout < 0 {
		errs = append(errs, fmt.Errorf("--drain-timeout: %v is negative", c.DrainTimeout))
	}
	if err := c.TLS.Validate(""); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
