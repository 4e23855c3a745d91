package api

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
)

func TestEveryAnswerForbidsWhatIsNotMeant(t *testing.T) {
	s := start(t, Limits{})
	for _, path := range []string{"/", "/docs", "/docs/style.css", "/openapi.json", "/healthz", "/readyz", "/v1/gateways", "/v1/nothing", "/nothing", "/%2e%2e/x"} {
		got := s.do(http.MethodGet, path, nil)
		policy := got.header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'", "connect-src 'self' ws: wss:", "img-src 'self' blob: data:"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: no %s", path, want)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") || strings.Contains(policy, "http") {
			t.Errorf("%s: %s", path, policy)
		}
		for name := range security {
			if got.header.Get(name) == "" {
				t.Errorf("%s: no %s", path, name)
			}
		}
		if got.header.Get("Server") != "" {
			t.Errorf("%s: it says what it is", path)
		}
	}
}

func TestDoorOnIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		if os.Getenv("PARLEY_CI") != "" {
			t.Fatalf("no IPv6 here: %v", err)
		}
		t.Skipf("no IPv6 here (sysctl net.ipv6.conf.lo.disable_ipv6=0): %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s := startAt(t, Limits{}, "[::1]:0")
	if !strings.HasPrefix(s.base, "http://[::1]:") {
		t.Errorf("it listens at %s", s.base)
	}
	for _, path := range []string{"/healthz", "/v1/gateways", "/docs"} {
		if got := s.do(http.MethodGet, path, nil); got.status != http.StatusOK {
			t.Errorf("%s: got %d", path, got.status)
		}
	}
}

func TestPagesOfElsewhereAreLetInByName(t *testing.T) {
	s := start(t, Limits{AllowOrigins: []string{"https://chat.example.com"}})
	for origin, allowed := range map[string]bool{
		"https://chat.example.com": true, "https://chat.example.com:443": false, "http://chat.example.com": false, "https://evil.example.com": false,
		"https://chat.example.com.evil.com": false, "null": false, "*": false, "": false,
	} {
		got := s.do(http.MethodGet, "/v1/gateways", nil, "Origin", origin)
		if has := got.header.Get("Access-Control-Allow-Origin"); (has == origin && origin != "") != allowed || !allowed && has != "" {
			t.Errorf("%q: %q", origin, has)
		}
		if got.header.Get("Vary") != "Origin" || got.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%q: %v", origin, got.header)
		}
		asked := s.do(http.MethodOptions, "/v1/sendMessage", nil, "Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization, content-type")
		methods, headers := asked.header.Get("Access-Control-Allow-Methods"), asked.header.Get("Access-Control-Allow-Headers")
		if asked.status != http.StatusNoContent || (strings.Contains(methods, "POST") && strings.Contains(headers, "Authorization")) != allowed {
			t.Errorf("%q: asked first: %d %v", origin, asked.status, asked.header)
		}
	}
	if err := s.api.SetOrigins([]string{"*"}); err == nil {
		t.Error("a star is an origin")
	}
	if err := s.api.SetOrigins(nil); err != nil {
		t.Error(err)
	}
	if got := s.do(http.MethodGet, "/v1/gateways", nil, "Origin", "https://chat.example.com"); got.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("it is let in after it was taken from the list")
	}
}

func TestReadyWhenThereIsSomebodyToAsk(t *testing.T) {
	s := start(t, Limits{})
	if got := s.do(http.MethodGet, "/healthz", nil); got.status != http.StatusOK || got.body != "alive\n" {
		t.Errorf("alive: %d %s", got.status, got.body)
	}
	s.until("the register has answered", func() bool { return strings.Contains(s.do(http.MethodGet, "/readyz", nil).body, "no worker") })
	s.member(handshake.Identity{Cluster: cluster, Role: workerRole, Node: "stranger", Boot: 5}, register.Member{}) // serves no calls
	if got := s.do(http.MethodGet, "/readyz", nil); got.status != http.StatusServiceUnavailable {
		t.Errorf("ready with a worker that cannot be called: %s", got.body)
	}
	s.join("w", &worker{})
	if got := s.do(http.MethodGet, "/readyz", nil); got.status != http.StatusOK {
		t.Errorf("with a worker: %d %s", got.status, got.body)
	}
	s.reg.Stop(t)
	if got := s.do(http.MethodGet, "/readyz", nil); got.status != http.StatusOK {
		t.Errorf("with the register down: %d %s", got.status, got.body)
	}
}

func TestGatewaysAreTold(t *testing.T) {
	s := start(t, Limits{})
	s.api.spread.rand = func() float64 { return 1 } // who has most to get is first
	for node, g := range map[string]struct {
		url  string
		load uint32
	}{"a": {"wss://gw.example.com/ws", 30}, "b": {"ws://:8283", 10}, "c": {"", 1}, "d": {"https://x.example.com", 20}, "behind the balancer of a": {"wss://gw.example.com/ws", 40}, "e": {"javascript://:1/%0aalert(1)", 0}} {
		c := s.member(handshake.Identity{Cluster: cluster, Role: "gateway", Node: node, Boot: handshake.NewBoot()}, register.Member{Addr: "10.0.0.1:2900", PublicURL: g.url})
		c.SetLoad(g.load)
	}
	want := `{"gateways":[{"url":"ws://chat.example.com:8283/","load":10},{"url":"wss://x.example.com/","load":20},{"url":"wss://gw.example.com/ws","load":30}]}`
	var got reply
	s.until("they are told", func() bool {
		got = s.do(http.MethodGet, "/v1/gateways", nil, "Host", "chat.example.com:8080")
		return got.body == want
	})
	for host, want := range map[string]string{"127.0.0.1": "ws://127.0.0.1:8283/", "[::1]:8080": "ws://[::1]:8283/", "my_host": "ws://my_host:8283/"} {
		if got := s.do(http.MethodGet, "/v1/gateways", nil, "Host", host); !strings.Contains(got.body, want) {
			t.Errorf("%s: %s", host, got.body)
		}
	}
}

func TestHostThatIsNoneIsNotRepeated(t *testing.T) {
	for _, host := range []string{"", "a b", "x@evil.com", "evil.com/x", "a\"b", "<b>", "x:y:z", "[fe80::1%25eth0]", "a?b", "a#b", strings.Repeat("a", 300)} {
		if got, err := hostOf(host); err == nil {
			t.Errorf("%q is the host %q", host, got)
		}
	}
}

func TestPageThatIsNotBuiltIsSaid(t *testing.T) {
	s := start(t, Limits{})
	if got := s.do(http.MethodGet, "/", nil); got.status != http.StatusOK && !strings.Contains(got.body, "was not built") {
		t.Errorf("got %d %s", got.status, got.body)
	}
	if got := s.do(http.MethodGet, "/docs", nil); got.status != http.StatusOK || !strings.Contains(got.body, "/v1/") {
		t.Errorf("docs: %d", got.status)
	}
	if got := s.do(http.MethodGet, "/openapi.json", nil); got.status != http.StatusOK || !strings.Contains(got.body, `"openapi"`) {
		t.Errorf("openapi: %d", got.status)
	}
}

func TestPanicIsCaughtAndCounted(t *testing.T) {
	s := start(t, Limits{})
	s.api.mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("sesame") })
	s.api.mux.HandleFunc("/half", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "half")
		panic("sesame")
	})
	if got := s.do(http.MethodGet, "/panic", nil); got.reason() != "500 INTERNAL" || strings.Contains(got.body, "sesame") {
		t.Errorf("got %d %s", got.status, got.body)
	}
	if res, err := s.http.Post(s.base+"/half", "", nil); err == nil {
		_, err = io.ReadAll(res.Body)
		res.Body.Close()
		if err == nil {
			t.Error("half an answer looks whole")
		}
	}
	if n := testutil.ToFloat64(s.api.metrics.panics); n != 2 {
		t.Errorf("%v panics are counted", n)
	}
	if !strings.Contains(s.log.String(), "panic in a request") || !strings.Contains(s.log.String(), "TestPanicIsCaughtAndCounted") {
		t.Errorf("no stack in the log:\n%s", s.log)
	}
}

// TestDrainFinishesWhatWasAsked has a call under way when the process is to end.
func TestDrainFinishesWhatWasAsked(t *testing.T) {
	s := start(t, Limits{})
	hold, release := make(chan struct{}), make(chan struct{})
	s.join("w", &worker{send: func(context.Context, *chatv1.SendMessageRequest) (*chatv1.SendMessageResponse, error) {
		close(hold)
		<-release
		return &chatv1.SendMessageResponse{}, nil
	}})
	s.until("it is a member", func() bool { return len(s.reg.Server().Members(Role)) == 1 })
	done := make(chan reply, 1)
	go func() { done <- s.call("sendMessage", "{}") }()
	<-hold
	s.stop()
	s.until("it has left", func() bool { return len(s.reg.Server().Members(Role)) == 0 })
	s.until("nobody gets in", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	if err := s.api.Ready(); err == nil {
		t.Error("it is ready")
	}
	close(release)
	if got := <-done; got.status != http.StatusOK {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

// TestDrainSendsThoseElsewhereWhoWaitForAWorker has no worker at all: the call would wait for
// its whole time, and be late then, not unavailable.
func TestDrainSendsThoseElsewhereWhoWaitForAWorker(t *testing.T) {
	t.Parallel()
	s := start(t, Limits{})
	done := make(chan reply, 1)
	go func() { done <- s.call("sendMessage", "{}") }()
	s.until("it waits", func() bool { return len(s.api.calls) == 1 })
	s.stop()
	if got := <-done; got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, `"temporary":true`) {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func TestDrainThatTakesTooLongCuts(t *testing.T) {
	reg := aRegister(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	id := handshake.Identity{Cluster: cluster, Role: Role, Node: "a", Boot: 9}
	directory, err := register.New(register.Config{Registers: []string{reg.Addr()}, Secrets: []string{secret}, Identity: id})
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(Config{Identity: id, Secrets: []string{secret}, Clients: l, Directory: directory, Files: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	a.mux.HandleFunc("/hang", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	running, stop := context.WithCancel(t.Context())
	until, giveUp := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(running, until) }()
	hung := make(chan error, 1)
	go func() {
		res, err := http.Get("http://" + l.Addr().String() + "/hang")
		if err == nil {
			res.Body.Close()
		}
		hung <- err
	}()
	for end := time.Now().Add(10 * time.Second); testutil.ToFloat64(a.metrics.inFlight) == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the request has not come")
		}
	}
	stop()
	giveUp()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("run: %v", err)
	}
	if err := <-hung; err == nil {
		t.Error("it was answered")
	}
}

func TestOverTLSItSpeaksHTTP2(t *testing.T) {
	s := startAt(t, Limits{}, "127.0.0.1:0", overTLS)
	res, err := s.http.Get(s.base + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.ProtoMajor != 2 || res.StatusCode != http.StatusOK {
		t.Errorf("got %s %d", res.Proto, res.StatusCode)
	}
}

func TestEverythingWrongIsNamedAtOnce(t *testing.T) {
	_, err := New(Config{Identity: handshake.Identity{Role: "gateway"}, Limits: Limits{MaxCalls: -1, MaxImageBytes: 1 << 40, AllowOrigins: []string{"*", "https://x/"}}})
	for _, want := range []string{"listen", "register", "files", "role", "max-calls", "max-image-bytes", `allow-origin: "*"`, `"https://x/"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("nothing about %s in %v", want, err)
		}
	}
}
