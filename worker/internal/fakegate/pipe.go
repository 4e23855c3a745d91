package fakegate

import (
	"context"
	"io"
	"sync"
)

// pipeBatches is how many batches lie in a pipe before its sender waits.
const pipeBatches = 64

// Pipe is a stream in memory: one end is the worker's, the other the gateway's. It
// ends with ctx, or when either end is closed.
// The worker's end says that the gateway has these features.
func Pipe(ctx context.Context, features ...string) (worker, gateway *End) {
	up, down := make(chan []byte, pipeBatches), make(chan []byte, pipeBatches)
	over := &over{done: make(chan struct{})}
	stop := context.AfterFunc(ctx, over.end)
	over.stop = stop
	return &End{out: up, in: down, over: over, features: features}, &End{out: down, in: up, over: over}
}

type over struct {
	once sync.Once
	done chan struct{}
	stop func() bool
}

func (o *over) end() { o.once.Do(func() { close(o.done) }) }

// End is one end of a Pipe.
type End struct {
	out    chan<- []byte
	in     <-chan []byte
	over   *over
	closed sync.Once

	features []string
}

// Features are those that the other end has.
func (e *End) Features() []string { return e.features }

// Send copies records into the pipe; it waits when the other end does not read.
func (e *End) Send(records []byte) error {
	b := append([]byte(nil), records...)
	select {
	case <-e.over.done:
		return io.ErrClosedPipe
	default:
	}
	select {
	case e.out <- b:
		return nil
	case <-e.over.done:
		return io.ErrClosedPipe
	}
}

// Recv waits for records. io.EOF: the other end has said that nothing more comes.
func (e *End) Recv() ([]byte, error) {
	select {
	case b, ok := <-e.in:
		if !ok {
			return nil, io.EOF
		}
		return b, nil
	default:
	}
	select {
	case b, ok := <-e.in:
		if !ok {
			return nil, io.EOF
		}
		return b, nil
	case <-e.over.done:
		return nil, io.ErrClosedPipe
	}
}

// CloseSend says that nothing more comes from this end.
func (e *End) CloseSend() error {
	e.closed.Do(func() { close(e.out) })
	return nil
}

// Close ends the pipe for both.
func (e *End) Close() {
	e.over.stop()
	e.over.end()
}
