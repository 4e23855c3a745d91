// Package register is how the processes of a cluster find each other: a Client
// announces this process to every register and keeps views of the others. It answers
// for who is believed to be there. It does not answer for whether somebody can be
// reached right now; whoever dials a member names its Boot, so that an address used
// anew is harmless.
//
//	c, err := register.New(register.Config{Registers: addrs, Identity: id, Secrets: secrets})
//	…
//	go c.Run(ctx)
//	err = c.Join(register.Member{Addr: "10.0.0.7:2900"})
//	workers := c.Watch("worker")
//	<-workers.Ready()
//	for {
//		use(workers.Members())
//		<-workers.Changed()
//	}
//
// # Who is in a view
//
// A register keeps a lease for each member: three seconds unless configured
// otherwise, renewed by a beat every second. Several registers need not know each
// other; their views are united here. A member enters a view when any register lists
// it. It leaves when
//
//   - it said itself, to any register, that it leaves; or
//   - a register that saw its lease announces that the lease ended, and no other
//     register that is reached still lists it; or
//   - registers that are reached have not listed it for three leases;
//
// and in each case only if this process has no living link to it ([Client.LinkAlive]).
// A register that is out of reach, hangs, or comes back empty takes nobody with it:
// with all registers down the views stay as they are. The rule is type merge, which
// does no I/O and is compared with a slow model of it over random histories.
//
// Time is monotonic, and silence while this process itself stood still (a stopped
// process, a machine that slept) is held against nobody.
//
// # Registers that hang
//
// A register says something at least every beat. One that is silent for a lease is
// left, whatever TCP thinks of the connection, and dialled anew, with growing pauses
// of at most [Config.MaxBackoff] and jitter. One connection to a register carries one
// join stream and one watch stream per role; they live and die together.
//
// # Locks
//
// Client.mu is the only lock. It guards the merges and is never held during I/O;
// sessions learn of changes through a channel that is closed and replaced.
package register
