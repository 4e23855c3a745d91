// Package load measures what a gateway and a worker cost, as the real processes
// that users run, on one machine: `parley-load`.
//
//	idle    memory of conns that do nothing
//	echo    CPU and time of a frame to a worker and back
//	fanout  CPU and time of one frame to many
//	slow    what good conns notice of stalled and flooding ones
//
// Each scenario starts a register, a gateway and the worker of package counterpart,
// lets a crowd of clients work on them, and reads what the processes used from the
// kernel. A figure is the median of several windows of the same processes.
//
// Costs of CPU are user and system time of the process. Over loopback a write also
// does the receiving side's part of TCP, so a gateway pays for its clients' and a
// client for the gateway's, as everywhere where loopback is measured.
//
// Linux only: it reads /proc.
package load
