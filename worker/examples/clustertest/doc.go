// Package clustertest runs an example's handler behind real gateways, real workers and
// a real register, all on loopback, and talks to it as a client does:
//
//	c := clustertest.Start(t, clustertest.Config{}, func(func()) worker.Handler { return echo{} })
//	ann := clustertest.Dial(t, c.URLs[0])
//	ann.Say("hello")
//	ann.Hears("Server: hello")
//
// It is for wire_test.go. What a handler does is told apart faster by workertest, which
// needs no network. Everything it starts has ended when the test has.
package clustertest
