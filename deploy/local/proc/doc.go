// Package proc starts real processes, watches them, and does to them what a bad
// day does: kill -9, SIGSTOP, SIGTERM, a restart that takes its time.
//
//	fleet := proc.NewFleet(proc.Discard)
//	defer fleet.Close() // nothing survives this
//	p := fleet.Add(proc.Spec{Name: "worker-1", Path: "bin/echo", Ops: "127.0.0.1:7001"})
//	err := p.Start()
//	err = p.Ready(ctx)
//	err = p.Kill()
//
// Whatever happens to the process that owns a Fleet, its children end with it:
// on Linux the kernel kills them when their parent dies, kill -9 included.
// Waiting is polling with a deadline, never a sleep.
package proc
