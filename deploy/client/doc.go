// Package client is a WebSocket client for tests, load and proofs. It speaks
// RFC 6455 by itself, without a library that might be kind to the server: it
// hands over every message that came, in the order it came, and drops nothing.
//
//	c, err := client.Dial(ctx, "ws://127.0.0.1:8282/", client.Options{})
//	defer c.Cut()
//	err = c.Send("hello")
//	m, err := c.Read()
//
// A Tape beside it writes down what one conn sent and what it received, before
// anybody counts or removes repeats.
//
// What it will not do: reconnect, compress, or check that text is UTF-8.
package client
