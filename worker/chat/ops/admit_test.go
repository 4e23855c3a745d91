package ops_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker/chat/ops"
)

const chatService = "/parley.chat.v1.ChatService/"

// called is an rpc without a conn: admitted, and then carried out with an empty request.
func (s *stage) called(method, token, client string) (any, error) {
	s.t.Helper()
	ctx, err := s.service.Admit(within(s.t), chatService+method, token, client)
	if err != nil {
		return nil, err
	}
	for _, m := range chatv1.ChatService_ServiceDesc.Methods {
		if m.MethodName == method {
			return m.Handler(s.service, ctx, func(any) error { return nil }, nil)
		}
	}
	s.t.Fatalf("there is no %s", method)
	return nil, nil
}

// TestEveryRpcHasItsAccessWithoutAConn names what needs no token and what needs a conn;
// everything else needs a token, and none of it a conn.
func TestEveryRpcHasItsAccessWithoutAConn(t *testing.T) {
	s := newStage(t)
	ann := s.user("ann")
	open := []string{"GetServer", "Refresh", "SignIn", "SignInGuest", "SignOut", "SignUp"}
	socket := []string{"CloseConversation", "OpenConversation", "OpenSession", "Renew"}
	var isOpen, isSocket []string
	for _, method := range slices.Sorted(maps.Keys(rpcs())) {
		method = strings.ToUpper(method[:1]) + method[1:]
		if _, err := s.service.Admit(t.Context(), chatService+method, "", ""); err == nil {
			isOpen = append(isOpen, method)
		} else if code(err) == "UNIMPLEMENTED" {
			isSocket = append(isSocket, method)
		} else if code(err) != "UNAUTHENTICATED" {
			t.Errorf("%s without a token: %v", method, err)
		}
		if _, err := s.called(method, ann.token, ""); (code(err) == "UNIMPLEMENTED") != slices.Contains(socket, method) {
			t.Errorf("%s without a conn: %v", method, err)
		} else if code(err) == "INTERNAL" {
			t.Errorf("%s with an empty request: %v", method, err)
		}
	}
	if !slices.Equal(isOpen, open) || !slices.Equal(isSocket, socket) {
		t.Errorf("open are %q and want a conn %q; want %q and %q", isOpen, isSocket, open, socket)
	}
	for _, method := range []string{"", "SendMessage", chatService, chatService + "Dance", "/other/SendMessage"} {
		if _, err := s.service.Admit(t.Context(), method, ann.token, ""); code(err) != "UNIMPLEMENTED" {
			t.Errorf("%q: %v", method, err)
		}
	}
}

// TestSocketRpcsWantAConnThemselves: also if a door forgets to ask.
func TestSocketRpcsWantAConnThemselves(t *testing.T) {
	s := newStage(t)
	ctx := ops.WithCaller(within(t), s.user("ann").who)
	for name, call := range map[string]func() error{
		"OpenSession":       func() error { _, err := s.service.OpenSession(ctx, nil); return err },
		"Renew":             func() error { _, err := s.service.Renew(ctx, nil); return err },
		"OpenConversation":  func() error { _, err := s.service.OpenConversation(ctx, nil); return err },
		"CloseConversation": func() error { _, err := s.service.CloseConversation(ctx, nil); return err },
	} {
		if err := call(); code(err) != "UNIMPLEMENTED" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTokenIsWhatItIsOverASocket(t *testing.T) {
	s, h := hooked(t)
	p := s.from("192.0.2.7:1")
	in := p.must("signUp", params{"name": "ann", "password": "12345678", "device": "d", "requestId": "r"})
	token, refresh := in.text("tokens", "access"), in.text("tokens", "refresh")
	ctx := within(t)
	who, err := s.service.Authenticate(ctx, token)
	if err != nil || string(who.User) != in.text("user", "id") || who.Family == "" {
		t.Fatalf("got %+v, %v", who, err)
	}
	for name, bad := range map[string]string{"none": "", "a refresh token": refresh, "a changed one": token[:len(token)-4] + "AAAA"} {
		if _, err := s.service.Authenticate(ctx, bad); code(err) != "UNAUTHENTICATED" {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.on(h.before, "revoked", func(context.Context) error { return fault.New(fault.Unavailable, "") })
	if _, err := s.service.Authenticate(ctx, token); !fault.Of(err).Code().Temporary() || fault.Of(err).RetryAfter() < time.Second {
		t.Errorf("with the store away: %v", err)
	}
	p.must("signOut", params{"refresh": refresh})
	if _, err := s.service.Authenticate(ctx, token); code(err) != "UNAUTHENTICATED" {
		t.Errorf("after signing out: %v", err)
	}
	other := p.must("signIn", params{"name": "ann", "password": "12345678", "device": "d"}).text("tokens", "access")
	s.pass(16 * time.Minute)
	if _, err := s.service.Authenticate(ctx, other); code(err) != "UNAUTHENTICATED" {
		t.Errorf("after its end: %v", err)
	}
}

// TestGuessesWithoutAConnCountForTheClient: with a port or without, and it is not the
// door that pays.
func TestGuessesWithoutAConnCountForTheClient(t *testing.T) {
	s := newStage(t)
	guess := func(i int, client string) error {
		ctx, err := s.service.Admit(within(t), chatService+"SignIn", "", client)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.service.SignIn(ctx, &chatv1.SignInRequest{Name: fmt.Sprintf("n %d", i), Password: string(make([]byte, 2000)), Device: "d"})
		return err
	}
	for i := range ops.AttemptsByAddress {
		if err := guess(i, []string{"192.0.2.7", "192.0.2.7:80", "::ffff:192.0.2.7"}[i%3]); code(err) != "UNAUTHENTICATED" {
			t.Fatalf("try %d: %v", i, err)
		}
	}
	if err := guess(0, "192.0.2.7:1"); code(err) != "RATE_LIMITED" {
		t.Errorf("one more: %v", err)
	}
	if err := guess(0, "192.0.2.8"); code(err) != "UNAUTHENTICATED" {
		t.Errorf("another client: %v", err)
	}
}
