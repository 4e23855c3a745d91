package clustertest

import (
	"bytes"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// asWorker is set in the environment of a process that shall be a worker.
const asWorker = "PARLEY_TEST_IS_WORKER"

// IsWorker reports whether this process is one that Process has started: then TestMain calls
// main instead of the tests.
func IsWorker() bool { return os.Getenv(asWorker) != "" }

// Process starts the example as a process of its own, which can be killed: this test binary,
// whose TestMain asks IsWorker. It ends with the test.
func (c *Cluster) Process(t testing.TB, args ...string) *Process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &Process{}
	p.cmd = exec.CommandContext(t.Context(), self, append([]string{"--register", c.register, "--cluster", name, "--ops-listen", "127.0.0.1:0"}, args...)...) // killed at the latest when the test ends
	p.cmd.Env = append(os.Environ(), asWorker+"=1")
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("a worker wrote:\n%s", p.said.Bytes())
		}
	})
	return p
}

// Process is a worker in a process of its own.
type Process struct {
	cmd  *exec.Cmd
	said bytes.Buffer
}

// Kill ends it as kill -9 does, and waits until it is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it may be gone already
	_ = p.cmd.Wait()
}

// Stop ends it as an operator does, with SIGTERM, and waits until it is gone.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may be gone already
	_ = p.cmd.Wait()
}
