package worker

import (
	"context"

	"github.com/parley-im/parley/register"
)

// Directory is how a Worker finds the gateways and is found: by default a
// register.Client over Config.Registers. A process that has one already, or a
// test, hands in its own.
type Directory interface {
	// Run keeps the directory up to date until ctx ends, and returns when all it
	// started has ended. It is called once.
	Run(ctx context.Context) error
	// Join announces this process, until Leave.
	Join(m register.Member) error
	// Joined returns a channel that is closed once a register has confirmed it.
	Joined() <-chan struct{}
	// Leave takes the announcement back and waits until that is known, or ctx ends.
	Leave(ctx context.Context) error
	// Watch begins to watch the members of a role.
	Watch(role string) View
	// LinkAlive tells whether there is a living link to a member.
	LinkAlive(boot uint64, alive bool)
}

// View is what a Directory knows of one role: *register.View is one.
type View interface {
	// Members returns who is there.
	Members() []register.Member
	// Changed carries a signal after a change; several may become one.
	Changed() <-chan struct{}
	// Ready returns a channel that is closed once Members is whole, and, after
	// Join, once whoever looks sees this process too. A View that has a method
	// Settled() bool may be ready before everybody is listed again, by a register that
	// has just begun: sends wait for it, for a few seconds.
	Ready() <-chan struct{}
	// Close ends the view.
	Close()
}

// Registers makes a Directory of a register.Client, for a process that uses the
// client elsewhere too. The Worker runs it.
func Registers(c *register.Client) Directory { return registers{c} }

type registers struct{ *register.Client }

func (r registers) Watch(role string) View { return r.Client.Watch(role) }

// RunningRegisters makes a Directory of a register.Client that the process runs by
// itself, for as long as the Worker runs and longer. The process's boot goes into
// [Config.Boot].
func RunningRegisters(c *register.Client) Directory { return running{registers{c}} }

type running struct{ registers }

// Run waits for the end: somebody else keeps the client up to date.
func (running) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
