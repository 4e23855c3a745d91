package local

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

func TestTakenPortIsNamedWithAWayOut(t *testing.T) {
	cfg := fakes(t, "role")
	cfg.withDefaults()
	if err := cfg.CheckPorts(); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", cfg.Ports.Gateway+1))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	err = cfg.CheckPorts()
	if err == nil || strings.Contains(err.Error(), "\n") {
		t.Fatalf("got %v, want one line", err)
	}
	for _, want := range []string{fmt.Sprintf("port %d (WebSocket of gateway-2) is taken", cfg.Ports.Gateway+1), "PORT="} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want %q", err, want)
		}
	}
}

func TestPortsMoveTogetherAndNeverMeet(t *testing.T) {
	moved := From(9282)
	if want := (Ports{
		Register: 2236, Gateway: 9282, Link: 3900, Chat: 3950, API: 9080, Push: 9081, Page: 9080, NATS: 5722,
		RegisterOps: 10600, GatewayOps: 10610, WorkerOps: 10650, APIOps: 10640, NATSOps: 10641, BotsOps: 10642,
	}); moved != want {
		t.Errorf("moved by 1000: %+v, want %+v", moved, want)
	}
	if From(8282) != DefaultPorts() {
		t.Error("the default port moves something")
	}
	free, err := FreePorts("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	defer free.Release()
	for _, p := range []Ports{DefaultPorts(), From(minPort), From(maxPort), free.Ports} {
		cfg := Config{
			Programs:  Programs{API: "api", NATS: "nats", Bots: "bots"},
			Registers: maxRegisters, Gateways: maxGateways, Workers: maxWorkers, Ports: p, Chat: true,
		}
		if err := cfg.Validate(); err != nil {
			t.Fatal(err)
		}
		example := cfg
		example.Chat, example.Page, example.Programs = false, true, Programs{API: "api", Feeder: "feeder"}
		for _, cfg := range []Config{cfg, example} {
			seen := map[int]string{}
			for _, l := range cfg.listeners() {
				if other := seen[l.port]; other != "" {
					t.Errorf("port %d is for %s and for %s", l.port, other, l.what)
				}
				if l.port < 1024 || l.port > 65535 {
					t.Errorf("port %d for %s", l.port, l.what)
				}
				seen[l.port] = l.what
			}
		}
	}
}

func TestWrongChoicesAreAllNamedAtOnce(t *testing.T) {
	cfg := Config{Registers: 9, Gateways: 25, Workers: 33}
	err := cfg.Validate()
	for _, want := range []string{"--registers=9", "--gateways=25", "--workers=33", "no ports"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}
