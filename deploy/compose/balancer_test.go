package compose

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway"
)

const balancerfile = "balancer/haproxy.cfg"

func balancer(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(balancerfile)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestBalancerTakesItsConfiguration has haproxy judge it, with addresses for the names
// that only the engine knows.
func TestBalancerTakesItsConfiguration(t *testing.T) {
	haproxy, err := exec.LookPath("haproxy")
	if err != nil {
		missing := t.Skip
		if os.Getenv("PARLEY_CI") != "" {
			missing = t.Fatal
		}
		missing("no haproxy found; install the package haproxy")
	}
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	text := regexp.MustCompile(`(server gateway-\d) gateway-\d`).ReplaceAllString(balancer(t), "$1 127.0.0.1")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(haproxy, "-c", "-dW", "-f", file).CombinedOutput(); err != nil { // -dW: a warning is an error
		t.Errorf("%v\n%s", err, out)
	}
}

func TestBalancerKnowsEveryGatewayAndOutwaitsThem(t *testing.T) {
	f, text := read(t), balancer(t)
	var listed, want []string
	for _, m := range regexp.MustCompile(`(?m)^\tserver (\S+) (\S+)$`).FindAllStringSubmatch(text, -1) {
		listed = append(listed, m[1]+" "+m[2])
	}
	check := regexp.MustCompile(`check port (\d+)`).FindStringSubmatch(text)
	for _, name := range f.Ours() {
		s := f.Services[name]
		if s.Build.Target != "gateway" {
			continue
		}
		_, port, _ := net.SplitHostPort(s.Flag("listen"))
		want = append(want, name+" "+net.JoinHostPort(name, port))
		if _, ops, _ := net.SplitHostPort(s.Flag("ops-listen")); check == nil || ops != check[1] {
			t.Errorf("%s tells at port %s whether it is ready, the balancer asks at %v", name, ops, check)
		}
	}
	if !slices.Equal(listed, want) {
		t.Errorf("the balancer knows %q, the gateways are %q", listed, want)
	}
	tunnel := regexp.MustCompile(`(?m)^\ttimeout tunnel (\S+)$`).FindStringSubmatch(text)
	if tunnel == nil {
		t.Fatal("no time for tunnels: haproxy would end conns when it likes")
	}
	limits := gateway.DefaultLimits()
	if d, err := time.ParseDuration(tunnel[1]); err != nil || d <= limits.PingInterval+limits.IdleTimeout {
		t.Errorf("the balancer ends a conn after %v of silence, %v: gateways ping every %v and wait %v", d, err, limits.PingInterval, limits.IdleTimeout)
	}
}
