// Package crowd is many WebSocket clients on one thread: what measures a server
// must cost less than the server. One epoll and one buffer serve all conns; a conn
// that is idle is a few dozen bytes and a descriptor.
//
//	c, err := crowd.New()
//	defer c.Close()
//	conns, err := c.Connect(ctx, crowd.Dialing{Addr: addr, Count: 1000})
//	err = c.Run(ctx, player) // calls player; conns[0].Send(…) may be called there
//
// Connect comes before Run. While Run runs, everything belongs to its goroutine: the
// Player is called there, and whoever else wants to touch a conn or a counter does it
// with Do.
//
// Clients answer pings and close frames and mask what they send. What they will not
// do: TLS, fragments, compression, reconnecting, checking that text is UTF-8. Package
// client is for those who need to be sure; this one is for load. Linux only: New
// fails elsewhere.
package crowd
