// Package server is the register: it knows who is there, in memory, for as long as
// members say so. It answers for leases and for telling watchers about them. It does
// not answer for agreement between registers: several need not know each other, and
// clients unite what they say. It is not in the path of traffic.
//
//	s, err := server.New(server.Config{Secrets: secrets})
//	…
//	go s.Run(ctx, listener)
//	…
//	s.Drain(ctx) // before ctx of Run ends: watchers hear that this is not the end of any lease
//
// What ends a lease: the member says that it leaves, or nothing is heard of it for
// Config.Lease. A stream that breaks ends nothing. When the register itself stood
// still (a stopped process, a machine that slept) it gives every lease another full
// length, because the silence was its own, and it is not settled for as long.
//
// Locks: Server.mu guards the table, its leases and its watchers' queues. It is never
// held while something is sent; watchers are woken through channels that never block.
package server
