// Command parley-register runs one register of a cluster: it knows who is there, in
// memory. Several may run side by side and need not know each other.
package main

import "github.com/parley-im/parley/register/node"

func main() { node.Main("register", new(config)) }
