package node

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/parley-im/parley/worker/examples/clustertest"
)

// process is a worker in JavaScript that runs.
type process struct {
	cmd   *exec.Cmd
	ended chan error

	mu  sync.Mutex
	log bytes.Buffer
}

// start runs main.js until the test ends, with the secret of the cluster.
func start(t *testing.T, register string, args ...string) *process {
	t.Helper()
	return startWith(t, "main.js", secret, register, args...)
}

// startWith is start of any program, with any secrets. No variable of the test's own tells
// it of another cluster.
func startWith(t *testing.T, program, secrets, register string, args ...string) *process {
	t.Helper()
	p := launch(t, program, secrets, register, args...)
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
		if t.Failed() {
			t.Logf("the worker said:\n%s", p.said())
		}
	})
	return p
}

// launch is startWith from any goroutine; the caller ends the process.
func launch(t *testing.T, program, secrets, register string, args ...string) *process {
	p := &process{ended: make(chan error, 1)}
	p.cmd = exec.Command("node", append([]string{program, "--register", register}, args...)...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PARLEY_") {
			p.cmd.Env = append(p.cmd.Env, v)
		}
	}
	p.cmd.Env = append(p.cmd.Env, "PARLEY_SECRET="+secrets)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		t.Error(err)
		p.ended <- err
		return p
	}
	go func() { p.ended <- p.cmd.Wait() }()
	return p
}

// Write takes what the process says.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// says waits until the process has said something so often.
func (p *process) says(t *testing.T, what string, times int) {
	t.Helper()
	until(t, what, func() bool {
		select {
		case err := <-p.ended:
			p.ended <- err
			t.Fatalf("it has ended (%v) before it said %q", err, what)
		default:
		}
		return strings.Count(p.said(), what) >= times
	})
}

// attached waits until the process has said so often that it is attached to a gateway.
func (p *process) attached(t *testing.T, times int) {
	t.Helper()
	p.says(t, "attached to gateway", times)
}

// signal gives the process a signal.
func (p *process) signal(t *testing.T, what syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(what); err != nil {
		t.Fatal(err)
	}
}

// kill ends the process as a crash would.
func (p *process) kill(t *testing.T) {
	t.Helper()
	p.signal(t, syscall.SIGKILL)
	p.ended <- <-p.ended
}

// terminate asks the process to end.
func (p *process) terminate(t *testing.T, _ *clustertest.Cluster) {
	t.Helper()
	p.signal(t, syscall.SIGTERM)
}

// gone waits until the process has ended, and fails the test unless that is with 0.
func (p *process) gone(t *testing.T) {
	t.Helper()
	select {
	case err := <-p.ended:
		p.ended <- err
		if err != nil {
			t.Fatalf("it has ended with: %v", err)
		}
	case <-time.After(clustertest.Patience):
		t.Fatalf("it is still there after %v", clustertest.Patience)
	}
}

// until waits for something to be so.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(clustertest.Patience); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not after %v", what, clustertest.Patience)
		}
	}
}
