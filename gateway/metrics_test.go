package gateway

import (
	"net"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-im/parley/register/handshake"
)

func TestEveryMetricHasItsRow(t *testing.T) {
	page, err := os.ReadFile("../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	// A row names its first metric in full and the others by what differs.
	told := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`parley_gateway_[^|]*) \\|").FindAllStringSubmatch(string(page), -1) {
		for _, name := range regexp.MustCompile("`([a-z_]+)").FindAllStringSubmatch(row[1], -1) {
			told["parley_gateway_"+strings.TrimPrefix(strings.TrimPrefix(name[1], "parley_gateway"), "_")] = true
		}
	}
	registry := prometheus.NewRegistry()
	newForMetrics(t, registry)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if !told[f.GetName()] {
			t.Errorf("%s is not in operating.md", f.GetName())
		}
		if f.GetHelp() == "" {
			t.Errorf("%s has no help", f.GetName())
		}
		delete(told, f.GetName())
	}
	for name := range told {
		t.Errorf("operating.md has %s, the gateway has not", name)
	}
}

func newForMetrics(t *testing.T, r prometheus.Registerer) {
	t.Helper()
	listen := func() net.Listener {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l
	}
	_, err := New(Config{
		Identity: handshake.Identity{Cluster: "test", Role: "gateway", Node: "g", Boot: 1},
		Clients:  listen(), Links: listen(), Metrics: r,
	})
	if err != nil {
		t.Fatal(err)
	}
}
