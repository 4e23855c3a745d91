// Command parley-api is the HTTP door: calls, pictures, and the page. docs/operating.md
// has its flags.
package main

import (
	"github.com/parley-im/parley/api"
	"github.com/parley-im/parley/register/node"
)

func main() { node.Main(api.Role, new(config)) }
