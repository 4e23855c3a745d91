package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
	"github.com/parley-im/parley/register/registertest"
	"github.com/parley-im/parley/register/server"
)

// registered is a config whose gateway uses a register with a short lease.
func registered(t testing.TB, lease time.Duration) (*registertest.Register, func() *process) {
	t.Helper()
	reg := registertest.Start(t, server.Config{Identity: handshake.Identity{Cluster: cluster}, Lease: lease})
	cfg := config(t)
	cfg.Directory = directory(t, reg.Addr(), "gateway", "gw", cfg.Identity.Boot)
	cfg.Limits.DoorsTimeout = 30 * time.Second
	return reg, func() *process { return start(t, cfg) }
}

func (p *process) ready(why string) bool {
	err := p.Ready()
	if why == "" {
		return err == nil
	}
	return err != nil && strings.Contains(err.Error(), why)
}

func TestDoorsStayShutUntilTheViewIsSettled(t *testing.T) {
	reg, run := registered(t, 800*time.Millisecond)
	p := run()
	c := p.knock()
	if c.code != http.StatusServiceUnavailable || c.resp.Header.Get("Retry-After") != "1" || !strings.Contains(c.body, "not ready") {
		t.Errorf("before: got %d %q %v", c.code, c.body, c.resp.Header)
	}
	if !p.ready("waiting for the register") {
		t.Errorf("ready: got %v", p.Ready())
	}
	// The register is older than a lease by and by, and no worker is listed.
	eventually(t, "the open doors", func() bool { return p.ready("no worker attached") })
	if strings.Contains(p.log.String(), "level=WARN") {
		t.Errorf("log:\n%s", p.log)
	}
	w := p.attach(handshake.NewBoot(), false)
	eventually(t, "ready", func() bool { return p.ready("") })
	if c := p.knock(); c.code != http.StatusSwitchingProtocols {
		t.Errorf("after: got %d %q", c.code, c.body)
	}
	w.end()
	eventually(t, "not ready", func() bool { return p.ready("no worker attached") })
	// Registers come and go: the doors stay open.
	reg.Stop(t)
	p.attach(handshake.NewBoot(), false)
	eventually(t, "ready", func() bool { return p.ready("") })
	if c := p.knock(); c.code != http.StatusSwitchingProtocols {
		t.Errorf("without register: got %d %q", c.code, c.body)
	}
}

func TestDoorsWaitForEveryListedSender(t *testing.T) {
	reg, run := registered(t, 300*time.Millisecond)
	first, second, third := handshake.NewBoot(), handshake.NewBoot(), handshake.NewBoot()
	for _, m := range []register.Member{ // all of them send to conns
		{Role: "worker", ID: "worker", Boot: first},
		{Role: "api", ID: "api", Boot: second},
		{Role: "api", ID: "push", Boot: third, Addr: "127.0.0.1:8081", Labels: map[string]string{register.SendsLabel: "push"}},
	} {
		c := directory(t, reg.Addr(), m.Role, m.ID, m.Boot)
		if err := c.Join(m); err != nil {
			t.Fatal(err)
		}
		<-c.Joined()
	}
	door := directory(t, reg.Addr(), "api", "door", handshake.NewBoot()) // an HTTP server sends nothing
	if err := door.Join(register.Member{Addr: "127.0.0.1:8080"}); err != nil {
		t.Fatal(err)
	}
	<-door.Joined()
	p := run()
	p.attach(first, false)
	time.Sleep(600 * time.Millisecond) // two leases: the view is settled, and two are missing
	for _, boot := range []uint64{second, third} {
		if c := p.knock(); c.code != http.StatusServiceUnavailable || !strings.Contains(c.body, "not ready") {
			t.Errorf("without one of three: got %d %q", c.code, c.body)
		}
		p.attach(boot, false)
	}
	eventually(t, "ready", func() bool { return p.ready("") })
	if strings.Contains(p.log.String(), "opens without") {
		t.Errorf("log:\n%s", p.log)
	}
}

func TestDoorsOpenWithoutAWorkerThatDoesNotCome(t *testing.T) {
	reg := registertest.Start(t, server.Config{Identity: handshake.Identity{Cluster: cluster}, Lease: 300 * time.Millisecond})
	gone := directory(t, reg.Addr(), "worker", "never-here", handshake.NewBoot())
	if err := gone.Join(register.Member{}); err != nil {
		t.Fatal(err)
	}
	<-gone.Joined()
	cfg := config(t)
	cfg.Directory = directory(t, reg.Addr(), "gateway", "gw", cfg.Identity.Boot)
	cfg.Limits.DoorsTimeout = 500 * time.Millisecond
	p := start(t, cfg)
	p.attach(handshake.NewBoot(), false)
	eventually(t, "ready", func() bool { return p.ready("") })
	if got := p.log.String(); !strings.Contains(got, "opens without a worker that the register lists") || !strings.Contains(got, "peer=never-here") {
		t.Errorf("log:\n%s", got)
	}
}

func TestDoorsStayShutWithoutARegister(t *testing.T) {
	reg := registertest.Start(t, server.Config{Identity: handshake.Identity{Cluster: cluster}})
	addr := reg.Addr()
	reg.Stop(t)
	cfg := config(t)
	cfg.Directory = directory(t, addr, "gateway", "gw", cfg.Identity.Boot)
	p := start(t, cfg)
	p.attach(handshake.NewBoot(), false)
	time.Sleep(100 * time.Millisecond)
	if c := p.knock(); c.code != http.StatusServiceUnavailable {
		t.Errorf("got %d", c.code)
	}
	p.stop()
	if err := p.wait(); err != nil {
		t.Errorf("Run: %v", err)
	}
}
