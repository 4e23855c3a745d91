package server_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	nodev1 "github.com/parley-im/parley/proto/node/v1"
	registerv1 "github.com/parley-im/parley/proto/register/v1"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
	"github.com/parley-im/parley/register/registertest"
	"github.com/parley-im/parley/register/server"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "a secret of the cluster"

// dial opens a raw connection, for peers that do not behave.
func dial(t *testing.T, addr string) registerv1.RegisterServiceClient {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return registerv1.NewRegisterServiceClient(conn)
}

func identity(node string) handshake.Identity {
	return handshake.Identity{Role: "gateway", Node: node, Boot: handshake.NewBoot()}
}

type joinSteps struct {
	s registerv1.RegisterService_JoinClient
}

func (j joinSteps) Send(h *nodev1.Handshake) error {
	return j.s.Send(&registerv1.JoinRequest{Kind: &registerv1.JoinRequest_Handshake{Handshake: h}})
}

func (j joinSteps) Recv() (*nodev1.Handshake, error) {
	m, err := j.s.Recv()
	return m.GetHandshake(), err
}

type watchSteps struct {
	s registerv1.RegisterService_WatchClient
}

func (w watchSteps) Send(h *nodev1.Handshake) error {
	return w.s.Send(&registerv1.WatchRequest{Kind: &registerv1.WatchRequest_Handshake{Handshake: h}})
}

func (w watchSteps) Recv() (*nodev1.Handshake, error) {
	m, err := w.s.Recv()
	return m.GetHandshake(), err
}

// join opens a join stream past the handshake.
func join(t *testing.T, addr string, id handshake.Identity, secrets ...string) (registerv1.RegisterService_JoinClient, error) {
	t.Helper()
	s, err := dial(t, addr).Join(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = handshake.Dial(joinSteps{s}, id, secrets, 0, 0)
	return s, err
}

// watch opens a watch stream past the handshake.
func watch(t *testing.T, addr string, secrets ...string) registerv1.RegisterService_WatchClient {
	t.Helper()
	s, err := dial(t, addr).Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := handshake.Dial(watchSteps{s}, identity("watcher"), secrets, 0, 0); err != nil {
		t.Fatal(err)
	}
	return s
}

func announcement(id handshake.Identity) *registerv1.JoinRequest {
	m := register.Member{ID: id.Node, Role: id.Role, Boot: id.Boot}
	return &registerv1.JoinRequest{Kind: &registerv1.JoinRequest_Announce{Announce: &registerv1.Announce{Member: m.Proto(1)}}}
}

func start(role string) *registerv1.WatchRequest {
	return &registerv1.WatchRequest{Kind: &registerv1.WatchRequest_Start{Start: &registerv1.WatchStart{Role: role}}}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 15 s: %s", what)
		}
	}
}

func TestStrangersAreRefused(t *testing.T) {
	metrics := prometheus.NewRegistry()
	r := registertest.Start(t, server.Config{
		Secrets: []string{secret}, Metrics: metrics, Identity: handshake.Identity{Cluster: "main"},
	})
	known := identity("gw-1")
	known.Cluster = "main"
	for _, tt := range []struct {
		name   string
		change func(*handshake.Identity)
		secret string
		want   error
		label  string
	}{
		{"wrong secret", func(*handshake.Identity) {}, "another secret", handshake.ErrSecret, "secret"},
		{"wrong cluster", func(id *handshake.Identity) { id.Cluster = "test" }, secret, handshake.ErrCluster, "cluster"},
		{"wrong major", func(id *handshake.Identity) { id.Major = 9 }, secret, handshake.ErrMajor, "major"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id := known
			tt.change(&id)
			if _, err := join(t, r.Addr(), id, tt.secret); !errors.Is(err, tt.want) || strings.Contains(err.Error(), secret) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	// Without any handshake.
	s, err := dial(t, r.Addr()).Join(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Send(announcement(known))
	if m, err := s.Recv(); err != nil || m.GetHandshake().GetRefusal().GetReason() != nodev1.Refusal_REASON_INVALID {
		t.Errorf("an announcement without a handshake: got %v, %v", m, err)
	}
	if _, err := s.Recv(); status.Code(err) != codes.InvalidArgument {
		t.Errorf("an announcement without a handshake: got %v", err)
	}
	if len(r.Server().Members("")) != 0 {
		t.Error("a stranger is a member")
	}
	if _, err := join(t, r.Addr(), known, secret); err != nil {
		t.Errorf("one who knows the secret: %v", err)
	}
	eventually(t, "refusals are counted", func() bool {
		// Those of wrong cluster and major may hang up before they are refused.
		n, err := testutil.GatherAndCount(metrics, "parley_register_refusals_total")
		if err != nil {
			t.Fatal(err)
		}
		return n == 10 && value(t, metrics, "parley_register_refusals_total", "reason", "secret") == 1 &&
			value(t, metrics, "parley_register_refusals_total", "reason", "invalid") == 1
	})
}

// value reads one metric; label and its value are optional.
func value(t *testing.T, g prometheus.Gatherer, name string, label ...string) float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			if len(label) == 2 && (m.GetLabel()[0].GetName() != label[0] || m.GetLabel()[0].GetValue() != label[1]) {
				continue
			}
			return m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	t.Fatalf("no metric %s %v", name, label)
	return 0
}

func TestMembersMaySayOnlyWhatTheyAre(t *testing.T) {
	r := registertest.Start(t, server.Config{})
	for _, tt := range []struct {
		name string
		say  func(id handshake.Identity) *registerv1.JoinRequest
		want codes.Code
	}{
		{"another boot", func(id handshake.Identity) *registerv1.JoinRequest { id.Boot++; return announcement(id) }, codes.InvalidArgument},
		{"another name", func(id handshake.Identity) *registerv1.JoinRequest { id.Node = "x"; return announcement(id) }, codes.InvalidArgument},
		{"another role", func(id handshake.Identity) *registerv1.JoinRequest { id.Role = "worker"; return announcement(id) }, codes.InvalidArgument},
		{"no member", func(handshake.Identity) *registerv1.JoinRequest {
			return &registerv1.JoinRequest{Kind: &registerv1.JoinRequest_Announce{}}
		}, codes.InvalidArgument},
		{"a long address", func(id handshake.Identity) *registerv1.JoinRequest {
			m := announcement(id)
			m.GetAnnounce().GetMember().Addr = strings.Repeat("a", 257)
			return m
		}, codes.InvalidArgument},
		{"more than a message may have", func(id handshake.Identity) *registerv1.JoinRequest {
			m := announcement(id)
			m.GetAnnounce().GetMember().Addr = strings.Repeat("a", 100<<10)
			return m
		}, codes.ResourceExhausted},
		{"a beat before anything", func(handshake.Identity) *registerv1.JoinRequest {
			return &registerv1.JoinRequest{Kind: &registerv1.JoinRequest_Beat{Beat: &registerv1.JoinBeat{}}}
		}, codes.FailedPrecondition},
		{"a leave before anything", func(handshake.Identity) *registerv1.JoinRequest {
			return &registerv1.JoinRequest{Kind: &registerv1.JoinRequest_Leave{Leave: &registerv1.Leave{}}}
		}, codes.FailedPrecondition},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id := identity("gw-1")
			s, err := join(t, r.Addr(), id)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Send(tt.say(id)); err != nil {
				t.Fatal(err)
			}
			if m, err := s.Recv(); status.Code(err) != tt.want && !(tt.want == codes.ResourceExhausted && errors.Is(err, io.EOF)) {
				t.Errorf("got %v, %v, want %v", m, err, tt.want)
			}
		})
	}
	if n := len(r.Server().Members("")); n != 0 {
		t.Errorf("%d members", n)
	}
}

func TestUnknownMessagesAreIgnored(t *testing.T) {
	r := registertest.Start(t, server.Config{})
	id := identity("gw-1")
	s, err := join(t, r.Addr(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*registerv1.JoinRequest{{}, announcement(id)} { // of a newer minor version; then a known one
		if err := s.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	if m, err := s.Recv(); err != nil || m.GetGranted() == nil {
		t.Errorf("got %v, %v, want a grant", m, err)
	}
}

func TestFullRegisterRefuses(t *testing.T) {
	r := registertest.Start(t, server.Config{MaxMembers: 1, MaxWatchers: 1})
	first, second := identity("gw-1"), identity("gw-2")
	s, err := join(t, r.Addr(), first)
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Send(announcement(first))
	if m, err := s.Recv(); err != nil || m.GetGranted().GetLeaseMs() != 3000 || m.GetGranted().GetBeatMs() != 1000 {
		t.Fatalf("got %v, %v", m, err)
	}
	s, err = join(t, r.Addr(), second)
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Send(announcement(second))
	if _, err := s.Recv(); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a second member: got %v", err)
	}
	w := watch(t, r.Addr())
	_ = w.Send(start("gateway"))
	if m, err := w.Recv(); err != nil || len(m.GetSnapshot().GetMembers()) != 1 || !m.GetSnapshot().GetLast() {
		t.Fatalf("got %v, %v", m, err)
	}
	w = watch(t, r.Addr())
	_ = w.Send(start("gateway"))
	if _, err := w.Recv(); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a second watcher: got %v", err)
	}
}

func TestWatchBeginsWithAStart(t *testing.T) {
	r := registertest.Start(t, server.Config{})
	for _, m := range []*registerv1.WatchRequest{{}, start(strings.Repeat("x", 300))} {
		w := watch(t, r.Addr())
		_ = w.Send(m)
		if _, err := w.Recv(); status.Code(err) != codes.InvalidArgument {
			t.Errorf("got %v", err)
		}
	}
}

func TestStreamsOfOneMemberTakeTheLeaseFromEachOther(t *testing.T) {
	r := registertest.Start(t, server.Config{})
	id := identity("gw-1")
	old, err := join(t, r.Addr(), id)
	if err != nil {
		t.Fatal(err)
	}
	_ = old.Send(announcement(id))
	if _, err := old.Recv(); err != nil {
		t.Fatal(err)
	}
	young, err := join(t, r.Addr(), id)
	if err != nil {
		t.Fatal(err)
	}
	_ = young.Send(announcement(id))
	if _, err := old.Recv(); status.Code(err) != codes.Aborted {
		t.Errorf("the old stream: got %v", err)
	}
	if n := len(r.Server().Members("gateway")); n != 1 {
		t.Errorf("%d members", n)
	}
}

func TestOpenListenerWithoutSecretIsRefused(t *testing.T) {
	s, err := server.New(server.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context(), l); err == nil || !strings.Contains(err.Error(), "not a loopback address") {
		t.Errorf("got %v", err)
	}
	if err := s.Drain(context.Background()); err != nil {
		t.Errorf("drain of a register that never ran: %v", err)
	}
}

func TestSecretIsChangedWithoutAPause(t *testing.T) {
	r := registertest.Start(t, server.Config{Secrets: []string{"old secret"}})
	id := identity("gw-1")
	if _, err := join(t, r.Addr(), id, "old secret"); err != nil {
		t.Fatal(err)
	}
	r.Server().SetSecrets([]string{"new secret", "old secret"})
	for _, s := range []string{"old secret", "new secret"} {
		if _, err := join(t, r.Addr(), id, s); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	r.Server().SetSecrets([]string{"new secret"})
	if _, err := join(t, r.Addr(), id, "old secret"); !errors.Is(err, handshake.ErrSecret) {
		t.Errorf("the old secret after it was dropped: %v", err)
	}
}

func TestMetricsLint(t *testing.T) {
	metrics := prometheus.NewRegistry()
	if _, err := server.New(server.Config{Metrics: metrics}); err != nil {
		t.Fatal(err)
	}
	problems, err := testutil.GatherAndLint(metrics)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	if _, err := server.New(server.Config{Metrics: metrics}); err == nil {
		t.Error("two registers share one set of metrics")
	}
}
