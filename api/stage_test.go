package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"google.golang.org/grpc"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/clientaddr"
	"github.com/parley-im/parley/register/handshake"
	"github.com/parley-im/parley/register/registertest"
	"github.com/parley-im/parley/register/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	cluster = "parley"
	secret  = "a secret of the tests"
	token   = "e30.eyJzdWIiOiJsaXViZWkifQ.x" // of user liubei
)

// stage is a register, workers that are made up, and an API.
type stage struct {
	t    *testing.T
	reg  *registertest.Register
	api  *API
	base string
	log  *output
	http *http.Client
	seen *prometheus.Registry

	stop  context.CancelFunc
	ended chan error
}

type output struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// aRegister runs a register of the tests' cluster.
func aRegister(t *testing.T) *registertest.Register {
	return registertest.Start(t, server.Config{
		Identity: handshake.Identity{Cluster: cluster, Role: register.Role, Node: "r", Boot: 1}, Secrets: []string{secret}, Lease: time.Second,
	})
}

// start runs an API until the test ends.
func start(t *testing.T, l Limits) *stage {
	t.Helper()
	return startAt(t, l, "127.0.0.1:0")
}

// startAt has changes made to the API's config before it runs.
func startAt(t *testing.T, l Limits, addr string, changes ...func(*Config)) *stage {
	t.Helper()
	s := &stage{t: t, reg: aRegister(t), log: new(output), seen: prometheus.NewRegistry(), ended: make(chan error, 1)}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	id := handshake.Identity{Cluster: cluster, Role: Role, Node: "api-1", Boot: 99}
	cfg := register.Config{Registers: []string{s.reg.Addr()}, Secrets: []string{secret}, Identity: id, Log: slog.New(slog.DiscardHandler)}
	directory, err := register.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	registertest.Run(t, directory)
	c := Config{
		Identity: id, Secrets: []string{secret}, Clients: listener, Directory: directory, Files: t.TempDir(),
		Log: slog.New(slog.NewJSONHandler(s.log, nil)), Metrics: s.seen, Limits: l,
	}
	for _, change := range changes {
		change(&c)
	}
	if s.api, err = New(c); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{ExpectContinueTimeout: time.Minute}
	s.base = "http://" + listener.Addr().String()
	if c.ClientTLS != nil {
		s.base = "https://" + listener.Addr().String()
		transport.ForceAttemptHTTP2, transport.TLSClientConfig = true, trusting(c.ClientTLS.Certificates[0])
	}
	s.http = &http.Client{Transport: transport, Timeout: 30 * time.Second}
	var ctx context.Context
	ctx, s.stop = context.WithCancel(context.Background())
	go func() { s.ended <- s.api.Run(ctx, context.Background()) }()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		s.stop()
		if err := <-s.ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return s
}

// overTLS makes it speak https, and so HTTP/2.
func overTLS(c *Config) {
	made := httptest.NewUnstartedServer(nil)
	made.StartTLS()
	defer made.Close()
	c.ClientTLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: made.TLS.Certificates}
}

// trusting is for clients of who has this certificate.
func trusting(c tls.Certificate) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(c.Leaf)
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}
}

// balanced makes all who come from this host come from a balancer that it knows.
func balanced(c *Config) {
	c.Proxies = clientaddr.Proxies{netip.MustParsePrefix("127.0.0.0/8")}
}

// worker is a worker that says what the test wants.
type worker struct {
	chatv1.UnimplementedChatServiceServer
	chatv1.UnimplementedImageServiceServer
	stop func() // kills it

	send   func(context.Context, *chatv1.SendMessageRequest) (*chatv1.SendMessageResponse, error)
	signIn func(context.Context, *chatv1.SignInRequest) (*chatv1.SignInResponse, error)
	issue  func(context.Context, *chatv1.IssueTicketRequest) (*chatv1.IssueTicketResponse, error)
	find   func(context.Context, *chatv1.FindImageRequest) (*chatv1.FindImageResponse, error)

	uses     func(*chatv1.FindUsesRequest) (*chatv1.FindUsesResponse, error)
	recalled func(*chatv1.FindRecalledRequest) (*chatv1.FindRecalledResponse, error)
}

func (w *worker) FindUses(_ context.Context, r *chatv1.FindUsesRequest) (*chatv1.FindUsesResponse, error) {
	return w.uses(r)
}

func (w *worker) FindRecalled(_ context.Context, r *chatv1.FindRecalledRequest) (*chatv1.FindRecalledResponse, error) {
	return w.recalled(r)
}

func (w *worker) SendMessage(ctx context.Context, r *chatv1.SendMessageRequest) (*chatv1.SendMessageResponse, error) {
	return w.send(ctx, r)
}

func (w *worker) SignIn(ctx context.Context, r *chatv1.SignInRequest) (*chatv1.SignInResponse, error) {
	return w.signIn(ctx, r)
}

func (w *worker) IssueTicket(ctx context.Context, r *chatv1.IssueTicketRequest) (*chatv1.IssueTicketResponse, error) {
	return w.issue(ctx, r)
}

func (w *worker) FindImage(ctx context.Context, r *chatv1.FindImageRequest) (*chatv1.FindImageResponse, error) {
	return w.find(ctx, r)
}

// join has w serve as a worker until the test ends or it is killed.
func (s *stage) join(node string, w *worker) {
	s.t.Helper()
	id := handshake.Identity{Cluster: cluster, Role: workerRole, Node: node, Boot: handshake.NewBoot()}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	g := grpc.NewServer(grpc.Creds(handshake.Guard(id, func() []string { return []string{secret} }, nil)))
	chatv1.RegisterChatServiceServer(g, w)
	chatv1.RegisterImageServiceServer(g, w)
	done := make(chan struct{})
	go func() { defer close(done); _ = g.Serve(l) }()
	s.t.Cleanup(func() { g.Stop(); <-done })
	w.stop = g.Stop
	s.member(id, register.Member{Addr: l.Addr().String()})
	s.until(node+" is known", func() bool {
		for _, m := range s.api.serving.Members() {
			if m.ID == node {
				return true
			}
		}
		return false
	})
}

// member lists somebody in the register.
func (s *stage) member(id handshake.Identity, m register.Member) *register.Client {
	s.t.Helper()
	c, err := register.New(register.Config{Registers: []string{s.reg.Addr()}, Secrets: []string{secret}, Identity: id, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		s.t.Fatal(err)
	}
	registertest.Run(s.t, c)
	if err := c.Join(m); err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *stage) until(what string, is func() bool) {
	s.t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("waited for: %s; the log:\n%s", what, s.log)
		}
	}
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   string
}

// reason is that of an error.
func (r reply) reason() string {
	var e errorBody
	_ = json.Unmarshal([]byte(r.body), &e) // else it has none
	return fmt.Sprintf("%d %s", r.status, e.Error.Reason)
}

// do asks, with headers as pairs.
func (s *stage) do(method, path string, body io.Reader, headers ...string) reply {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	if h := req.Header.Get("Host"); h != "" {
		req.Host = h
	}
	res, err := s.http.Do(req)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return reply{res.StatusCode, res.Header, string(b)}
}

// call calls a method as liubei.
func (s *stage) call(method, params string) reply {
	s.t.Helper()
	return s.do(http.MethodPost, "/v1/"+method, strings.NewReader(params), "Content-Type", "application/json", "Authorization", "Bearer "+token)
}
