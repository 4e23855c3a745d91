// Command parley-verify kills, freezes and cuts off real processes under load and
// counts what was lost: `make verify` is this.
package main

import (
	"github.com/alecthomas/kong"

	"github.com/parley-im/parley/deploy/verify"
)

func main() {
	var c verify.Command
	k := kong.Parse(&c, kong.Name("parley-verify"),
		kong.Description("Kills, freezes and cuts off real processes under load and counts what was lost."), kong.UsageOnError())
	k.FatalIfErrorf(k.Run())
}
