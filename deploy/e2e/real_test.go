package e2e

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/local/build"
	"github.com/parley-im/parley/deploy/local/proc"
	"github.com/parley-im/parley/deploy/verify"
	"github.com/parley-im/parley/worker"
)

// programs builds what the real stages run, once, with the race detector if this
// test has it.
var programs = sync.OnceValues(func() (map[string]string, error) {
	b := build.Builder{Race: race, Say: func(line string) { fmt.Println(line) }}
	return b.Programs(ctxBackground, build.Register, build.Gateway, verify.Worker)
})

// staged is a stage of operating system processes.
type staged struct {
	*local.Cluster
	registers, gateways, workers []player
	sender                       *worker.Worker
	said                         *journal
}

func realProcesses(t *testing.T, c cast) stage {
	t.Helper()
	return processes(t, c, nil)
}

// processes is realProcesses after a change of how they are started, if there is
// one. A secret in it is that of the sender, too.
func processes(t *testing.T, c cast, change func(*local.Config), secrets ...string) *staged {
	t.Helper()
	built, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	out := &journal{}
	cfg := local.Config{
		Programs:  local.Programs{Register: built[build.Register], Gateway: built[build.Gateway], Worker: built[verify.Worker]},
		Host:      "127.0.0.1",
		Registers: c.registers, Gateways: c.gateways, Workers: c.workers, Output: out,
		// The race detector would let every process sleep for a second before it ends.
		Env:          []string{"GORACE=atexit_sleep_ms=0"},
		RegisterArgs: []string{"--lease", lease.String()},
		GatewayArgs:  []string{"--worker-patience", c.patience.String(), "--drain-window", "100ms"},
	}
	if change != nil {
		change(&cfg)
	}
	ports, err := local.FreePorts(cfg.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ports.Release)
	cfg.Ports = ports.Ports
	cluster, err := local.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cluster.Close()
		if t.Failed() || out.raced() || os.Getenv("PARLEY_LOG") != "" {
			t.Logf("what the processes wrote:\n%s", out)
		}
		if out.raced() {
			t.Error("a process found a data race")
		}
	})
	r := &staged{Cluster: cluster, said: out}
	for from, to := range map[*[]*proc.Process]*[]player{
		&cluster.Registers: &r.registers, &cluster.Gateways: &r.gateways, &cluster.Workers: &r.workers,
	} {
		for _, p := range *from {
			*to = append(*to, realPlayer{p})
		}
	}
	r.sender = startSender(t, cluster.RegisterAddrs(), secrets...)
	return r
}

func (r *staged) Registers() []player    { return r.registers }
func (r *staged) Gateways() []player     { return r.gateways }
func (r *staged) Workers() []player      { return r.workers }
func (r *staged) Sender() *worker.Worker { return r.sender }

// realPlayer is one process.
type realPlayer struct{ *proc.Process }

func (p realPlayer) Start(t *testing.T) {
	t.Helper()
	must(t, p.Process.Start())
}

func (p realPlayer) Ready(t *testing.T) {
	t.Helper()
	must(t, p.Process.Ready(within(t, everything)))
}

func (p realPlayer) Stop(t *testing.T) {
	t.Helper()
	e, err := p.Process.Stop(within(t, everything))
	if err != nil || e.Code != 0 {
		t.Fatalf("%s ended with %v, %v", p.Name(), e, err)
	}
}

func (p realPlayer) Kill(t *testing.T) {
	t.Helper()
	must(t, p.Process.Kill())
}

func (p realPlayer) Freeze(t *testing.T) {
	t.Helper()
	must(t, p.Process.Freeze(within(t, everything)))
}

func (p realPlayer) Thaw(t *testing.T) {
	t.Helper()
	must(t, p.Process.Thaw())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// journal keeps what processes wrote, for the case that the test fails.
type journal struct {
	mu    sync.Mutex
	lines []string
}

// maxJournal bounds a journal; the oldest lines go first.
const maxJournal = 2000

// Line implements proc.Output.
func (j *journal) Line(process string, line []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.lines) >= maxJournal {
		j.lines = j.lines[maxJournal/2:]
	}
	j.lines = append(j.lines, process+" "+string(line))
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, "\n")
}

func (j *journal) raced() bool { return strings.Contains(j.String(), "WARNING: DATA RACE") }

// inCI reports whether nothing may be skipped.
func inCI() bool { return os.Getenv("PARLEY_CI") != "" }
