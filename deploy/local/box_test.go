package local

import (
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/parley-im/parley/deploy/demo"
)

func chatBox(t *testing.T, change func(*Options)) (string, Config) {
	t.Helper()
	o := Options{Chat: true, Gateways: 2, Workers: 2, Port: minPort, Data: "data"}
	if change != nil {
		change(&o)
	}
	cfg, err := o.config(root(t))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Programs = Programs{API: "api", NATS: "nats", Bots: "bots", Ctl: "bin/parleyctl"}
	text, err := o.box(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	return text, cfg
}

func TestBoxOfTheChatSaysWhoCanSignInAndWhere(t *testing.T) {
	text, cfg := chatBox(t, nil)
	for _, want := range []string{cfg.pageURL("127.0.0.1"), demo.Password, "zhugeliang and zhangfei answer", cfg.gatewayURL(1)} {
		if !strings.Contains(text, want) {
			t.Errorf("want %q in:\n%s", want, text)
		}
	}
	for _, a := range demo.Accounts {
		if !strings.Contains(text, a.Name) || !strings.Contains(text, a.Display) {
			t.Errorf("%s %s is missing in:\n%s", a.Name, a.Display, text)
		}
	}
	edge := -1
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		if n := width(strings.TrimRight(line, "\n")); edge < 0 {
			edge = n
		} else if n != edge {
			t.Errorf("%d columns, the line above it has %d: %q", n, edge, line)
		}
	}
}

func TestWithoutWorkersTheBoxSaysHowToStartOneOfTheChat(t *testing.T) {
	text, cfg := chatBox(t, func(o *Options) { o.Workers = 0 })
	for _, want := range []string{
		"go run . --register " + cfg.registers(),
		"go run ./worker/chat/cmd/parley-worker --register " + cfg.registers() + " --nats " + cfg.natsURL() + " --database sqlite:data/parley.db",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("want %q in:\n%s", want, text)
		}
	}
}

func TestOthersInTheNetworkReachPageAndGatewaysOnly(t *testing.T) {
	const host = "192.168.1.5"
	text, cfg := chatBox(t, func(o *Options) { o.LAN, o.address = true, func() (string, error) { return host, nil } })
	if !strings.Contains(text, cfg.pageURL(host)) || !strings.Contains(text, "█") {
		t.Errorf("no address or no code for a phone in:\n%s", text)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, p := range c.Processes() {
		args := " " + strings.Join(p.Spec().Args, " ")
		public := strings.Count(args, "0.0.0.0")
		want := 0
		if p.Name() == "api" || strings.HasPrefix(p.Name(), "gateway") {
			want = strings.Count(args, " --listen 0.0.0.0:")
			if want != 1 {
				t.Errorf("%s is not reached: %s", p.Name(), args)
			}
		}
		if public != want {
			t.Errorf("%s listens to everybody: %s", p.Name(), args)
		}
	}
}

func TestOnlyAddressesThatOthersCanUseCount(t *testing.T) {
	for addr, want := range map[string]bool{
		"192.168.1.5": true, "10.0.0.1": true, "127.0.0.1": false, "169.254.1.1": false, "0.0.0.0": false, "fe80::1": false, "::1": false,
	} {
		if got := reachable(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %v, want %v", addr, got, want)
		}
	}
}

func TestCodeIsSquareWithAQuietEdge(t *testing.T) {
	text, err := qrCode("http://192.168.178.100:8080/", false)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	side := utf8.RuneCountInString(lines[0]) - 2
	if len(lines) != (side+1)/2 {
		t.Errorf("%d lines of %d modules", len(lines), side)
	}
	for _, l := range lines[:quiet/2] {
		if strings.Trim(l, "█ ") != "" || strings.Count(l, "█") != side {
			t.Errorf("no quiet edge: %q", l)
		}
	}
	for _, l := range lines[:len(lines)-1] {
		if !strings.HasPrefix(l, "  ████") || !strings.HasSuffix(l, "████") {
			t.Errorf("no quiet edge: %q", l)
		}
	}
}

func TestProcessesOfTheChatKnowOfEachOther(t *testing.T) {
	_, cfg := chatBox(t, nil)
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for name, want := range map[string][]string{
		"worker-2":  {"--chat-listen 127.0.0.1:", "--nats " + cfg.natsURL(), "--database sqlite:data/parley.db", "--guests"},
		"gateway-1": {"--text-ping " + textPing},
		"api":       {"--register " + cfg.registers(), "--files data/files"},
		"nats":      {"--store data/nats"},
		"bots":      {"bots --name", "--gateways " + cfg.gateways()},
	} {
		args := strings.Join(c.Fleet.Get(name).Spec().Args, " ")
		for _, flag := range want {
			if !strings.Contains(args, flag) {
				t.Errorf("%s is started with %s: want %s", name, args, flag)
			}
		}
	}
}
