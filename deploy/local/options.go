package local

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/parley-im/parley/deploy/local/build"
)

// Options are what a person chooses about a run.
type Options struct {
	Example  string // that the workers run; "" with Chat
	Chat     bool   // the workers are the chat, with all that belongs to it
	Gateways int
	Workers  int // of each pool that the example has; 0: people start their own
	Port     int // of the first gateway

	Data string // of the chat: the folder of everything that is kept
	LAN  bool   // others in the network reach the page and the gateways

	Feeder string // package of the program that pushes to the example's clients; "": there is none
	NATS   bool   // the example has a NATS server beside it

	Out   io.Writer
	Color bool

	address func() (string, error) // of this machine in its network; nil: it is looked for
}

// config is what a person's choice comes to; the ports may still be taken.
func (o Options) config(root string) (Config, error) {
	cfg := Config{
		Gateways: o.Gateways, Workers: o.Workers, Ports: From(o.Port), Chat: o.Chat,
		Page: !o.Chat && o.Workers > 0 && build.HasPage(root, o.Example),
		// A person at a terminal does not wait. Gateways open their doors after one
		// lease of the register; clients come back in a moment.
		RegisterArgs: []string{"--lease", "1s"},
		GatewayArgs:  []string{"--drain-window", "300ms"},
	}
	if o.LAN {
		cfg.Public = "0.0.0.0"
	}
	cfg.withDefaults()
	if o.Chat {
		o.chat(&cfg)
		return cfg, o.check(nil)
	}
	names, err := build.ExampleNames(root)
	if err != nil {
		return cfg, err
	}
	cfg.GatewayArgs = append(cfg.GatewayArgs, build.GatewayArgs(root, o.Example)...)
	cfg.WorkerPools = build.WorkerPools(root, o.Example)
	cfg.Workers *= len(cfg.WorkerPools)
	err = o.check(names)
	if err == nil && cfg.Workers > maxWorkers {
		err = fmt.Errorf("WORKERS=%d: %s has %d pools, want up to %d for each", o.Workers, o.Example, len(cfg.WorkerPools), maxWorkers/len(cfg.WorkerPools))
	}
	return cfg, err
}

// check reports everything wrong at once, in the words that make takes. Of the chat it is
// not asked which example.
func (o Options) check(examples []string) error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	there := func() string {
		return fmt.Sprintf("here are %s: make example NAME=%s", strings.Join(examples, ", "), examples[len(examples)-1])
	}
	switch {
	case o.Chat:
	case o.Example == "":
		wrong("which example? T%s", there())
	case !slices.Contains(examples, o.Example):
		wrong("no example %s; t%s", o.Example, there())
	}
	if o.Port < minPort || o.Port > maxPort {
		wrong("PORT=%d: all ports move with it, so it must be from %d to %d", o.Port, minPort, maxPort)
	}
	if o.Gateways < 1 || o.Gateways > maxGateways {
		wrong("GATEWAYS=%d: want 1 to %d", o.Gateways, maxGateways)
	}
	if o.Workers < 0 || o.Workers > maxWorkers {
		wrong("WORKERS=%d: want 0 to %d", o.Workers, maxWorkers)
	}
	return errors.Join(errs...)
}

// packages are what has to be built; without workers, neither an example nor the chat. The
// api is the last one: it waits for the page.
func (o Options) packages() []string {
	list := []string{build.Register, build.Gateway}
	if o.Workers > 0 {
		list = append(list, o.worker())
	}
	if o.Chat {
		list = append(list, build.NATS, build.Demo, build.Ctl, build.API)
	}
	if o.NATS {
		list = append(list, build.NATS)
	}
	if o.Feeder != "" {
		list = append(list, build.API, o.Feeder)
	}
	return list
}

func (o Options) worker() string {
	if o.Chat {
		return build.Worker
	}
	return path.Join(build.Examples, o.Example)
}

// programs puts what was built, by package, where it belongs. Bots need somebody to
// answer them: without workers of ours there are none.
func (o Options) programs(built map[string]string) Programs {
	p := Programs{Register: built[build.Register], Gateway: built[build.Gateway], Worker: built[o.worker()]}
	if o.NATS {
		p.NATS = built[build.NATS]
	}
	if o.Feeder != "" {
		p.API, p.Feeder = built[build.API], built[o.Feeder]
	}
	if o.Chat {
		p.API, p.NATS, p.Ctl = built[build.API], built[build.NATS], built[build.Ctl]
		if o.Workers > 0 {
			p.Bots = built[build.Demo]
		}
	}
	return p
}
