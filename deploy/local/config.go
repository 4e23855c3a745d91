package local

import (
	"errors"
	"fmt"

	"github.com/parley-im/parley/deploy/local/netlab"
	"github.com/parley-im/parley/deploy/local/proc"
)

// Programs are the paths of the programs of a cluster; package build makes them.
type Programs struct {
	Register, Gateway, Worker string
	API, NATS, Bots, Feeder   string // one process of each, of those that are given
	Ctl                       string // is not started; people are told of it
}

// Config is what a Cluster is made of. Programs and Ports must be given.
type Config struct {
	Programs  Programs
	Registers int // 0: one
	Gateways  int
	Workers   int // of all pools together
	Ports     Ports
	Host      string // where everything listens; "": 127.0.0.1
	Public    string // where gateways and the page listen, if elsewhere
	Page      bool   // the first worker serves a page on Ports.Page
	Chat      bool   // the workers are the chat: they listen for calls on Ports.Chat

	// SecretFile guards the cluster; needed when Host is not loopback.
	SecretFile string

	// Further flags for every process of a role.
	RegisterArgs, GatewayArgs, WorkerArgs []string
	APIArgs, NATSArgs, BotsArgs           []string
	// WorkerPools are the flags that workers of each pool have besides: worker i is of pool
	// i, and from the first again. None: all are alike.
	WorkerPools [][]string
	// PushKey is the key that the feeder shows to the api, which has to know it.
	PushKey string
	// Env is added to the environment of every process.
	Env []string
	// Nodes[i] is the network namespace that worker i lives in; nil or shorter: ours.
	Nodes []*netlab.Node

	Output proc.Output // nil: proc.Discard
}

// The largest counts for which the blocks of ports have room.
const (
	maxRegisters = 8
	maxGateways  = 24
	maxWorkers   = 32
)

// Validate reports everything wrong at once, naming the flag of parley-local.
func (c *Config) Validate() error {
	var errs []error
	between := func(flag string, n, least, most int) {
		if n < least || n > most {
			errs = append(errs, fmt.Errorf("--%s=%d: want %d to %d", flag, n, least, most))
		}
	}
	between("registers", c.Registers, 1, maxRegisters)
	between("gateways", c.Gateways, 0, maxGateways)
	between("workers", c.Workers, 0, maxWorkers)
	if c.Ports == (Ports{}) {
		errs = append(errs, errors.New("no ports given"))
	}
	return errors.Join(errs...)
}

func (c *Config) withDefaults() {
	if c.Registers == 0 {
		c.Registers = 1
	}
	if c.Host == "" {
		c.Host = "127.0.0.1"
	}
	if c.Public == "" {
		c.Public = c.Host
	}
	if c.Output == nil {
		c.Output = proc.Discard
	}
}
