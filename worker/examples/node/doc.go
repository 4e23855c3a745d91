// Package node has no Go beside its tests: the worker is main.js, written in JavaScript
// from docs/link-protocol.md alone. The tests run it as a process of its own, beside a
// worker in Go of the same protocol and behind real gateways. Needed: Node 20 and npm;
// without, they skip themselves, and fail when PARLEY_CI is set.
package node
