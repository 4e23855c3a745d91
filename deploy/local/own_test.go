package local

import (
	"context"
	"fmt"
	"os"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/deploy/client"
	"github.com/parley-im/parley/deploy/local/build"
	"github.com/parley-im/parley/deploy/local/logline"
	"github.com/parley-im/parley/deploy/local/proc"
)

// TestWithoutWorkersOneOfYourOwnServes is `make run WORKERS=0`: everything counts as
// started although no gateway lets anybody in, until a worker comes that nobody
// here has started.
func TestWithoutWorkersOneOfYourOwnServes(t *testing.T) {
	own := path.Join(build.Examples, "echo")
	programs, err := build.Builder{}.Programs(t.Context(), build.Register, build.Gateway, own)
	if err != nil {
		t.Fatal(err)
	}
	ports, err := FreePorts("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ports.Release)
	out := &buffer{}
	log := logline.New(out, false)
	c, err := New(Config{
		Programs: Programs{Register: programs[build.Register], Gateway: programs[build.Gateway]},
		Gateways: 1, Ports: ports.Ports, RegisterArgs: []string{"--lease", "1s"}, Output: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- c.supervise(ctx, nil, log, "ALL READY\n") }()
	out.await(t, "ALL READY")

	mine := proc.NewFleet(log)
	t.Cleanup(mine.Close)
	w := mine.Add(proc.Spec{Name: "mine", Path: programs[own], Args: []string{"--register", c.RegisterAddrs()[0]}})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	conn := dial(t, c.URL(0))
	if err := conn.Send("hello"); err != nil {
		t.Fatal(err)
	}
	if m, err := conn.ReadWithin(20 * time.Second); err != nil || string(m.Payload) != "Server: hello" {
		t.Fatalf("the own worker answers %q, %v", m.Payload, err)
	}
	conn.Cut()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("run ended with %v:\n%s", err, out)
	}
}

// dial connects, as soon as the gateway lets anybody in.
func dial(t *testing.T, url string) *client.Conn {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := client.Dial(t.Context(), url, client.Options{})
		if err == nil {
			t.Cleanup(c.Cut)
			return c
		}
		if time.Now().After(deadline) {
			t.Fatalf("dial %s: %v", url, err)
		}
	}
}

func TestWhoStartsWithoutWorkersReadsHowToStartOne(t *testing.T) {
	o := Options{Example: "swooleim", Gateways: 1, Port: minPort}
	cfg, err := o.config(root(t))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Page {
		t.Error("a page is promised that no worker serves")
	}
	box, err := o.box(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	if want := "go run . --register " + cfg.addr(cfg.Ports.Register); !strings.Contains(box, want) || strings.Contains(box, "swooleim") {
		t.Errorf("want %q and no example in:\n%s", want, box)
	}
}

func TestAChoiceThatCannotBeIsOneClearLine(t *testing.T) {
	const there = "here are broadcast, echo, onetoone, shareddoc, support, swoolechat, swooleim, tadpole, tasks, ticker, twopaths, workermanchat: make example NAME=workermanchat"
	for want, o := range map[string]Options{
		"which example? T" + there:                                 {Gateways: 1, Workers: 1, Port: minPort},
		"no example chess; t" + there:                              {Example: "chess", Gateways: 1, Workers: 1, Port: minPort},
		"GATEWAYS=0: want 1 to 24":                                 {Example: "echo", Workers: 1, Port: minPort},
		"WORKERS=33: want 0 to 32":                                 {Example: "echo", Gateways: 1, Workers: 33, Port: minPort},
		"WORKERS=17: twopaths has 2 pools, want up to 16 for each": {Example: "twopaths", Gateways: 1, Workers: 17, Port: minPort},
	} {
		if _, err := o.config(root(t)); err == nil || err.Error() != want {
			t.Errorf("%+v: got %v, want %s", o, err, want)
		}
	}
}

func TestEachPoolOfAnExampleHasItsWorkers(t *testing.T) {
	cfg, err := Options{Example: "twopaths", Gateways: 1, Workers: 2, Port: minPort}.config(root(t))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range cfg.Workers {
		for _, arg := range cfg.worker(i).Args {
			if strings.HasPrefix(arg, "--label") {
				got = append(got, arg)
			}
		}
	}
	if want := "[--label=path=/ws/chat --label=path=/push --label=path=/ws/chat --label=path=/push]"; fmt.Sprint(got) != want {
		t.Errorf("four workers have %v, want %s", got, want)
	}
}

func root(t *testing.T) string {
	t.Helper()
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := build.Root(wd)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
