package proc

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The tests start this very test binary; PROC_TEST_CHILD says as what.
func TestMain(m *testing.M) {
	switch os.Getenv("PROC_TEST_CHILD") {
	case "":
	case "serve":
		serve()
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("ignoring SIGTERM")
		select {}
	case "fail":
		fmt.Println("the flag --nonsense is not known")
		os.Exit(2)
	case "parent":
		parent()
	}
	goleak.VerifyTestMain(m)
}

// serve is a process with an ops listener that ends in order on SIGTERM.
func serve() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	mux := http.NewServeMux()
	mux.HandleFunc("/readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "# HELP x y\nmoves 3\nframes{dir=\"in\"} 2\nframes{dir=\"out\"} 5\n")
	})
	l, err := net.Listen("tcp", os.Getenv("PROC_TEST_OPS"))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	go func() { _ = http.Serve(l, mux) }()
	fmt.Println("serving")
	<-ctx.Done()
	fmt.Print("ended in order") // without an end of line
	os.Exit(0)
}

// parent starts a child and tells its pid; the test kills it with -9.
func parent() {
	f := NewFleet(Discard)
	p := f.Add(child("grandchild", "stubborn"))
	if err := p.Start(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("pid", p.PID())
	select {}
}

func child(name, as string) Spec {
	return Spec{Name: name, Path: os.Args[0], Env: []string{"PROC_TEST_CHILD=" + as}}
}

// server is a child with an ops listener on a port that was free a moment ago.
func server(t *testing.T, name string) Spec {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	s := child(name, "serve")
	s.Ops = addr
	s.Env = append(s.Env, "PROC_TEST_OPS="+addr)
	return s
}

// log is an Output for tests.
type log struct {
	mu    sync.Mutex
	lines []string
}

func (l *log) Line(process string, line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, process+": "+string(line))
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

func fleet(t *testing.T) (*Fleet, *log) {
	t.Helper()
	l := &log{}
	f := NewFleet(l)
	t.Cleanup(f.Close)
	return f, l
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func started(t *testing.T, f *Fleet, s Spec) *Process {
	t.Helper()
	p := f.Add(s)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}
