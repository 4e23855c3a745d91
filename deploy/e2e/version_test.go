package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/parley-im/parley/deploy/local"
)

// A new version of a worker is tried by labels while everybody talks: all conns go to it,
// and back to the old one, without a frame lost, doubled or handled again.
func TestNewVersionIsTriedByLabelsUnnoticed(t *testing.T) {
	c := cast{gateways: 2, workers: 4, patience: patient}
	c.withDefaults()
	file := filepath.Join(t.TempDir(), "gateway.conf")
	want := func(version string) {
		must(t, os.WriteFile(file, []byte("gateway.worker-label = version="+version+"\n"), 0o600))
	}
	want("1")
	s := processes(t, c, func(cfg *local.Config) {
		cfg.GatewayArgs = append(cfg.GatewayArgs, "--config", file)
		cfg.WorkerPools = [][]string{{"--label", "version=1"}, {"--label", "version=2"}}
	})
	for _, p := range append(append(s.Registers(), s.Gateways()...), s.Workers()...) {
		p.Start(t)
	}
	settled := func() {
		t.Helper()
		for _, w := range s.Workers() {
			await(t, w, "parley_worker_gateways_in_step", 2)
		}
		for _, g := range s.Gateways() {
			await(t, g, "parley_gateway_workers", 2)
		}
	}
	settled()
	clean(t, underFire(t, s, func() {
		for _, version := range []string{"2", "1"} {
			moved := sum(t, s.Gateways(), `parley_gateway_moves_total{reason="label"}`)
			again := strings.Count(s.said.String(), readAgain)
			want(version)
			for i := range s.Gateways() {
				must(t, s.Cluster.Gateways[i].Signal(syscall.SIGHUP))
			}
			eventually(t, func() bool { return strings.Count(s.said.String(), readAgain) == again+2 }, func() string { return "a gateway has not read its file" })
			settled()
			eventually(t, func() bool {
				return sum(t, s.Gateways(), `parley_gateway_moves_total{reason="label"}`) >= moved+crowdConns
			}, func() string { return "not all conns have moved to version " + version })
		}
	}))
	if n := sum(t, s.Gateways(), "parley_gateway_redelivered_total"); n != 0 {
		t.Errorf("%g events were handled again", n)
	}
}
