// Command parley-local runs a whole Parley on one machine, every role as a real
// process: `make run` and `make example` are this.
package main

import (
	"github.com/alecthomas/kong"

	"github.com/parley-im/parley/deploy/local"
)

func main() {
	var c local.Command
	k := kong.Parse(&c, kong.Name("parley-local"),
		kong.Description("Runs a whole Parley on one machine, every role as a real process."), kong.UsageOnError())
	k.FatalIfErrorf(k.Run())
}
