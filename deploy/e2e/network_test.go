package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/local/netlab"
)

// cables is a stage of real processes where each worker has a network of its own,
// in which packets can be dropped. Without root the test skips; in CI it fails.
func cables(t *testing.T, c cast) (s *staged, nodes []*netlab.Node) {
	t.Helper()
	return cablesWith(t, c, func(*local.Config) {})
}

// cablesWith is cables after a change of how the processes are started.
func cablesWith(t *testing.T, c cast, change func(*local.Config)) (s *staged, nodes []*netlab.Node) {
	t.Helper()
	c.withDefaults()
	lab, err := netlab.New(t.Context())
	if errors.Is(err, netlab.ErrUnavailable) {
		if inCI() {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	must(t, err)
	t.Cleanup(lab.Close)
	const secret = "secret-of-one-end-to-end-test"
	file := filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(file, []byte(secret+"\n"), 0o600))
	for i := range c.workers {
		n, err := lab.Add(t.Context(), "w"+string(rune('1'+i)))
		must(t, err)
		nodes = append(nodes, n)
	}
	return processes(t, c, func(cfg *local.Config) {
		cfg.Host, cfg.Nodes, cfg.SecretFile = lab.Host(), nodes, file
		change(cfg)
	}, secret), nodes
}

// TestWorkerCutOffFromTheRegisterWorksOn drops the packets between a worker and the
// register: its links outvote the end of its lease.
func TestWorkerCutOffFromTheRegisterWorksOn(t *testing.T) {
	t.Parallel()
	s, nodes := cables(t, cast{gateways: 1, workers: 2, patience: patient})
	begin(t, s)
	stop := shrinks(t, s)
	clean(t, underFireAt(t, s, slowRate, func() {
		must(t, nodes[0].Cut(t.Context(), netlab.Both, s.RegisterPort()))
		time.Sleep(5 * lease) // longer than any lease, and than the memory of one
		must(t, nodes[0].Heal(t.Context()))
		time.Sleep(2 * lease)
	}))
	if where := stop(); where != "" {
		t.Error(where)
	}
	if moves := sum(t, s.Gateways(), lostMoves); moves != 0 {
		t.Errorf("%g conns moved although no link was touched", moves)
	}
}
