package workers

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault/grpcfault"
)

// CallTime is how long a call may take, with all its repeats.
const CallTime = 10 * time.Second

const (
	// patience is how long one worker may take to answer before another is asked beside
	// it: a worker that stands still is taken out of the register within a lease, 3 s.
	patience = 4 * time.Second
	// maxTries bounds how often a call is begun.
	maxTries = 6
	// firstPause is between two tries, and grows.
	firstPause = 20 * time.Millisecond
)

// Conn asks workers. It is what generated clients take.
type Conn struct {
	to     grpc.ClientConnInterface
	repeat map[string]bool // by the full name of an rpc
	again  atomic.Int64
}

var _ grpc.ClientConnInterface = (*Conn)(nil)

// New makes a Conn over one that spreads calls over the workers.
func New(to grpc.ClientConnInterface) *Conn {
	// A ticket is signed and not stored: a second one for the same picture is as good.
	c := &Conn{to: to, repeat: map[string]bool{chatv1.ImageService_IssueTicket_FullMethodName: true}}
	for _, name := range []protoreflect.Name{"ChatService", "ImageService"} {
		methods := service(name).Methods()
		for i := range methods.Len() {
			if d := methods.Get(i); repeatable(d) {
				c.repeat[fullName(d)] = true
			}
		}
	}
	return c
}

// Repeats is how many calls were begun again.
func (c *Conn) Repeats() int64 { return c.again.Load() }

// Call asks for a method. Its errors are faults.
func (c *Conn) Call(ctx context.Context, m *Method, req proto.Message) (proto.Message, error) {
	res := m.out.New().Interface()
	if err := c.Invoke(ctx, m.full, req, res); err != nil {
		return nil, err
	}
	return res, nil
}

// Invoke implements grpc.ClientConnInterface. It waits for a worker that can be reached.
// What may not be done twice is repeated by gRPC alone, when no worker has seen it. Its
// errors are faults.
func (c *Conn) Invoke(ctx context.Context, method string, req, res any, opts ...grpc.CallOption) error {
	ctx, cancel := context.WithTimeout(ctx, CallTime)
	defer cancel()
	opts = append(opts, grpc.WaitForReady(true))
	into, ok := res.(proto.Message)
	if !ok || !c.repeat[method] {
		return grpcfault.FromError(c.to.Invoke(ctx, method, req, res, opts...))
	}
	t := &tries{answers: make(chan answer, maxTries)}
	defer t.running.Wait()
	defer cancel() // before the wait
	t.begin = func() {
		out := into.ProtoReflect().New().Interface()
		t.running.Go(func() { t.answers <- answer{out, c.to.Invoke(ctx, method, req, out, opts...)} })
	}
	a := t.insist(ctx, &c.again)
	if a.err == nil {
		proto.Merge(into, a.res)
	}
	return grpcfault.FromError(a.err)
}

// NewStream implements grpc.ClientConnInterface: no rpc of the chat streams.
func (c *Conn) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, status.Error(codes.Unimplemented, "no rpc of the chat streams")
}

// answer is what came of one try.
type answer struct {
	res proto.Message
	err error
}

// tries are those of one call.
type tries struct {
	begin   func()
	answers chan answer // has room for all
	running sync.WaitGroup
}

// insist begins a call again, with whichever worker is next, when its worker was lost or
// is silent for long. What comes first counts: to ask twice is to do once.
func (t *tries) insist(ctx context.Context, again *atomic.Int64) answer {
	t.begin()
	begun, pending, refused := 1, 1, 0
	pause := firstPause
	next := time.NewTimer(patience)
	defer next.Stop()
	for {
		select {
		case a := <-t.answers:
			pending--
			if !lost(a.err) {
				return a
			}
			if said(a.err) {
				refused++ // that worker is there, and lacks something: one more may have it
			}
			if refused > 1 || begun == maxTries && pending == 0 {
				return a
			}
			next.Reset(pause/2 + rand.N(pause))
			pause *= 2
		case <-next.C:
			if begun < maxTries {
				again.Add(1)
				begun, pending = begun+1, pending+1
				t.begin()
				next.Reset(patience)
			}
		case <-ctx.Done():
			return answer{err: context.Cause(ctx)}
		}
	}
}

// lost says that a try had no worker that could do it.
func lost(err error) bool { return status.Code(err) == codes.Unavailable }

// said says that a worker gave the error, and not gRPC.
func said(err error) bool {
	var s interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &s) {
		return false
	}
	for _, d := range s.GRPCStatus().Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.GetDomain() == grpcfault.Domain {
			return true
		}
	}
	return false
}
