package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
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

	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
	"github.com/parley-im/parley/register/registertest"
	"go.uber.org/goleak"
)

// These tests run the program itself, as processes that are stopped and killed.

var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "parley-register")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "parley-register")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v: %s", err, out))
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(dir)
		os.Exit(code)
	}))
}

const lease = time.Second

// program is one process of parley-register.
type program struct {
	cmd  *exec.Cmd
	out  *output
	done chan error
}

type output struct {
	mu sync.Mutex
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

// launch starts the program.
func launch(t *testing.T, env []string, args ...string) *program {
	t.Helper()
	p := &program{cmd: exec.Command(binary, args...), out: new(output), done: make(chan error, 1)}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	t.Cleanup(func() { p.kill() })
	return p
}

// serve starts a register at addr and waits until it listens.
func serve(t *testing.T, addr string, env ...string) *program {
	t.Helper()
	p := launch(t, env, "--listen", addr, "--lease", lease.String(), "--name", "reg")
	p.until(t, `"msg":"started"`)
	return p
}

func (p *program) signal(s os.Signal) { _ = p.cmd.Process.Signal(s) }

// kill is kill -9, and waits until the process has gone.
func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	err := <-p.done
	p.done <- err
}

func (p *program) exit(t *testing.T) int {
	t.Helper()
	select {
	case err := <-p.done:
		p.done <- err
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(15 * time.Second):
		t.Fatalf("it has not ended; it said:\n%s", p.out)
		return 0
	}
}

// until waits until the program has said something that matches and returns the
// last group of it.
func (p *program) until(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	var found string
	eventually(t, pattern, func() bool {
		m := re.FindStringSubmatch(p.out.String())
		if m != nil {
			found = m[len(m)-1]
		}
		return m != nil
	})
	return found
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// freeAddr is an address nobody listens at.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// client runs a client of the given registers and, with an address, joins.
func client(t *testing.T, role, node, addr string, secrets []string, registers ...string) *register.Client {
	t.Helper()
	c, err := register.New(register.Config{
		Registers: registers, Secrets: secrets, Lease: lease, Log: slog.New(slog.DiscardHandler),
		Identity: handshake.Identity{Cluster: "parley", Role: role, Node: node, Boot: handshake.NewBoot()},
	})
	if err != nil {
		t.Fatal(err)
	}
	registertest.Run(t, c)
	if addr != "" {
		if err := c.Join(register.Member{Addr: addr}); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// neverLess fails the test when a view ever has fewer members than n; stop it first.
func neverLess(t *testing.T, v *register.View, n int) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			if got := len(v.Members()); got < n {
				t.Errorf("the view has %d members, want never less than %d", got, n)
				return
			}
			select {
			case <-quit:
				return
			case <-v.Changed():
			}
		}
	}()
	return func() { close(quit); <-done }
}

// metric reads one metric of a register from its ops port.
func metric(t *testing.T, p *program, name string) string {
	t.Helper()
	resp, err := http.Get("http://" + p.until(t, `"ops":"([^"]+)"`) + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (.*)$`).FindSubmatch(b)
	if m == nil {
		t.Fatalf("no metric %s", name)
	}
	return string(m[1])
}

func TestStoppedRegisterTakesNobody(t *testing.T) {
	addr := freeAddr(t)
	p := serve(t, addr)
	client(t, "gateway", "gw-1", "127.0.0.1:1", nil, addr)
	client(t, "gateway", "gw-2", "127.0.0.1:2", nil, addr)
	v := client(t, "worker", "w-1", "", nil, addr).Watch("gateway")
	eventually(t, "both are there, and the view is settled", func() bool { return len(v.Members()) == 2 && v.Settled() })
	stop := neverLess(t, v, 2)
	defer stop()

	p.signal(syscall.SIGSTOP)
	eventually(t, "the silence is noticed", func() bool { return !v.Settled() })
	hold := time.Now().Add(2 * lease) // every lease is long over by the clock
	eventually(t, "time passes", func() bool { return time.Now().After(hold) })
	p.signal(syscall.SIGCONT)
	p.until(t, "stood still")
	eventually(t, "it goes on", func() bool {
		return v.Settled() && metric(t, p, `parley_register_members{role="gateway"}`) == "2"
	})
	if got := metric(t, p, `parley_register_ends_total{reason="expired"}`); got != "0" {
		t.Errorf("%s leases ended while the register stood still", got)
	}
	if metric(t, p, "parley_register_pauses_total") == "0" {
		t.Error("the pause is not counted")
	}
}

func TestRegistersDownAndUpInAnyOrderTakeNobody(t *testing.T) {
	addrs := []string{freeAddr(t), freeAddr(t)}
	running := []*program{serve(t, addrs[0]), serve(t, addrs[1])}
	stopped := []bool{false, false}
	client(t, "gateway", "gw-1", "127.0.0.1:1", nil, addrs...)
	client(t, "gateway", "gw-2", "127.0.0.1:2", nil, addrs...)
	v := client(t, "worker", "w-1", "", nil, addrs...).Watch("gateway")
	eventually(t, "both are there", func() bool { return len(v.Members()) == 2 })
	stop := neverLess(t, v, 2)
	defer stop()

	const seed = 7
	rng := rand.New(rand.NewPCG(seed, 0))
	for step := range 14 {
		i := rng.IntN(2)
		switch p := running[i]; {
		case p == nil:
			running[i] = serve(t, addrs[i]) // empty
		case stopped[i]:
			p.signal(syscall.SIGCONT)
			stopped[i] = false
		default:
			switch rng.IntN(3) {
			case 0:
				p.kill()
				running[i] = nil
			case 1:
				p.signal(syscall.SIGSTOP)
				stopped[i] = true
			case 2:
				p.signal(syscall.SIGTERM)
				if code := p.exit(t); code != 0 {
					t.Errorf("step %d: exit code %d:\n%s", step, code, p.out)
				}
				running[i] = nil
			}
		}
		// How long a state lasts is part of the schedule.
		next := time.Now().Add(time.Duration(rng.Int64N(int64(3 * lease / 2))))
		eventually(t, "time passes", func() bool { return time.Now().After(next) })
	}
	for i, p := range running {
		if p == nil {
			running[i] = serve(t, addrs[i])
		} else {
			p.signal(syscall.SIGCONT)
		}
	}
	eventually(t, "every register lists both again", func() bool {
		return metric(t, running[0], `parley_register_members{role="gateway"}`) == "2" &&
			metric(t, running[1], `parley_register_members{role="gateway"}`) == "2"
	})
}

func TestTerminatedRegisterSaysGoodbye(t *testing.T) {
	addr := freeAddr(t)
	p := serve(t, addr)
	c := client(t, "gateway", "gw-1", "127.0.0.1:1", nil, addr)
	v := c.Watch("gateway")
	<-c.Joined()
	eventually(t, "it sees itself", func() bool { return len(v.Members()) == 1 })
	p.signal(syscall.SIGTERM)
	if code := p.exit(t); code != 0 || !strings.Contains(p.out.String(), `"msg":"stopped"`) {
		t.Errorf("exit code %d:\n%s", code, p.out)
	}
	if len(v.Members()) != 1 {
		t.Error("the goodbye of a register ended a lease")
	}
}

func TestSecretIsChangedOnHangUp(t *testing.T) {
	const one, two = "0123456789abcdef", "fedcba9876543210"
	file := filepath.Join(t.TempDir(), "secret")
	write := func(s string) {
		if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(one)
	addr := freeAddr(t)
	p := serve(t, addr, "PARLEY_SECRET_FILE="+file)
	<-client(t, "gateway", "gw-1", "127.0.0.1:1", []string{one}, addr).Joined()
	late := client(t, "gateway", "gw-2", "127.0.0.1:2", []string{two}, addr)
	p.until(t, "dialler refused.*wrong secret")
	write(two + "\n" + one)
	p.signal(syscall.SIGHUP)
	<-late.Joined()
	if s := p.out.String(); strings.Contains(s, one) || strings.Contains(s, two) {
		t.Error("a secret is in the log")
	}
}

func TestExitCodes(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--check"}, 0, "The configuration of this register is good"},
		{[]string{"--check", "--listen=:1236", "--lease=1ms", "--max-members=0"}, 2, "register: 3 things are wrong with the configuration:\n  --listen: :1236 is not a loopback address"},
		{[]string{"--lease=soon"}, 2, "register: --lease: expected duration"},
		{[]string{"--listen", addr}, 1, "register: --listen " + addr + " is already in use; choose another with --listen or PARLEY_REGISTER_LISTEN\n"},
	} {
		p := launch(t, nil, tt.args...)
		if code := p.exit(t); code != tt.code || !strings.HasPrefix(strings.TrimPrefix(p.out.String(), "# "), tt.says) {
			t.Errorf("%v: exit code %d, want %d; it said:\n%s", tt.args, code, tt.code, p.out)
		}
	}
}

// Whoever reads the log may end (a tee, a collector that restarts): the register
// must not end with it.
func TestRegisterOutlivesTheReaderOfItsLog(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	addr, ops := freeAddr(t), freeAddr(t)
	p := &program{cmd: exec.Command(binary, "--listen", addr, "--ops-listen", ops), out: new(output), done: make(chan error, 1)}
	p.cmd.Stdout, p.cmd.Stderr = write, write
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	t.Cleanup(p.kill)
	write.Close()
	c := client(t, "gateway", "gw-1", "127.0.0.1:2900", nil, addr)
	<-c.Joined() // it listens, and has logged
	read.Close()
	if err := c.Leave(t.Context()); err != nil { // is logged
		t.Fatal(err)
	}
	if err := c.Join(register.Member{Addr: "127.0.0.1:2900"}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.Joined():
	case err := <-p.done:
		p.done <- err
		t.Fatalf("the register has ended: %v", err)
	case <-time.After(15 * time.Second):
		t.Fatal("the register does not answer")
	}
	p.signal(syscall.SIGTERM)
	if code := p.exit(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
