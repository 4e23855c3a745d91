package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/registertest"
	"github.com/parley-im/parley/register/server"
)

// output collects what a process says.
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

// life is a process that runs in the test.
type life struct {
	out     *output
	signals chan os.Signal
	code    chan int
}

type serviceFunc func(ctx context.Context) error

func (f serviceFunc) Run(ctx context.Context) error { return f(ctx) }

// begin starts a process of role echo.
func begin(t *testing.T, build func(n *Node, c *echoConfig) (Service, error), args ...string) *life {
	t.Helper()
	l := &life{out: new(output), signals: make(chan os.Signal, 4), code: make(chan int, 1)}
	pr := &process{
		role: "echo", blank: &echoConfig{build: build}, args: args,
		stdout: l.out, stderr: l.out, signals: l.signals,
	}
	go func() { l.code <- pr.run() }()
	return l
}

// until waits until the process has said something that matches, and returns the
// last group of it.
func (l *life) until(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		if m := re.FindStringSubmatch(l.out.String()); m != nil {
			return m[len(m)-1]
		}
		if time.Now().After(deadline) {
			t.Fatalf("%q was not said in 10 s, but:\n%s", pattern, l.out)
		}
	}
}

func (l *life) want(t *testing.T, code int) {
	t.Helper()
	select {
	case got := <-l.code:
		if got != code {
			t.Errorf("exit code %d, want %d; it said:\n%s", got, code, l.out)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("it has not ended; it said:\n%s", l.out)
	}
}

// serving is a service that does nothing until it is told to drain.
func serving(*Node, *echoConfig) (Service, error) {
	return serviceFunc(func(ctx context.Context) error { <-ctx.Done(); return nil }), nil
}

func TestSignalDrainsAndEndsInOrder(t *testing.T) {
	for _, sig := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		drained := false
		l := begin(t, func(n *Node, _ *echoConfig) (Service, error) {
			return serviceFunc(func(ctx context.Context) error {
				<-ctx.Done()
				drained = n.Deadline().Err() == nil
				return nil
			}), nil
		})
		l.until(t, `"msg":"started"`)
		l.signals <- sig
		l.want(t, exitClean)
		if !drained {
			t.Error("there was no time to drain")
		}
		l.until(t, `"msg":"draining"`)
		l.until(t, `"msg":"stopped"`)
	}
}

// A service that is asked to end by others drains as by a signal; a signal that comes then
// is the first.
func TestServiceDrainsItsProcess(t *testing.T) {
	told := make(chan struct{})
	l := begin(t, func(n *Node, _ *echoConfig) (Service, error) {
		return serviceFunc(func(ctx context.Context) error {
			n.Drain()
			n.Drain()
			<-ctx.Done()
			<-told
			return nil
		}), nil
	})
	l.until(t, `"msg":"draining"`)
	l.signals <- syscall.SIGTERM
	l.until(t, `"msg":"draining already"`)
	close(told)
	l.want(t, exitClean)
}

func TestServiceThatFailsEndsTheProcess(t *testing.T) {
	l := begin(t, func(*Node, *echoConfig) (Service, error) {
		return serviceFunc(func(context.Context) error { return errors.New("the disk is gone") }), nil
	})
	l.want(t, exitFailed)
	l.until(t, `"msg":"stopped".*"err":"the disk is gone"`)
}

func TestServiceThatCannotBeBuiltIsOneLine(t *testing.T) {
	l := begin(t, func(*Node, *echoConfig) (Service, error) { return nil, errors.New("no") })
	l.want(t, exitFailed)
	if got := l.out.String(); got != "echo: no\n" {
		t.Errorf("got %q", got)
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	release := make(chan struct{})
	l := begin(t, func(*Node, *echoConfig) (Service, error) {
		return serviceFunc(func(context.Context) error { <-release; return nil }), nil
	})
	l.until(t, `"msg":"started"`)
	l.signals <- syscall.SIGTERM
	l.until(t, `"msg":"draining"`)
	l.signals <- syscall.SIGINT
	l.want(t, exitFailed)
	close(release)
}

func TestDrainHasADeadline(t *testing.T) {
	l := begin(t, func(n *Node, _ *echoConfig) (Service, error) {
		return serviceFunc(func(context.Context) error {
			<-n.Deadline().Done()
			return errors.New("three conns were cut")
		}), nil
	}, "--drain-timeout=10ms")
	l.until(t, `"msg":"started"`)
	l.signals <- syscall.SIGTERM
	l.want(t, exitFailed)
	l.until(t, `"msg":"drain takes too long"`)
	l.until(t, `"err":"three conns were cut"`)
}

func TestServiceThatNeverEndsIsNotWaitedFor(t *testing.T) {
	release := make(chan struct{})
	l := begin(t, func(*Node, *echoConfig) (Service, error) {
		return serviceFunc(func(context.Context) error { <-release; return nil }), nil
	}, "--drain-timeout=10ms")
	l.until(t, `"msg":"started"`)
	l.signals <- syscall.SIGTERM
	l.want(t, exitFailed)
	l.until(t, "not drained within --drain-timeout")
	close(release)
}

func TestBadConfigurationExitsWithTwo(t *testing.T) {
	l := begin(t, serving, "--listen=nonsense", "--max-conns=many")
	l.want(t, exitConfig)
	for _, part := range []string{"echo: 2 things are wrong", "--listen: ", "--max-conns: "} {
		if !strings.Contains(l.out.String(), part) {
			t.Errorf("%q is not in:\n%s", part, l.out)
		}
	}
	l = begin(t, serving, "--listen=nonsense", "--check")
	l.want(t, exitConfig)
	if got := l.out.String(); got != "echo: --listen: \"nonsense\" is not host:port\n" {
		t.Errorf("got %q", got)
	}
}

func TestCheckHelpAndVersion(t *testing.T) {
	for flag, parts := range map[string][]string{
		"--check":   {"The configuration of this echo is good. Secrets: 0.", "ping-interval = 25s", "# --max-conns", "max-conns = 3", "# default"},
		"--help":    {"--ping-interval", "($PARLEY_ECHO_PING_INTERVAL;", "changes on SIGHUP)", "($PARLEY_CLUSTER)", "--client-tls-cert"},
		"-h":        {"Usage: parley-echo"},
		"--version": {"parley-echo "},
	} {
		l := begin(t, serving, flag, "--max-conns=3")
		l.want(t, exitClean)
		for _, part := range parts {
			if !strings.Contains(l.out.String(), part) {
				t.Errorf("%s: %q is not in:\n%s", flag, part, l.out)
			}
		}
	}
}

func TestTakenPortIsOneClearLine(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	l := begin(t, func(n *Node, c *echoConfig) (Service, error) {
		if _, err := n.Listen("listen", c.Listen); err != nil {
			return nil, err
		}
		return nil, errors.New("the port was not taken")
	}, "--listen", addr)
	l.want(t, exitFailed)
	want := fmt.Sprintf("echo: --listen %s is already in use; choose another with --listen or PARLEY_ECHO_LISTEN\n", addr)
	if got := l.out.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	l = begin(t, serving, "--ops-listen", addr)
	l.want(t, exitFailed)
	if got := l.out.String(); !strings.HasPrefix(got, "echo: --ops-listen "+addr+" is already in use") {
		t.Errorf("got %q", got)
	}
	for _, addr := range []string{"192.0.2.1:0", "no-such-host.invalid:0"} {
		l = begin(t, serving, "--ops-listen", addr)
		l.want(t, exitFailed)
		if got := l.out.String(); !strings.HasPrefix(got, "echo: --ops-listen "+addr) || strings.Count(got, "\n") != 1 {
			t.Errorf("got %q", got)
		}
	}
}

func TestOperatorsSeeHealthReadinessMetricsAndProfiles(t *testing.T) {
	warm, release := make(chan struct{}), make(chan struct{})
	l := begin(t, func(n *Node, _ *echoConfig) (Service, error) {
		n.ReadyWhen("caches", warm)
		return serviceFunc(func(ctx context.Context) error { <-ctx.Done(); <-release; return nil }), nil
	})
	base := "http://" + l.until(t, `"ops":"([^"]+)"`)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	get := func(path string) (int, string) {
		t.Helper()
		resp, err := (&http.Client{Transport: transport}).Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b)
	}
	want := func(path string, code int, part string) {
		t.Helper()
		if got, body := get(path); got != code || !strings.Contains(body, part) {
			t.Errorf("%s: got %d %q, want %d and %q", path, got, body, code, part)
		}
	}
	want("/healthz", 200, "alive")
	want("/readyz", 503, "caches: not yet")
	close(warm)
	want("/readyz", 200, "ready")
	want("/metrics", 200, `parley_build_info{build="`)
	want("/metrics", 200, "go_goroutines")
	want("/debug/pprof/", 200, "goroutine")
	l.signals <- syscall.SIGTERM
	l.until(t, `"msg":"draining"`)
	want("/readyz", 503, "draining")
	want("/healthz", 200, "alive")
	close(release)
	l.want(t, exitClean)
}

func TestHangUpTakesOverWhatCanBeAndNamesTheRest(t *testing.T) {
	const one, two = "0123456789abcdef", "fedcba9876543210"
	conf := file(t, "parley.conf", "ping-interval = 1s\nmax-conns = 1\nlog-level = info\n")
	secret := file(t, "secret", one)
	rewrite := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	reloads := make(chan *echoConfig, 4)
	l := begin(t, func(n *Node, _ *echoConfig) (Service, error) {
		n.OnReload(func(next Program) { n.Log().Debug("now heard"); reloads <- next.(*echoConfig) })
		return serving(nil, nil)
	}, "--config", conf, "--secret-file", secret)
	l.until(t, `"msg":"started"`)

	rewrite(conf, "ping-interval = 2s\nmax-conns = 2\nlog-level = debug\n")
	rewrite(secret, two+" "+one)
	l.signals <- syscall.SIGHUP
	next := <-reloads
	if next.PingInterval != 2*time.Second || len(next.Secrets()) != 2 || next.Secrets()[0] != two {
		t.Errorf("got %v and %d secrets", next.PingInterval, len(next.Secrets()))
	}
	l.until(t, `"msg":"restart needed".*"flag":"max-conns","value":"2","now":"1"`)
	l.until(t, `"msg":"setting changed".*"flag":"ping-interval","value":"2s"`)
	l.until(t, `"msg":"now heard"`)
	l.until(t, `"msg":"configuration read again".*"changed":2,"restart_needed":1,"secrets":2`)

	rewrite(conf, "ping-interval = never\n")
	l.signals <- syscall.SIGHUP
	l.until(t, `"msg":"configuration not taken over".*ping-interval`)
	rewrite(conf, "ping-interval = 2s\nmax-conns = 1\nlog-level = debug\n")
	l.signals <- syscall.SIGHUP
	<-reloads
	l.until(t, `"changed":0,"restart_needed":0`) // back to what it runs with
	if strings.Contains(l.out.String(), one) || strings.Contains(l.out.String(), two) {
		t.Error("a secret is in the log")
	}
	l.signals <- syscall.SIGTERM
	l.want(t, exitClean)
}

// What is taken over on SIGHUP must be good together with what is not: the listener
// that was opened under a secret stays open, so it must not lose the secret.
func TestHangUpNeverOpensAListenerToStrangers(t *testing.T) {
	ca := registertest.NewAuthority(t)
	cert, key := ca.Issue(t, "echo")
	secret := file(t, "secret", "0123456789abcdef")
	for name, later := range map[string]string{
		"certificates take the place of the secret": "listen = 0.0.0.0:0\ntls-cert = " + cert + "\ntls-key = " + key + "\ntls-ca = " + ca.CAFile(),
		"the listener goes to loopback":             "listen = 127.0.0.1:0",
	} {
		t.Run(name, func(t *testing.T) {
			conf := file(t, "parley.conf", "listen = 0.0.0.0:0\nsecret-file = "+secret+"\n")
			reloads := make(chan *echoConfig, 4)
			l := begin(t, func(n *Node, _ *echoConfig) (Service, error) {
				n.OnReload(func(next Program) { reloads <- next.(*echoConfig) })
				return serving(nil, nil)
			}, "--config", conf)
			l.until(t, `"msg":"started"`)
			if err := os.WriteFile(conf, []byte(later+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			l.signals <- syscall.SIGHUP
			l.until(t, `"msg":"configuration not taken over".*--listen.*not a loopback address|"msg":"(configuration read again)"`)
			l.signals <- syscall.SIGTERM
			l.want(t, exitClean)
			select {
			case next := <-reloads:
				t.Errorf("listens at %s with %d secrets", next.Listen, len(next.Secrets()))
			default:
			}
		})
	}
}

// Certificates are renewed in place, but TLS neither begins nor ends while running.
func TestHangUpSaysThatTLSNeedsARestart(t *testing.T) {
	ca := registertest.NewAuthority(t)
	cert, key := ca.Issue(t, "echo")
	other, otherKey := ca.Issue(t, "other")
	conf := file(t, "parley.conf", "client-tls-cert = "+cert+"\nclient-tls-key = "+key+"\n")
	reloads := make(chan *echoConfig, 4)
	l := begin(t, func(n *Node, _ *echoConfig) (Service, error) {
		n.OnReload(func(next Program) { reloads <- next.(*echoConfig) })
		return serving(nil, nil)
	}, "--config", conf)
	l.until(t, `"msg":"started"`)
	// TLS between processes would begin, TLS for clients goes on with another certificate.
	text := "tls-cert = " + cert + "\ntls-key = " + key + "\nclient-tls-cert = " + other + "\nclient-tls-key = " + otherKey + "\nmax-conns = 7\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l.signals <- syscall.SIGHUP
	next := <-reloads
	l.until(t, `"msg":"restart needed".*"flag":"tls-cert"`)
	l.until(t, `"msg":"setting changed".*"flag":"client-tls-cert"`)
	l.until(t, `"changed":2,"restart_needed":3`)
	if !next.TLS.empty() || next.MaxConns != 0 || next.ClientTLS.TLSCert != other {
		t.Errorf("told of %+v, %d conns, %+v: that is not what is in effect", next.TLS, next.MaxConns, next.ClientTLS)
	}
	l.signals <- syscall.SIGTERM
	l.want(t, exitClean)
}

func TestClientOfTheRegistersOutlivesTheService(t *testing.T) {
	r := registertest.Start(t, server.Config{})
	l := begin(t, func(n *Node, c *echoConfig) (Service, error) {
		client, err := n.Client(c.Membership)
		if err != nil {
			return nil, err
		}
		return serviceFunc(func(ctx context.Context) error {
			if err := client.Join(register.Member{Addr: "127.0.0.1:1"}); err != nil {
				return err
			}
			<-client.Joined()
			n.Log().Info("joined")
			<-ctx.Done()
			return client.Leave(n.Deadline())
		}), nil
	}, "--register", r.Addr(), "--cluster=", "--name=e-1", "--label=pool=a")
	l.until(t, `"msg":"joined"`)
	l.signals <- syscall.SIGTERM
	l.want(t, exitClean)
	if n := len(r.Server().Members("")); n != 0 {
		t.Errorf("%d members after it has left", n)
	}
}
