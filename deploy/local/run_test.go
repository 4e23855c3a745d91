package local

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/parley-im/parley/deploy/local/logline"
	"github.com/parley-im/parley/deploy/local/proc"
)

// supervised runs a cluster of fakes until the test ends it.
func supervised(t *testing.T, as string) (c *Cluster, out *buffer, cancel func(), kill chan struct{}, done chan error) {
	t.Helper()
	out = &buffer{}
	cfg := fakes(t, as)
	log := logline.New(out, false)
	cfg.Output = log
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	kill, done = make(chan struct{}), make(chan error, 1)
	go func() { done <- c.supervise(ctx, kill, log, "ALL READY\n") }()
	return c, out, cancel, kill, done
}

func TestEverythingStartsDiesStartsAgainAndDrainsInOrder(t *testing.T) {
	c, out, cancel, _, done := supervised(t, "role")
	out.await(t, "ALL READY")
	if err := syscall.Kill(c.Workers[0].PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	out.await(t, "worker-1 died (signal: killed); it starts again in 200ms")
	for deadline := time.Now().Add(20 * time.Second); c.Workers[0].Lives() < 2; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not start again")
		}
	}
	if err := c.Workers[0].Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("run ended with %v", err)
	}
	text := out.String()
	last := -1
	for _, role := range []string{"gateway", "worker", "register"} {
		first, end := 1<<30, -1
		for i := range 2 {
			at := strings.Index(text, fmt.Sprintf("%s-%d ended in order", role, i+1))
			first, end = min(first, at), max(end, at)
		}
		if first < last {
			t.Errorf("%ss ended before those that should have ended earlier:\n%s", role, text)
		}
		last = end
	}
	if !strings.Contains(text, "everything has ended") {
		t.Errorf("no last word:\n%s", text)
	}
}

func TestSecondInterruptKills(t *testing.T) {
	c, out, cancel, kill, done := supervised(t, "stubborn")
	out.await(t, "ALL READY")
	cancel()
	out.await(t, "draining")
	close(kill)
	if err := <-done; !errors.Is(err, errKilled) {
		t.Errorf("run ended with %v, want %v", err, errKilled)
	}
	for _, p := range c.Processes() {
		if p.Running() {
			t.Errorf("%s still runs", p.Name())
		}
	}
}

func TestWhatNeverBecomesReadyEndsTheRun(t *testing.T) {
	_, out, _, _, done := supervised(t, "misconfigured")
	if err := <-done; err == nil || !strings.Contains(err.Error(), "died 3 times before it was ready (exit status 2)") {
		t.Errorf("run ended with %v\n%s", err, out)
	}
	if !strings.Contains(out.String(), "--nonsense: there is no such flag") {
		t.Errorf("the reason is not in the log:\n%s", out)
	}
}

func TestEveryRoleIsToldWhereTheOthersAre(t *testing.T) {
	cfg := fakes(t, "role")
	cfg.Page = true
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p := c.cfg.Ports
	registers := fmt.Sprintf("127.0.0.1:%d,127.0.0.1:%d", p.Register, p.Register+1)
	for name, want := range map[string][]string{
		"register-2": {fmt.Sprintf("--listen 127.0.0.1:%d", p.Register+1), "--name register-2"},
		"gateway-2": {
			fmt.Sprintf("--listen 127.0.0.1:%d", p.Gateway+1), fmt.Sprintf("--link-listen 127.0.0.1:%d", p.Link+1),
			"--register " + registers, fmt.Sprintf("--ops-listen 127.0.0.1:%d", p.GatewayOps+1),
		},
		"worker-2": {"--register " + registers, fmt.Sprintf("--ops-listen 127.0.0.1:%d", p.WorkerOps+1), "--name worker-2"},
	} {
		args := strings.Join(c.Fleet.Get(name).Spec().Args, " ")
		for _, flag := range want {
			if !strings.Contains(args, flag) {
				t.Errorf("%s is started with %s: want %s", name, args, flag)
			}
		}
	}
	for i, w := range c.Workers {
		page := strings.Contains(strings.Join(w.Spec().Env, " "), fmt.Sprintf("PARLEY_PAGE=127.0.0.1:%d", p.Page))
		if page != (i == 0) {
			t.Errorf("%s serves the page: %v", w.Name(), page)
		}
	}
	var _ proc.Output = (*logline.Writer)(nil)
}
