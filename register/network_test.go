package register_test

import (
	"crypto/tls"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	nodev1 "github.com/parley-im/parley/proto/node/v1"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
	"github.com/parley-im/parley/register/registertest"
	"github.com/parley-im/parley/register/server"
	"google.golang.org/grpc"
)

// These tests run over TCP on loopback, in real time.

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 15 s: %s", what)
		}
	}
}

// clientOf runs a client with a log that can be read.
func clientOf(t *testing.T, cfg register.Config) (*register.Client, *logged) {
	t.Helper()
	l := new(logged)
	if cfg.Identity.Role == "" {
		cfg.Identity.Role = "gateway"
	}
	cfg.Identity.Node, cfg.Identity.Boot = "gw-1", handshake.NewBoot()
	cfg.Log = slog.New(l.of("gw-1"))
	c, err := register.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	registertest.Run(t, c)
	return c, l
}

func TestClientThatIsRefusedSaysWhyInOneLine(t *testing.T) {
	r := registertest.Start(t, server.Config{Secrets: []string{"the right secret"}, Identity: handshake.Identity{Cluster: "main"}})
	for _, tt := range []struct {
		name string
		cfg  register.Config
		want string
	}{
		{"wrong secret", register.Config{Secrets: []string{"the wrong secret"}, Identity: handshake.Identity{Cluster: "main"}}, "wrong secret"},
		{"no secret", register.Config{Identity: handshake.Identity{Cluster: "main"}}, "wrong secret"},
		{"wrong cluster", register.Config{Secrets: []string{"the right secret"}, Identity: handshake.Identity{Cluster: "test"}}, `is of cluster \"main\", this process of \"test\"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.cfg.Registers = []string{r.Addr()}
			c, l := clientOf(t, tt.cfg)
			if err := c.Join(register.Member{}); err != nil {
				t.Fatal(err)
			}
			eventually(t, "it is said", func() bool { return l.count("register refuses this process", tt.want) == 1 })
			if l.count("the right secret")+l.count("the wrong secret") != 0 {
				t.Error("a secret is in the log")
			}
			if len(r.Server().Members("")) != 0 {
				t.Error("it is a member")
			}
		})
	}
}

func TestListenerThatIsNoRegisterIsRefused(t *testing.T) {
	r := registertest.Start(t, server.Config{Secrets: []string{"the right secret"}})
	c, l := clientOf(t, register.Config{Registers: []string{r.Addr()}, Secrets: []string{"the wrong secret", "the right secret"}})
	v := c.Watch("gateway")
	eventually(t, "the second secret is tried", func() bool { return isReady(v.Ready()) })
	_ = l

	other, err := net.Listen("tcp", "127.0.0.1:0") // speaks nothing at all
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	c, l = clientOf(t, register.Config{Registers: []string{other.Addr().String()}, Lease: 300 * time.Millisecond})
	_ = c.Watch("gateway")
	eventually(t, "its silence is noticed", func() bool { return l.count("waiting for a register", "silent for a lease") > 0 })
}

func TestSecretsAreRotatedWhileRunning(t *testing.T) {
	r := registertest.Start(t, server.Config{Secrets: []string{"old secret"}})
	c, _ := clientOf(t, register.Config{Registers: []string{r.Addr()}, Secrets: []string{"old secret"}})
	v := c.Watch("gateway")
	if err := c.Join(register.Member{}); err != nil {
		t.Fatal(err)
	}
	<-c.Joined()
	<-v.Ready()
	r.Server().SetSecrets([]string{"new secret"})
	c.SetSecrets([]string{"new secret"})
	if err := c.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Join(register.Member{}); err != nil {
		t.Fatal(err)
	}
	<-c.Joined()
}

func TestMutualTLS(t *testing.T) {
	ours, foreign := registertest.NewAuthority(t), registertest.NewAuthority(t)
	r := registertest.Start(t, server.Config{TLS: ours.ServerConfig(t)})
	withoutCertificate := ours.ClientConfig(t)
	withoutCertificate.Certificates = nil
	strangers := ours.ClientConfig(t)
	strangers.Certificates = foreign.ClientConfig(t).Certificates
	for _, tt := range []struct {
		name string
		tls  *tls.Config
		ok   bool
	}{
		{"both certificates of one authority", ours.ClientConfig(t), true},
		{"client without a certificate", withoutCertificate, false},
		{"client with a foreign certificate", strangers, false},
		{"server that the client does not trust", foreign.ClientConfig(t), false},
		{"client without TLS", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, l := clientOf(t, register.Config{Registers: []string{r.Addr()}, TLS: tt.tls})
			if err := c.Join(register.Member{}); err != nil {
				t.Fatal(err)
			}
			if tt.ok {
				<-c.Joined()
				return
			}
			eventually(t, "it waits", func() bool { return l.count("waiting for a register") > 0 })
			if isReady(c.Joined()) {
				t.Error("it has joined")
			}
		})
	}
}

func TestHalfOpenConnectionIsNoticedByBothSides(t *testing.T) {
	r := registertest.Start(t, server.Config{Lease: 600 * time.Millisecond})
	c := registertest.Client(t, "gateway", "gw-1", r)
	v := c.Watch("gateway")
	if err := c.Join(register.Member{Addr: "127.0.0.1:2900"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it sees itself", func() bool { return len(v.Members()) == 1 })
	r.CutOff()
	eventually(t, "the register ends the lease", func() bool { return len(r.Server().Members("")) == 0 })
	if n := len(v.Members()); n != 1 {
		t.Errorf("the view has %d members while its register is out of reach", n)
	}
	r.Mend()
	eventually(t, "it is back", func() bool { return len(r.Server().Members("")) == 1 })
	if n := len(v.Members()); n != 1 {
		t.Errorf("the view has %d members afterwards", n)
	}
	r.Restart(t)
	eventually(t, "it is back after a restart", func() bool { return len(r.Server().Members("")) == 1 })
	r.Drain(t)
	if n := len(v.Members()); n != 1 {
		t.Errorf("the view has %d members after the register has drained", n)
	}
}

// echoName is a gRPC server that is dialled through the resolver: any call is refused
// with its name, which is answer enough.
func echoName(t *testing.T, addr, name string) string {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, s grpc.ServerStream) error {
		return &named{name}
	}))
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { s.Stop(); <-done })
	return l.Addr().String()
}

type named struct{ name string }

func (n *named) Error() string { return "I am " + n.name }

func TestResolverSpreadsCallsOverTheMembersOfARole(t *testing.T) {
	r := registertest.Start(t, server.Config{})
	client := registertest.Client(t, "api", "api-1", r)
	conn, err := grpc.NewClient("parley:///worker", grpc.WithResolvers(register.NewResolver(client)),
		grpc.WithTransportCredentials(handshake.Credentials(nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	call := func() string {
		err := conn.Invoke(t.Context(), "/any/Call", &nodev1.Proof{}, &nodev1.Proof{})
		if err == nil {
			t.Fatal("the call was answered")
		}
		return err.Error()
	}
	eventually(t, "no worker is there", func() bool { return strings.Contains(call(), "no member of role worker") })

	members := map[string]*register.Client{}
	for _, name := range []string{"w-1", "w-2"} {
		c := registertest.Client(t, "worker", name, r)
		if err := c.Join(register.Member{Addr: echoName(t, "127.0.0.1:0", name)}); err != nil {
			t.Fatal(err)
		}
		<-c.Joined()
		members[name] = c
	}
	seen := map[string]bool{}
	eventually(t, "both are called", func() bool {
		for name := range members {
			if strings.Contains(call(), "I am "+name) {
				seen[name] = true
			}
		}
		return len(seen) == 2
	})
	if err := members["w-1"].Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "who left is called no more", func() bool {
		for range 10 {
			if !strings.Contains(call(), "I am w-2") {
				return false
			}
		}
		return true
	})
	for _, target := range []string{"parley:///", "parley://host/worker"} {
		conn, err := grpc.NewClient(target, grpc.WithResolvers(register.NewResolver(client)),
			grpc.WithTransportCredentials(handshake.Credentials(nil)))
		if err == nil {
			err = conn.Invoke(t.Context(), "/any/Call", &nodev1.Proof{}, &nodev1.Proof{})
			conn.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "names no role") {
			t.Errorf("%s: got %v", target, err)
		}
	}
}
