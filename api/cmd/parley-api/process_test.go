package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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
	args = append(args, "--listen", "127.0.0.1:0", "--files", filepath.Join(t.TempDir(), "files"), "--log-format", "json")
	p := &process{t: t, cmd: exec.Command(os.Args[0], args...), said: new(output), done: make(chan struct{})}
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

// get asks for a page at the address that the log has under that key.
func (p *process) get(key, path string) (status int, page string) {
	p.t.Helper()
	address := regexp.MustCompile(`"` + key + `":"([^"]+)"`)
	p.until("its address", func() bool { return address.MatchString(p.said.String()) })
	r, err := http.Get("http://" + address.FindStringSubmatch(p.said.String())[1] + path)
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

func aRegister(t *testing.T) *registertest.Register {
	return registertest.Start(t, server.Config{Identity: handshake.Identity{Cluster: "parley", Role: "register", Node: "r", Boot: 1}})
}

func TestProcessJoinsServesAndLeaves(t *testing.T) {
	r := aRegister(t)
	p := start(t, "--register", r.Addr())
	p.until("it to be a member", func() bool { return len(r.Server().Members("api")) == 1 })
	if m := r.Server().Members("api")[0]; m.Addr == "" {
		t.Error("it says no address")
	}
	if status, page := p.get("addr", "/healthz"); status != http.StatusOK {
		t.Errorf("alive: %d %s", status, page)
	}
	for _, key := range []string{"addr", "ops"} {
		p.until(key+" to say that there is no worker", func() bool {
			status, page := p.get(key, "/readyz")
			return status == http.StatusServiceUnavailable && strings.Contains(page, "no worker")
		})
	}
	if status, page := p.get("addr", "/docs"); status != http.StatusOK || !strings.Contains(page, "/v1/") {
		t.Errorf("docs: %d", status)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Fatalf("it has not ended:\n%s", p.said)
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 || strings.Contains(p.said.String(), `"level":"ERROR"`) {
		t.Errorf("exit code %d:\n%s", code, p.said)
	}
	if n := len(r.Server().Members("api")); n != 0 {
		t.Errorf("%d are listed after it left", n)
	}
}

func TestProcessWaitsForARegister(t *testing.T) {
	p := start(t, "--register", registertest.Address(t))
	p.until("it to say so", func() bool { return strings.Contains(p.said.String(), "waiting for a register") })
	if status, page := p.get("addr", "/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(page, "no register") {
		t.Errorf("ready: %d %s", status, page)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.done
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, p.said)
	}
}

func TestMetricsAreThoseOfThePage(t *testing.T) {
	var want []string
	for _, row := range regexp.MustCompile("(?m)^\\| (`parley_api_[^|]*) \\|").FindAllStringSubmatch(section(t, "## Metrics"), -1) {
		for _, name := range regexp.MustCompile("`([a-z_]+)").FindAllStringSubmatch(row[1], -1) {
			want = append(want, "parley_api_"+strings.TrimPrefix(strings.TrimPrefix(name[1], "parley_api"), "_"))
		}
	}
	file, key, _ := keyFile(t)
	p := start(t, "--register", aRegister(t).Addr(), "--push-keys", file)
	p.get("addr", "/healthz")
	p.get("addr", "/v1/getServer")
	p.calls(key)
	_, page := p.get("ops", "/metrics")
	var has []string
	for _, m := range regexp.MustCompile("(?m)^# TYPE (parley_api_[a-z_]+)").FindAllStringSubmatch(page, -1) {
		has = append(has, m[1])
	}
	slices.Sort(want)
	slices.Sort(has)
	if !slices.Equal(want, has) {
		t.Errorf("operating.md has\n%v, the program\n%v", want, has)
	}
}
