package api

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/proto/fault/grpcfault"
)

func TestMethodIsCalledWithTheSameJSON(t *testing.T) {
	s := start(t, Limits{})
	w := &worker{send: func(ctx context.Context, r *chatv1.SendMessageRequest) (*chatv1.SendMessageResponse, error) {
		md, _ := metadata.FromIncomingContext(ctx)
		if got := md.Get("authorization"); len(got) != 1 || got[0] != "Bearer "+token {
			t.Errorf("authorization: %q", got)
		}
		if got := md.Get("x-parley-client"); len(got) != 1 || got[0] != "127.0.0.1" {
			t.Errorf("client: %q", got)
		}
		return &chatv1.SendMessageResponse{Message: &chatv1.Message{Conversation: r.GetConversation(), Seq: 44, Text: r.GetText()}, Duplicate: proto.Bool(false)}, nil
	}}
	s.join("w", w)
	got := s.call("sendMessage", `{"conversation":"c","requestId":"1","text":"<b>hi","later":1}`)
	want := `{"message":{"conversation":"c","seq":"44","text":"<b>hi"},"duplicate":false}`
	if got.status != http.StatusOK || got.body != want {
		t.Errorf("got %d %s", got.status, got.body)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json; charset=utf-8", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
	} {
		if got.header.Get(name) != value {
			t.Errorf("%s: %q", name, got.header.Get(name))
		}
	}
}

func TestOpenMethodTakesNoToken(t *testing.T) {
	s := start(t, Limits{})
	s.join("w", &worker{signIn: func(ctx context.Context, r *chatv1.SignInRequest) (*chatv1.SignInResponse, error) {
		if md, _ := metadata.FromIncomingContext(ctx); len(md.Get("authorization")) > 0 {
			t.Error("a token was passed on")
		}
		return &chatv1.SignInResponse{User: &chatv1.User{Name: r.GetName()}}, nil
	}})
	if got := s.call("signIn", `{"name":"liubei"}`); got.body != `{"user":{"name":"liubei"}}` {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func TestWhatIsNoCallIsRefused(t *testing.T) {
	s := start(t, Limits{})
	asked := false
	s.join("w", &worker{send: func(context.Context, *chatv1.SendMessageRequest) (*chatv1.SendMessageResponse, error) {
		asked = true
		return &chatv1.SendMessageResponse{}, nil
	}})
	const media, bear = "application/json", "Bearer x"
	for name, c := range map[string]struct{ method, path, body, media, auth, want string }{
		"unknown":         {"POST", "/v1/dropTables", "{}", media, bear, "404 UNIMPLEMENTED"},
		"over a socket":   {"POST", "/v1/openSession", "{}", media, bear, "404 UNIMPLEMENTED"},
		"for processes":   {"POST", "/v1/issueTicket", "{}", media, bear, "404 UNIMPLEMENTED"},
		"rpc's name":      {"POST", "/v1/SendMessage", "{}", media, bear, "404 UNIMPLEMENTED"},
		"deeper":          {"POST", "/v1/sendMessage/x", "{}", media, bear, "404 UNIMPLEMENTED"},
		"get":             {"GET", "/v1/sendMessage", "", media, bear, "405 UNIMPLEMENTED"},
		"a form":          {"POST", "/v1/sendMessage", "{}", "application/x-www-form-urlencoded", bear, "415 INVALID"},
		"a form's text":   {"POST", "/v1/sendMessage", "{}", "text/plain", bear, "415 INVALID"},
		"several parts":   {"POST", "/v1/sendMessage", "{}", "multipart/form-data; boundary=x", bear, "415 INVALID"},
		"no type":         {"POST", "/v1/sendMessage", "{}", "", bear, "415 INVALID"},
		"two types":       {"POST", "/v1/sendMessage", "{}", "text/plain, application/json", bear, "415 INVALID"},
		"another charset": {"POST", "/v1/sendMessage", "{}", "application/json; charset=utf-7", bear, "415 INVALID"},
		"no token":        {"POST", "/v1/sendMessage", "{}", media, "", "401 UNAUTHENTICATED"},
		"another scheme":  {"POST", "/v1/sendMessage", "{}", media, "Basic eDp5", "401 UNAUTHENTICATED"},
		"no header's":     {"POST", "/v1/sendMessage", "{}", media, "Bearer Ü", "401 UNAUTHENTICATED"},
		"two words":       {"POST", "/v1/sendMessage", "{}", media, "Bearer a b", "401 UNAUTHENTICATED"},
		"no JSON":         {"POST", "/v1/sendMessage", "{", media, bear, "400 MALFORMED"},
		"another form":    {"POST", "/v1/sendMessage", "[]", media, bear, "400 INVALID"},
		"too large":       {"POST", "/v1/sendMessage", `"` + strings.Repeat("x", maxParams) + `"`, media, bear, "413 TOO_LARGE"},
		"too deep":        {"POST", "/v1/sendMessage", strings.Repeat("[", 1000), media, bear, "400 MALFORMED"},
	} {
		got := s.do(c.method, c.path, strings.NewReader(c.body), "Content-Type", c.media, "Authorization", c.auth)
		if got.reason() != c.want {
			t.Errorf("%s: got %s %s, want %s", name, got.reason(), got.body, c.want)
		}
	}
	if asked {
		t.Error("a worker was asked")
	}
}

func TestFaultsOfWorkersArriveWhole(t *testing.T) {
	s := start(t, Limits{})
	var say atomic.Pointer[error]
	s.join("w", &worker{send: func(context.Context, *chatv1.SendMessageRequest) (*chatv1.SendMessageResponse, error) {
		return nil, grpcfault.ToError(*say.Load())
	}})
	for _, c := range []struct {
		err        error
		want, wait string
	}{
		{fault.New(fault.RateLimited, "too fast, <b>").After(1200 * time.Millisecond), `429 {"error":{"reason":"RATE_LIMITED","message":"too fast, \u003cb\u003e","temporary":true,"retryAfterMs":1200}}`, "2"},
		{fault.New(fault.NotFound, "no such conversation"), `404 {"error":{"reason":"NOT_FOUND","message":"no such conversation","temporary":false}}`, ""},
		{fault.New(fault.Unavailable, "").After(time.Second), `503 {"error":{"reason":"UNAVAILABLE","message":"unavailable, try again","temporary":true,"retryAfterMs":1000}}`, "1"},
		{errors.New("password sesame"), `500 {"error":{"reason":"INTERNAL","message":"internal error","temporary":false}}`, ""},
	} {
		say.Store(&c.err)
		got := s.call("sendMessage", "{}")
		if have := got.reason()[:3] + " " + got.body; have != c.want || got.header.Get("Retry-After") != c.wait {
			t.Errorf("got %s, Retry-After %q", have, got.header.Get("Retry-After"))
		}
	}
}

// TestWorkerThatDiesInTheMiddleIsMadeUpFor kills one while it is at a call.
func TestWorkerThatDiesInTheMiddleIsMadeUpFor(t *testing.T) {
	s := start(t, Limits{})
	var asked atomic.Int32
	dies := &worker{}
	dies.send = func(ctx context.Context, _ *chatv1.SendMessageRequest) (*chatv1.SendMessageResponse, error) {
		asked.Add(1)
		go dies.stop()
		<-ctx.Done()
		return nil, ctx.Err()
	}
	s.join("dies", dies)
	done := make(chan reply, 1)
	go func() { done <- s.call("sendMessage", "{}") }()
	s.until("it is asked", func() bool { return asked.Load() == 1 })
	s.join("lives", &worker{send: func(context.Context, *chatv1.SendMessageRequest) (*chatv1.SendMessageResponse, error) {
		return &chatv1.SendMessageResponse{Duplicate: proto.Bool(true)}, nil
	}})
	if got := <-done; got.status != http.StatusOK || got.body != `{"duplicate":true}` {
		t.Errorf("got %d %s", got.status, got.body)
	}
	if s.api.workers.Repeats() == 0 {
		t.Error("a repeat is not counted")
	}
}

func TestSignInIsNotDoneTwice(t *testing.T) {
	s := start(t, Limits{})
	var asked atomic.Int32
	lives := &worker{signIn: func(context.Context, *chatv1.SignInRequest) (*chatv1.SignInResponse, error) {
		asked.Add(1)
		return &chatv1.SignInResponse{}, nil
	}}
	dies := &worker{}
	dies.signIn = func(ctx context.Context, _ *chatv1.SignInRequest) (*chatv1.SignInResponse, error) {
		asked.Add(1)
		go dies.stop()
		<-ctx.Done()
		return nil, ctx.Err()
	}
	s.join("dies", dies)
	if got := s.call("signIn", "{}"); got.reason() != "503 UNAVAILABLE" {
		t.Errorf("got %s %s", got.reason(), got.body)
	}
	s.join("lives", lives)
	if got := s.call("signIn", "{}"); got.status != http.StatusOK {
		t.Errorf("the next one: %d %s", got.status, got.body)
	}
	if asked.Load() != 2 {
		t.Errorf("asked %d times", asked.Load())
	}
}

// TestCallWaitsForAWorker asks before there is one.
func TestCallWaitsForAWorker(t *testing.T) {
	s := start(t, Limits{})
	done := make(chan reply, 1)
	go func() { done <- s.call("signIn", "{}") }()
	s.until("it is under way", func() bool { return len(s.api.calls) == 1 })
	s.join("w", &worker{signIn: func(context.Context, *chatv1.SignInRequest) (*chatv1.SignInResponse, error) {
		return &chatv1.SignInResponse{}, nil
	}})
	if got := <-done; got.status != http.StatusOK {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func TestCallsThatAreTooManyAreRefused(t *testing.T) {
	s := start(t, Limits{MaxCalls: 1})
	hold, release := make(chan struct{}), make(chan struct{})
	s.join("w", &worker{send: func(context.Context, *chatv1.SendMessageRequest) (*chatv1.SendMessageResponse, error) {
		close(hold)
		<-release
		return &chatv1.SendMessageResponse{}, nil
	}})
	done := make(chan reply, 1)
	go func() { done <- s.call("sendMessage", "{}") }()
	<-hold
	if got := s.call("sendMessage", "{}"); got.reason() != "503 OVERLOADED" || got.header.Get("Retry-After") != "1" {
		t.Errorf("got %s", got.reason())
	}
	close(release)
	if got := <-done; got.status != http.StatusOK {
		t.Errorf("the first: %d %s", got.status, got.body)
	}
}

// TestSlowBodyIsCut has a client that says a byte a second, or none.
func TestSlowBodyIsCut(t *testing.T) {
	t.Parallel()
	s := start(t, Limits{})
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = io.WriteString(conn, "POST /v1/signIn HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_ = conn.SetReadDeadline(began.Add(25 * time.Second))
	b, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(b), "HTTP/1.1 408 ") || !strings.Contains(string(b), `"temporary":true`) {
		t.Errorf("got %q, %v", b, err)
	}
	if took := time.Since(began); took < paramsTime-time.Second {
		t.Errorf("cut after %v", took)
	}
}

// TestBodyThatNobodyReadsIsCut has clients that promise a body, which is not wanted, and
// say no more: each would keep its conn for ever.
func TestBodyThatNobodyReadsIsCut(t *testing.T) {
	t.Parallel()
	s := start(t, Limits{})
	for request, status := range map[string]string{
		"GET /healthz HTTP/1.1\r\nContent-Length: 100":                "200",
		"GET / HTTP/1.1\r\nTransfer-Encoding: chunked":                "",
		"OPTIONS /v1/signIn HTTP/1.1\r\nContent-Length: 100":          "204",
		"POST /v1/sendMessage HTTP/1.1\r\nContent-Length: 100":        "415",
		"POST /v1/nothing HTTP/1.1\r\nContent-Length: 100":            "404",
		"POST /v1/images/c HTTP/1.1\r\nContent-Length: 100":           "401",
		"POST /v1/images/c HTTP/1.1\r\nTransfer-Encoding: chunked":    "401",
		"GET /v1/images/c/1 HTTP/1.1\r\nContent-Length: 100":          "401",
		"GET /healthz HTTP/1.1\r\nExpect: no\r\nContent-Length: 1000": "417",
	} {
		t.Run(request, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, request+"\r\nHost: x\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			_ = conn.SetReadDeadline(time.Now().Add(25 * time.Second))
			b, err := io.ReadAll(conn)
			if err != nil || !strings.HasPrefix(string(b), "HTTP/1.1 "+status) {
				t.Errorf("got %.100q, %v", b, err)
			}
		})
	}
}
