package local

import (
	"bytes"
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

// The tests start this very test binary as every role; LOCAL_TEST_FAKE says what
// it is to be like.
func TestMain(m *testing.M) {
	switch os.Getenv("LOCAL_TEST_FAKE") {
	case "":
	case "role":
		fake()
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		fake()
	case "misconfigured":
		fmt.Println("--nonsense: there is no such flag")
		os.Exit(2)
	}
	goleak.VerifyTestMain(m)
}

// fake is a role that is ready at once and ends in order.
func fake() {
	l, err := net.Listen("tcp", after("--ops-listen"))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	ctx := context.Background()
	if !signal.Ignored(syscall.SIGTERM) {
		var stop func()
		ctx, stop = signal.NotifyContext(ctx, syscall.SIGTERM)
		defer stop()
	}
	go func() {
		_ = http.Serve(l, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	}()
	fmt.Println("up with", strings.Join(os.Args[1:], " "))
	<-ctx.Done()
	fmt.Println(after("--name"), "ended in order")
	os.Exit(0)
}

// after returns the argument behind a flag.
func after(flag string) string {
	for i, arg := range os.Args[:len(os.Args)-1] {
		if arg == flag {
			return os.Args[i+1]
		}
	}
	return ""
}

// fakes is a Config of two of each role, played by the test binary.
func fakes(t *testing.T, as string) Config {
	t.Helper()
	ports, err := FreePorts("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ports.Release)
	me := os.Args[0]
	return Config{
		Programs: Programs{Register: me, Gateway: me, Worker: me}, Registers: 2, Gateways: 2, Workers: 2, Ports: ports.Ports,
		Env: []string{"LOCAL_TEST_FAKE=" + as},
	}
}

// buffer is a place to write to from many goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// await waits until text was written.
func (b *buffer) await(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(b.String(), text); {
		if time.Now().After(deadline) {
			t.Fatalf("never wrote %q:\n%s", text, b)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
