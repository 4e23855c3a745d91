package gateway_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-im/parley/gateway"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/register/handshake"
)

func TestNewNamesEverythingThatIsWrongAtOnce(t *testing.T) {
	_, err := gateway.New(gateway.Config{
		Identity: handshake.Identity{Role: "worker"},
		Limits: gateway.Limits{
			MaxFrameBytes: 2 << 20, MaxSessionBytes: 1 << 20, MaxGroupsPerConn: 1 << 20, UnackedSum: -1, MaxConns: -1,
			PingInterval: time.Minute, IdleTimeout: time.Second, WorkerPatience: time.Millisecond,
			DoorsTimeout: -1, DrainWindow: -1, QueueBytes: -1,
		},
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, flag := range []string{
		"listen:", "link-listen:", "role", "node", "max-frame-bytes", "max-session-bytes", "max-groups-per-conn", "unacked-sum", "max-conns",
		"idle-timeout", "worker-patience", "doors-timeout", "drain-window", "queue-bytes",
	} {
		if !strings.Contains(err.Error(), flag) {
			t.Errorf("%s is not named in:\n%v", flag, err)
		}
	}
}

func TestConnMayBeInTheGroupsOfASession(t *testing.T) {
	for groups, good := range map[int]bool{-1: false, 0: true, 1: false, 2: true, 1000: true} {
		err := gateway.Limits{MaxGroupsPerConn: groups}.Validate()
		if (err == nil) != good || err != nil && !strings.Contains(err.Error(), "max-groups-per-conn") {
			t.Errorf("%d groups: %v", groups, err)
		}
	}
}

func TestOffLoopbackASecretIsAskedFor(t *testing.T) {
	cfg := config(t)
	cfg.Links = anywhere{cfg.Links}
	if _, err := gateway.New(cfg); err == nil || !strings.Contains(err.Error(), "set a secret") {
		t.Errorf("without secret: got %v", err)
	}
	cfg.Secrets = []string{"a secret"}
	if _, err := gateway.New(cfg); err != nil {
		t.Errorf("with secret: got %v", err)
	}
}

// anywhere is a listener that says it listens on every address.
type anywhere struct{ net.Listener }

func (anywhere) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4zero, Port: 2900} }

func TestZeroConfigRunsAndEchoes(t *testing.T) {
	p := start(t, config(t))
	p.attach(handshake.NewBoot(), false)
	eventually(t, "ready", func() bool { return p.ready("") })
	c := p.knock()
	if err := c.say("hello"); err != nil {
		t.Fatal(err)
	}
	if op, body, err := c.hear(); op != 1 || body != "hello" || err != nil {
		t.Errorf("got %d %q %v", op, body, err)
	}
}

func TestMetricsAreWholeAndNamed(t *testing.T) {
	cfg := config(t)
	metrics := prometheus.NewPedanticRegistry()
	cfg.Metrics = metrics
	p := start(t, cfg)
	p.attach(handshake.NewBoot(), false)
	eventually(t, "ready", func() bool { return p.ready("") })
	p.knock()
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "parley_gateway_") || f.GetHelp() == "" {
			t.Errorf("metric %q: %q", f.GetName(), f.GetHelp())
		}
		values[f.GetName()] = f.GetMetric()[0].GetGauge().GetValue() + f.GetMetric()[0].GetCounter().GetValue()
	}
	if values["parley_gateway_conns"] != 1 || values["parley_gateway_workers"] != 1 || values["parley_gateway_attaches_total"] != 1 {
		t.Errorf("got %v", values)
	}
	if _, err := gateway.New(cfg); err == nil {
		t.Error("a second gateway on the same registry is not refused")
	}
}

func TestRunEndsEverythingInOrder(t *testing.T) {
	_, run := registered(t, 300*time.Millisecond)
	p := run()
	w := p.attach(handshake.NewBoot(), false)
	eventually(t, "ready", func() bool { return p.ready("") })
	c := p.knock()
	p.stop()
	// The client is sent away with a time to come back, the worker hears that the
	// gateway leaves, and handles the end of the conn before its stream ends.
	op, body, err := c.hear()
	if op != 8 || !strings.HasPrefix(body, "\x03\xf4retry-after-ms=") || err != nil {
		t.Errorf("client: got %d %q %v", op, body, err)
	}
	c.nc.Close()
	if err := p.wait(); err != nil {
		t.Errorf("Run: %v", err)
	}
	<-w.over
	if w.saw(record.KindLeaving) != 1 || w.saw(record.KindClosed) != 1 {
		t.Errorf("worker: %d leaving, %d closed", w.saw(record.KindLeaving), w.saw(record.KindClosed))
	}
	if strings.Contains(p.log.String(), "no worker acknowledged") {
		t.Errorf("log:\n%s", p.log)
	}
	if !p.ready("draining") {
		t.Errorf("ready: got %v", p.Ready())
	}
}

// The register is left before anybody is sent away: a client that comes back at
// once must not find this gateway again.
func TestDrainLeavesTheRegisterFirst(t *testing.T) {
	reg, run := registered(t, 300*time.Millisecond)
	p := run()
	p.attach(handshake.NewBoot(), false)
	eventually(t, "ready", func() bool { return p.ready("") })
	watch := directory(t, reg.Addr(), "api", "api", handshake.NewBoot())
	view := watch.Watch("gateway")
	defer view.Close()
	eventually(t, "the gateway in the view", func() bool { return len(view.Members()) == 1 })
	if m := view.Members()[0]; m.ID != "gw" || m.Addr != p.links || m.Boot != p.boot || m.PublicURL != "ws://"+p.clients[strings.LastIndexByte(p.clients, ':'):] {
		t.Errorf("member: got %+v", m)
	}
	c := p.knock()
	p.stop()
	if op, _, _ := c.hear(); op != 8 {
		t.Errorf("client: got %d", op)
	}
	// Who asks the register from now on does not find it.
	fresh := directory(t, reg.Addr(), "api", "api-2", handshake.NewBoot()).Watch("gateway")
	defer fresh.Close()
	<-fresh.Ready()
	if n := len(fresh.Members()); n != 0 {
		t.Errorf("a client was sent away while %d gateway is listed", n)
	}
}

// A worker that acknowledges nothing holds the end only for its patience, and the
// log says what was not handled.
func TestDrainDoesNotWaitForADeafWorker(t *testing.T) {
	p := start(t, config(t))
	p.attach(handshake.NewBoot(), true)
	eventually(t, "ready", func() bool { return p.ready("") })
	c := p.knock()
	if err := c.say("unheard"); err != nil {
		t.Fatal(err)
	}
	p.stop()
	began := time.Now()
	if err := p.wait(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if took := time.Since(began); took < 900*time.Millisecond || took > 8*time.Second {
		t.Errorf("took %v: want the patience of a second, and some for the sockets", took)
	}
	if !strings.Contains(p.log.String(), "no worker acknowledged") || !strings.Contains(p.log.String(), "events=2") {
		t.Errorf("log:\n%s", p.log)
	}
}

// SIGTERM may come before anything has begun.
func TestRunThatIsOverBeforeItBegins(t *testing.T) {
	for range 20 {
		cfg := config(t)
		g, err := gateway.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := g.Run(ctx); err != nil {
			t.Fatalf("Run: %v", err)
		}
	}
}

func TestFailedListenerEndsTheRun(t *testing.T) {
	for _, which := range []string{"listen", "link-listen"} {
		cfg := config(t)
		p := start(t, cfg)
		p.attach(handshake.NewBoot(), false)
		eventually(t, "ready", func() bool { return p.ready("") })
		if which == "listen" {
			cfg.Clients.Close()
		} else {
			cfg.Links.Close()
		}
		if err := p.wait(); err == nil || !strings.Contains(err.Error(), which+":") {
			t.Errorf("%s closed: Run returned %v", which, err)
		}
	}
}
