package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/parley-im/parley/register/handshake"
	"github.com/parley-im/parley/register/registertest"
	"github.com/parley-im/parley/register/server"
)

// These tests run the program itself, as a process that is stopped.

// patience is how long anything may take.
const patience = 30 * time.Second

// process is the program as it runs.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	said *output
	done chan struct{}
}

type output struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// start runs the program until the test ends.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(os.Args[0], append(args, "--log-format", "json")...), said: new(output), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), asProgram+"=1")
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // the exit code says it
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it has ended, unless the test failed
		<-p.done
	})
	return p
}

// until tries something until it is so.
func (p *process) until(what string, is func() bool) {
	p.t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(10 * time.Millisecond) {
		select {
		case <-p.done:
			p.t.Fatalf("waited for %s, and it has ended:\n%s", what, p.said)
		default:
		}
		if time.Now().After(end) {
			p.t.Fatalf("waited for %s:\n%s", what, p.said)
		}
	}
}

var opsAddress = regexp.MustCompile(`"ops":"([^"]+)"`)

// get asks the process for a page of its operators.
func (p *process) get(path string) (status int, page string) {
	p.t.Helper()
	p.until("its address", func() bool { return opsAddress.MatchString(p.said.String()) })
	r, err := http.Get("http://" + opsAddress.FindStringSubmatch(p.said.String())[1] + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

// stops wants the process to end well when it is asked to.
func (p *process) stops() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatalf("it has not ended:\n%s", p.said)
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		p.t.Errorf("exit code %d:\n%s", code, p.said)
	}
}

// aRegister runs a register of the default cluster.
func aRegister(t *testing.T) *registertest.Register {
	return registertest.Start(t, server.Config{Identity: handshake.Identity{Cluster: "parley", Role: "register", Node: "r", Boot: 1}})
}

func TestWorkerJoinsAndLeaves(t *testing.T) {
	r := aRegister(t)
	p := start(t, "--register", r.Addr(), "--database", "sqlite:"+filepath.Join(t.TempDir(), "chat.db"))
	p.until("it to be a member", func() bool { return len(r.Server().Members("worker")) == 1 })
	p.until("the database", func() bool {
		_, page := p.get("/readyz")
		return !strings.Contains(page, "database")
	})
	if status, page := p.get("/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(page, "gateways: no gateway is attached") {
		t.Errorf("ready: %d %s", status, page)
	}
	p.until("its metrics", func() bool {
		_, page := p.get("/metrics")
		return strings.Contains(page, "\nparley_chat_queued 0\n") && strings.Contains(page, "\nparley_worker_")
	})
	_, page := p.get("/metrics")
	have := map[string]bool{}
	for _, line := range regexp.MustCompile(`(?m)^# TYPE (parley_chat_\w+) `).FindAllStringSubmatch(page, -1) {
		have[line[1]] = true
	}
	told := chatMetrics(t)
	for name := range have {
		if !told[name] {
			t.Errorf("%s is not in operating.md", name)
		}
	}
	for name := range told {
		if !have[name] {
			t.Errorf("operating.md has %s, the program has not", name)
		}
	}
	p.stops()
	if n := len(r.Server().Members("worker")); n != 0 {
		t.Errorf("%d are members after its goodbye", n)
	}
}

func TestDatabaseThatIsNotThereIsWaitedFor(t *testing.T) {
	r := aRegister(t)
	nobody := registertest.Address(t)
	p := start(t, "--register", r.Addr(), "--database", "postgres://parley:sesame@"+nobody+"/parley?sslmode=disable")
	p.until("it to say so", func() bool { return strings.Contains(p.said.String(), "waiting for the database") })
	if status, page := p.get("/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(page, "database") {
		t.Errorf("ready: %d %s", status, page)
	}
	if status, _ := p.get("/healthz"); status != http.StatusOK {
		t.Errorf("alive: %d", status)
	}
	if n := len(r.Server().Members("worker")); n != 0 {
		t.Errorf("%d are members without a database", n)
	}
	p.stops()
	if strings.Contains(p.said.String(), "sesame") {
		t.Errorf("a password in\n%s", p.said)
	}
}
