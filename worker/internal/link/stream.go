package link

import (
	"context"

	"github.com/parley-im/parley/register"
)

// Stream carries batches of records between this process and one gateway, after
// the handshake. One goroutine sends and one receives.
type Stream interface {
	// Send gives the stream a run of records, which nobody changes afterwards.
	// It may wait for the gateway to read.
	Send(records []byte) error
	// Recv waits for the next run. It is valid until the next call.
	Recv() (records []byte, err error)
	// Features are what the gateway named in its Hello: what it can do beyond protocol 1.0.
	Features() []string
	// CloseSend tells the gateway that nothing more comes.
	CloseSend() error
	// Close lets go of what the stream holds, after its context has ended.
	Close()
}

// Dialer opens streams. ctx is the life of the stream: when it ends, Send and
// Recv return. attempt counts the attempts at this gateway since the last
// success, from 0.
type Dialer interface {
	Dial(ctx context.Context, gateway register.Member, attempt int) (Stream, error)
}

// View is what the directory knows of the gateways: *register.View, or a test's.
type View interface {
	// Members are the gateways that are there.
	Members() []register.Member
	// Changed carries a signal after a change; several may become one.
	Changed() <-chan struct{}
	// Ready is closed when Members is whole for the first time.
	Ready() <-chan struct{}
}
