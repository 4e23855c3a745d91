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
	Example  string
	Gateways int
	Workers  int // 0: people start their own
	Port     int // of the first gateway
	Out      io.Writer
	Color    bool
}

// config is what a person's choice comes to; the ports may still be taken.
func (o Options) config(root string) (Config, error) {
	cfg := Config{
		Gateways: o.Gateways, Workers: o.Workers, Ports: From(o.Port),
		Page: o.Workers > 0 && build.HasPage(root, o.Example),
		// A person at a terminal does not wait. Gateways open their doors after one
		// lease of the register; clients come back in a moment.
		RegisterArgs: []string{"--lease", "1s"},
		GatewayArgs:  []string{"--drain-window", "300ms"},
	}
	cfg.withDefaults()
	names, err := build.ExampleNames(root)
	if err != nil {
		return cfg, err
	}
	return cfg, o.check(names)
}

// check reports everything wrong at once, in the words that make takes.
func (o Options) check(examples []string) error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	there := fmt.Sprintf("here are %s: make example NAME=%s", strings.Join(examples, ", "), examples[len(examples)-1])
	switch {
	case o.Example == "":
		wrong("which example? T%s", there)
	case !slices.Contains(examples, o.Example):
		wrong("no example %s; t%s", o.Example, there)
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

// packages are what has to be built; without workers, no example.
func (o Options) packages() []string {
	list := []string{build.Register, build.Gateway}
	if o.Workers > 0 {
		list = append(list, o.example())
	}
	return list
}

func (o Options) example() string { return path.Join(build.Examples, o.Example) }
