// Command parley-worker is the chat. Start as many as you like: they share a database,
// find the gateways by the register, and take over from each other.
package main

import "github.com/parley-im/parley/register/node"

func main() { node.Main("worker", new(config)) }
