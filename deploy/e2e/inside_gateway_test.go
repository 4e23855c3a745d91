package e2e

import (
	"fmt"
	"net"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/parley-im/parley/deploy/local/proc"
	"github.com/parley-im/parley/gateway"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
	"github.com/parley-im/parley/register/registertest"
	"github.com/parley-im/parley/worker"
)

// insideGateway is a gateway.Gateway, and the client of the registers beside it.
type insideGateway struct {
	name           string
	registers      []string
	patience       time.Duration
	clients, links string
	change         func(*gateway.Config)

	mu      sync.Mutex
	gateway *gateway.Gateway
	metrics *prometheus.Registry
	lives   []*life // gateway, then client
}

func (g *insideGateway) Name() string { return g.name }

func (g *insideGateway) Start(t *testing.T) {
	t.Helper()
	id := handshake.Identity{Cluster: worker.DefaultCluster, Role: "gateway", Node: g.name, Boot: handshake.NewBoot()}
	directory, err := register.New(register.Config{Registers: g.registers, Identity: id, Log: silent})
	must(t, err)
	clients := registertest.Again(t, func() (net.Listener, error) { return gateway.Listen(ctxBackground, g.clients) })
	links := registertest.Again(t, func() (net.Listener, error) { return net.Listen("tcp", g.links) })
	metrics := prometheus.NewRegistry()
	cfg := gateway.Config{
		Identity: id, Clients: clients, Links: links, Directory: directory, Log: silent, Metrics: metrics,
		Limits: gateway.Limits{WorkerPatience: g.patience, DrainWindow: 100 * time.Millisecond},
	}
	if g.change != nil {
		g.change(&cfg)
	}
	made, err := gateway.New(cfg)
	must(t, err)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.gateway, g.metrics = made, metrics
	g.lives = []*life{begun(made.Run), begun(directory.Run)}
}

func (g *insideGateway) Ready(t *testing.T) {
	t.Helper()
	var err error
	eventually(t, func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		err = g.gateway.Ready()
		return err == nil
	}, func() string { return fmt.Sprintf("%s: %v", g.name, err) })
}

func (g *insideGateway) Stop(t *testing.T) {
	t.Helper()
	g.end(t)
}

func (g *insideGateway) end(t *testing.T) {
	t.Helper()
	g.mu.Lock()
	lives := g.lives
	g.lives = nil
	g.mu.Unlock()
	for _, l := range lives {
		l.end(t, g.name)
	}
}

func (g *insideGateway) Kill(t *testing.T)   { t.Fatal("a gateway in this process cannot be killed") }
func (g *insideGateway) Freeze(t *testing.T) { t.Fatal("a gateway in this process cannot be frozen") }
func (g *insideGateway) Thaw(*testing.T)     {}

func (g *insideGateway) Metrics() (proc.Metrics, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	page := httptest.NewRecorder()
	promhttp.HandlerFor(g.metrics, promhttp.HandlerOpts{}).ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	return proc.ParseMetrics(page.Body.String()), nil
}
