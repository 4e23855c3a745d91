package register

import (
	"fmt"
	"strings"

	"google.golang.org/grpc/resolver"

	"github.com/parley-im/parley/register/handshake"
)

// Scheme is the scheme of targets that a Resolver resolves: parley:///worker is
// every member of role worker.
const Scheme = "parley"

// roundRobin is how calls are spread unless the dialler says otherwise.
const roundRobin = `{"loadBalancingConfig":[{"round_robin":{}}]}`

// NewResolver makes gRPC dial the members of a role:
//
//	grpc.NewClient("parley:///worker", grpc.WithResolvers(register.NewResolver(client)), …)
//
// It follows a View for as long as the connection lives. Before the first snapshot
// calls wait; with no member there they fail as unavailable, unless they wait for
// ready. client.Run must be running.
func NewResolver(client *Client) resolver.Builder { return &resolverBuilder{client} }

type resolverBuilder struct{ client *Client }

var _ resolver.Builder = (*resolverBuilder)(nil)

func (b *resolverBuilder) Scheme() string { return Scheme }

func (b *resolverBuilder) Build(t resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	role := roleOf(t)
	if role == "" || t.URL.Host != "" {
		return nil, fmt.Errorf("%q names no role: want %s:///role", t.URL.String(), Scheme)
	}
	r := &memberResolver{cc: cc, role: role, view: b.client.Watch(role), stop: make(chan struct{}), done: make(chan struct{})}
	go r.follow()
	return r, nil
}

func roleOf(t resolver.Target) string { return strings.TrimPrefix(t.URL.Path, "/") }

// memberResolver keeps one gRPC connection informed of one View.
type memberResolver struct {
	cc         resolver.ClientConn
	role       string
	view       *View
	stop, done chan struct{}
}

var _ resolver.Resolver = (*memberResolver)(nil)

// ResolveNow does nothing: the view is always as new as can be.
func (r *memberResolver) ResolveNow(resolver.ResolveNowOptions) {}

// Close returns when nothing will be told to the connection any more.
func (r *memberResolver) Close() {
	close(r.stop)
	<-r.done
}

func (r *memberResolver) follow() {
	defer close(r.done)
	defer r.view.Close()
	select {
	case <-r.stop:
		return
	case <-r.view.Ready():
	}
	config := r.cc.ParseServiceConfig(roundRobin)
	for some := false; ; {
		var addrs []resolver.Address
		for _, m := range r.view.Members() {
			if m.Addr != "" {
				addrs = append(addrs, addressOf(m))
			}
		}
		if some = some || len(addrs) > 0; some {
			// An error says that the balancer wants other addresses; there are none.
			_ = r.cc.UpdateState(resolver.State{Addresses: addrs, ServiceConfig: config})
		} else {
			r.cc.ReportError(fmt.Errorf("no member of role %s is known to the registers", r.role))
		}
		select {
		case <-r.stop:
			return
		case <-r.view.Changed():
		}
	}
}

// addressOf has the certificate checked against the host of the member, not against
// the name of the role, and the boot by whoever dials through a [handshake.Gate].
func addressOf(m Member) resolver.Address {
	host := m.Addr
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	return resolver.Address{Addr: m.Addr, ServerName: strings.Trim(host, "[]"), Attributes: handshake.BootAttribute(m.Boot)}
}
