package api

import (
	"context"
	"net"

	"google.golang.org/grpc"

	"github.com/parley-im/parley/api/internal/workers"
	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
)

// workerRole is the role of who serves ChatService.
const workerRole = "worker"

// dial makes the connection to the workers, whoever they are at the time, and the views
// of those that can be asked.
func (a *API) dial() (err error) {
	gate := handshake.Guard(a.cfg.Identity, func() []string { return *a.secrets.Load() }, a.cfg.WorkerTLS)
	gate.Role = workerRole
	a.conn, err = grpc.NewClient(register.Scheme+":///"+workerRole,
		grpc.WithResolvers(register.NewResolver(a.cfg.Directory)),
		grpc.WithTransportCredentials(gate),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		}),
		grpc.WithNoProxy(), grpc.WithIdleTimeout(0),
	)
	if err != nil {
		return err
	}
	a.serving, a.gateways = a.cfg.Directory.Watch(workerRole), a.cfg.Directory.Watch("gateway")
	a.workers = workers.New(a.conn)
	a.images = chatv1.NewImageServiceClient(a.workers)
	return nil
}

// reachable is how many workers there are that can be asked.
func (a *API) reachable() (n int) {
	for _, m := range a.serving.Members() {
		if m.Addr != "" {
			n++
		}
	}
	return n
}
