package node

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"

	"github.com/parley-im/parley/register/handshake"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Node is what a running process gives its service. What Program.New is given works
// until the process ends.
type Node struct {
	config  *Config
	log     *slog.Logger
	level   *slog.LevelVar
	metrics *prometheus.Registry
	certs   *certificates
	ready   *readiness

	ctx        context.Context // until the process must end, drained or not
	giveUp     context.CancelFunc
	background []func(context.Context) error // beside the service, and a little longer
	listeners  []net.Listener

	mu       sync.Mutex // guards what follows
	onReload []func(next Program)

	drains chan struct{} // closed: Drain was called
	asked  sync.Once
}

func newNode(c *Config, stderr io.Writer) (*Node, error) {
	n := &Node{
		config: c, level: new(slog.LevelVar), metrics: prometheus.NewRegistry(), certs: new(certificates), ready: newReadiness(),
		drains: make(chan struct{}),
	}
	n.ctx, n.giveUp = context.WithCancel(context.Background())
	n.level.Set(parseLevel(c.LogLevel))
	n.log = newLog(stderr, c.LogFormat, n.level, c.role, c.Name)
	m, err := c.TLS.load("")
	if err != nil {
		return nil, err
	}
	n.certs.current.Store(m)
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "parley_build_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"role": c.role, "build": Build()},
	})
	build.Set(1)
	n.metrics.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return n, nil
}

// Identity is who this process is.
func (n *Node) Identity() handshake.Identity { return n.config.Identity() }

// Secrets are the secrets at the start; see OnReload for later ones.
func (n *Node) Secrets() []string { return n.config.Secrets() }

// Log is the log of the process.
func (n *Node) Log() *slog.Logger { return n.log }

// Metrics is where the service registers its metrics; they are served at /metrics.
func (n *Node) Metrics() *prometheus.Registry { return n.metrics }

// ServerTLS is for listeners that other processes of the cluster dial; nil: no TLS.
// Connections made after a SIGHUP use the certificates that are there then.
func (n *Node) ServerTLS() *tls.Config { return n.certs.server() }

// ClientTLS is for dialling other processes of the cluster, through
// handshake.Credentials; nil: no TLS.
func (n *Node) ClientTLS() *tls.Config { return n.certs.client() }

// TLS is for a listener with certificates of its own, such as those that clients see.
// prefix is that of their flags, of finds them in a Program. nil: there are none.
// They too change on SIGHUP.
func (n *Node) TLS(p Program, prefix string, of func(Program) TLSFiles) (*tls.Config, error) {
	m, err := of(p).load(prefix)
	if err != nil {
		return nil, err
	}
	certs := new(certificates)
	certs.current.Store(m)
	n.OnReload(func(next Program) {
		if m, err := of(next).load(prefix); err != nil {
			n.log.Error("certificates not taken over", "err", err)
		} else {
			certs.replace(m)
		}
	})
	return certs.server(), nil
}

// OnReload has f called on SIGHUP with the configuration that is in effect then: what
// is tagged reload as it was read, the rest as it was at the start.
func (n *Node) OnReload(f func(next Program)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.onReload = append(n.onReload, f)
}

// Ready makes /readyz fail, with the text of the error, while check returns one.
// check is called from any goroutine and must not block.
func (n *Node) Ready(name string, check func() error) { n.ready.add(name, check) }

// ReadyWhen makes /readyz fail until ch is closed.
func (n *Node) ReadyWhen(name string, ch <-chan struct{}) {
	n.Ready(name, func() error {
		select {
		case <-ch:
			return nil
		default:
			return fmt.Errorf("not yet")
		}
	})
}

// Deadline is a context that ends when a service that drains must give up, shortly
// before the process ends with or without it. Before SIGTERM it has not ended.
func (n *Node) Deadline() context.Context { return n.ctx }

// Drain makes the process drain as SIGTERM does. It returns at once and may be called from
// any goroutine, more than once.
func (n *Node) Drain() { n.asked.Do(func() { close(n.drains) }) }

// close closes the listeners that Listen opened.
func (n *Node) close() {
	for _, l := range n.listeners {
		l.Close()
	}
}
