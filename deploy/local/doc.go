// Package local runs a whole Parley on one machine: every role as a real process
// of the operating system. `make run` and `make example` are this; end-to-end
// tests and the prover start their clusters with it too.
//
//	c, err := local.New(local.Config{Programs: programs, Gateways: 2, Workers: 2})
//	defer c.Close()
//	err = c.Start()
//	err = c.Ready(ctx)
//	err = c.Workers[0].Kill() // see package proc for what else can be done to it
//
// Its parts: build compiles the programs, proc starts and torments processes,
// logline makes one log of many, netlab drops packets between processes, runfile is
// where others find what runs.
package local
