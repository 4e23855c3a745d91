package door

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/proto/fault/grpcfault"
	"github.com/parley-im/parley/register/handshake"
)

// service is a chat that does what a test wants.
type service struct {
	chatv1.UnimplementedChatServiceServer
	chatv1.UnimplementedImageServiceServer
	send func(context.Context, *chatv1.SendMessageRequest) (*chatv1.SendMessageResponse, error)

	mu       sync.Mutex // guards what follows
	admitted []string   // method, token and client of each call
}

type who struct{}

func (s *service) Admit(ctx context.Context, method, token, client string) (context.Context, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.admitted = append(s.admitted, strings.Join([]string{method, token, client}, " "))
	if token != "good" {
		return nil, fault.New(fault.Unauthenticated, "who are you")
	}
	return context.WithValue(ctx, who{}, token), nil
}

func (s *service) SendMessage(ctx context.Context, req *chatv1.SendMessageRequest) (*chatv1.SendMessageResponse, error) {
	return s.send(ctx, req)
}

// stage is a door that is open, and a caller in front of it.
type stage struct {
	service *service
	client  chatv1.ChatServiceClient
	addr    string
	log     *bytes.Buffer // to be read once stop has returned
	stop    func() error  // begins the end and waits for it
	hurry   func()
}

func open(t *testing.T, timeout time.Duration) *stage {
	t.Helper()
	s := &stage{service: new(service), log: new(bytes.Buffer)}
	secrets := func() []string { return []string{"shared secret"} }
	d, err := New(Config{
		Service: s.service, Identity: handshake.Identity{Cluster: "c", Role: "worker", Node: "w", Boot: 7}, Secrets: secrets,
		Timeout: timeout, Log: slog.New(slog.NewTextHandler(s.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	patience, hurry := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx, patience, l) }()
	var once sync.Once
	var result error
	s.hurry = hurry
	s.stop = func() error {
		once.Do(func() { end(); result = <-ended })
		return result
	}
	gate := handshake.Guard(handshake.Identity{Cluster: "c", Role: "api", Node: "a", Boot: 1}, secrets, nil)
	gate.Role = "worker"
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(gate))
	if err != nil {
		t.Fatal(err)
	}
	s.client, s.addr = chatv1.NewChatServiceClient(conn), l.Addr().String()
	t.Cleanup(func() {
		conn.Close()
		hurry()
		if err := s.stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return s
}

func (s *stage) call(ctx context.Context, token string) error {
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token, "x-parley-client", "192.0.2.7")
	_, err := s.client.SendMessage(ctx, &chatv1.SendMessageRequest{Text: "a secret text"})
	return grpcfault.FromError(err)
}

func TestACallIsAdmittedByItsTokenAndCarriedOut(t *testing.T) {
	s := open(t, 0)
	s.service.send = func(ctx context.Context, _ *chatv1.SendMessageRequest) (*chatv1.SendMessageResponse, error) {
		if ctx.Value(who{}) != "good" {
			t.Error("carried out in another context")
		}
		return &chatv1.SendMessageResponse{}, nil
	}
	if err := s.call(t.Context(), "good"); err != nil {
		t.Fatal(err)
	}
	if want := "/parley.chat.v1.ChatService/SendMessage good 192.0.2.7"; s.service.admitted[0] != want {
		t.Errorf("admitted %q, want %q", s.service.admitted[0], want)
	}
	if err := s.call(t.Context(), "bad"); fault.CodeOf(err) != fault.Unauthenticated || fault.Of(err).Message() != "who are you" {
		t.Errorf("with a bad token: %v", err)
	}
}

func TestErrorsTellTheirCodeAndNothingElse(t *testing.T) {
	s := open(t, 0)
	for name, c := range map[string]struct {
		do   func() error
		code fault.Code
	}{
		"coded":   {func() error { return fault.New(fault.RateLimited, "slow down").After(3 * time.Second) }, fault.RateLimited},
		"uncoded": {func() error { return errors.New("disk full at the left") }, fault.Internal},
		"panic":   {func() error { panic("at the left") }, fault.Internal},
	} {
		s.service.send = func(context.Context, *chatv1.SendMessageRequest) (*chatv1.SendMessageResponse, error) {
			return nil, c.do()
		}
		err := s.call(t.Context(), "good")
		if fault.CodeOf(err) != c.code || strings.Contains(fault.Of(err).Message(), "left") {
			t.Errorf("%s: %v", name, err)
		}
		if name == "coded" && fault.Of(err).RetryAfter() != 3*time.Second {
			t.Errorf("retry after %v", fault.Of(err).RetryAfter())
		}
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	log := s.log.String()
	if !strings.Contains(log, "disk full at the left") || !strings.Contains(log, "panic: at the left") {
		t.Errorf("the log does not have the causes:\n%s", log)
	}
	if strings.Contains(log, "a secret text") || strings.Contains(log, "Bearer") {
		t.Errorf("the log has what it must not:\n%s", log)
	}
}

func TestACallHasAnEnd(t *testing.T) {
	s := open(t, 50*time.Millisecond)
	s.service.send = func(ctx context.Context, _ *chatv1.SendMessageRequest) (*chatv1.SendMessageResponse, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if err := s.call(t.Context(), "good"); fault.CodeOf(err) != fault.DeadlineExceeded {
		t.Errorf("got %v", err)
	}
}

func TestCallsUnderWayAreFinishedBeforeTheEnd(t *testing.T) {
	s := open(t, 0)
	inside, goOn := make(chan struct{}), make(chan struct{})
	s.service.send = func(context.Context, *chatv1.SendMessageRequest) (*chatv1.SendMessageResponse, error) {
		close(inside)
		<-goOn
		return &chatv1.SendMessageResponse{}, nil
	}
	answered, ended := make(chan error, 1), make(chan error, 1)
	go func() { answered <- s.call(context.Background(), "good") }()
	<-inside
	go func() { ended <- s.stop() }()
	select {
	case err := <-ended:
		t.Fatalf("ended with %v beside a call", err)
	case <-time.After(50 * time.Millisecond): // not a wait for something: it is to last
	}
	close(goOn)
	if err := <-answered; err != nil {
		t.Errorf("the call: %v", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the end: %v", err)
	}
}

func TestThoseWhoFindNoRoomAreLoggedNowAndThen(t *testing.T) {
	s := open(t, 0)
	const over = 16
	closed := make(chan struct{}, maxStrangersHost+over)
	for range maxStrangersHost + over { // they say nothing
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		go func() {
			_, _ = io.Copy(io.Discard, conn)
			closed <- struct{}{}
		}()
	}
	for range over {
		<-closed
	}
	if err := s.stop(); err != nil {
		t.Errorf("the end: %v", err)
	}
	// A second or a few, on a busy machine; each has a line.
	if n := strings.Count(s.log.String(), "too many connections"); n < 1 || n > over/2 {
		t.Errorf("%d of %d were logged:\n%s", n, over, s.log)
	}
}

func TestTheEndDoesNotWaitForEver(t *testing.T) {
	s := open(t, 0)
	inside := make(chan struct{})
	s.service.send = func(ctx context.Context, _ *chatv1.SendMessageRequest) (*chatv1.SendMessageResponse, error) {
		close(inside)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	answered := make(chan error, 1)
	go func() { answered <- s.call(context.Background(), "good") }()
	<-inside
	s.hurry()
	if err := s.stop(); err != nil {
		t.Errorf("the end: %v", err)
	}
	if err := <-answered; err == nil {
		t.Error("the call went well")
	}
}
