// Command parley-load measures what a gateway and a worker cost: see package load
// and docs/benchmarks.md.
package main

import (
	"github.com/alecthomas/kong"

	"github.com/parley-im/parley/deploy/load"
)

func main() {
	var c load.Command
	k := kong.Parse(&c, kong.Name("parley-load"),
		kong.Description("Measures what a gateway and a worker cost, as real processes on one machine."), kong.UsageOnError())
	k.FatalIfErrorf(k.Run())
}
