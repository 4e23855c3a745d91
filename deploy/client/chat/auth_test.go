package chatclient

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
)

// ctx is shorter in signatures of fakes.
type ctx = context.Context

func tokens(name string) *chatv1.Tokens {
	return &chatv1.Tokens{Access: "access " + name, AccessExpiresAt: timestamppb.New(time.Now().Add(time.Hour)), Refresh: "refresh " + name}
}

// opens answers the next openSession, which must come with a token.
func (p *peer) opens(token string) {
	p.s.t.Helper()
	a, req := p.next("openSession"), &chatv1.OpenSessionRequest{}
	if a.read(p.s.t, req); req.GetToken() != token {
		p.s.t.Errorf("comes with token %q, want %q", req.GetToken(), token)
	}
	p.answer(a, session())
}

func (p *peer) refreshed(refresh string) (*asked, string) {
	p.s.t.Helper()
	a, req := p.next("refresh"), &chatv1.RefreshRequest{}
	if a.read(p.s.t, req); req.GetRefresh() != refresh {
		p.s.t.Errorf("refreshes %q, want %q", req.GetRefresh(), refresh)
	}
	return a, req.GetRequestId()
}

func TestNameAndPasswordBecomeASession(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		cfg := s.config()
		cfg.Tokens, cfg.Name, cfg.Password = nil, "liubei", "oath in the garden"
		c := s.run(cfg)
		p := s.arrive()
		p.fail(p.next("signIn"), fault.Overloaded, 0)
		p.answer(p.next("signIn"), &chatv1.SignInResponse{Tokens: tokens("1")})
		p.opens("access 1")
		p.cut()
		p = s.arrive()
		p.opens("access 1") // it is good yet
		if got := c.Tokens().GetRefresh(); got != "refresh 1" {
			t.Errorf("refresh token: got %q", got)
		}
	})
}

func TestAccountIsMadeOnceOrFound(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		cfg := s.config()
		cfg.Tokens, cfg.Name, cfg.Password, cfg.SignUp = nil, "liubei", "oath in the garden", true
		s.run(cfg)
		p := s.arrive()
		a, req := p.next("signUp"), &chatv1.SignUpRequest{}
		a.read(t, req)
		id := req.GetRequestId()
		p.cut() // the answer is lost
		p = s.arrive()
		a = p.next("signUp")
		if a.read(t, req); req.GetRequestId() != id || id == "" {
			t.Errorf("asks again under %q, before %q", req.GetRequestId(), id)
		}
		p.fail(a, fault.Conflict, 0)
		p.answer(p.next("signIn"), &chatv1.SignInResponse{Tokens: tokens("1")})
		p.opens("access 1")
	})
}

func TestRefusedTokenIsRefreshedUnderOneRequestID(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		cfg := s.config()
		cfg.Tokens = tokens("1")
		s.run(cfg)
		p := s.arrive()
		p.fail(p.next("openSession"), fault.Unauthenticated, 0)
		_, id := p.refreshed("refresh 1")
		p.cut() // the answer is lost: the same id again is no reuse
		p = s.arrive()
		a, again := p.refreshed("refresh 1")
		if again != id || id == "" {
			t.Errorf("refreshes under %q, before %q", again, id)
		}
		p.answer(a, &chatv1.RefreshResponse{Tokens: tokens("2")})
		p.opens("access 2")

		p.close(4004, "")
		p = s.arrive()
		a, third := p.refreshed("refresh 2")
		if third == id {
			t.Error("another refresh under the same request id")
		}
		p.answer(a, &chatv1.RefreshResponse{Tokens: tokens("3")})
		p.opens("access 3")
	})
}

func TestRefreshTokenThatIsOverLeavesThePassword(t *testing.T) {
	for _, password := range []bool{true, false} {
		bubble(t, func(t *testing.T, s *stage) {
			cfg := s.config()
			cfg.Tokens = tokens("1")
			if password {
				cfg.Name, cfg.Password = "liubei", "oath in the garden"
			}
			c := s.run(cfg)
			p := s.arrive()
			p.fail(p.next("openSession"), fault.Unauthenticated, 0)
			a, _ := p.refreshed("refresh 1")
			p.fail(a, fault.Unauthenticated, 0)
			if password {
				p.answer(p.next("signIn"), &chatv1.SignInResponse{Tokens: tokens("2")})
				p.opens("access 2")
				return
			}
			<-c.ended
			var ended *EndedError
			if !errors.As(c.err, &ended) || !errors.Is(c.err, fault.Unauthenticated) {
				t.Errorf("ended with %v, want that it is not signed in", c.err)
			}
		})
	}
}

func TestTokensThatAreRefusedForEverEndTheClient(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		s.handle("refresh", func(p *peer, a *asked) { p.answer(a, &chatv1.RefreshResponse{Tokens: tokens("2")}) })
		s.handle("openSession", func(p *peer, a *asked) { p.fail(a, fault.Unauthenticated, 0) })
		cfg := s.config()
		cfg.Tokens = tokens("1")
		c := s.run(cfg)
		<-c.ended
		if !errors.Is(c.err, fault.Unauthenticated) {
			t.Errorf("ended with %v, want that it is not signed in", c.err)
		}
	})
}

func TestLivingConnIsGivenAnotherTokenWhenAsked(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		cfg := s.config()
		cfg.Tokens = tokens("1")
		c := s.run(cfg)
		p := s.arrive()
		p.opens("access 1")
		p.push("renew", &chatv1.RenewPush{})
		a, _ := p.refreshed("refresh 1")
		p.answer(a, &chatv1.RefreshResponse{Tokens: tokens("2")})
		a, req := p.next("renew"), &chatv1.RenewRequest{}
		if a.read(t, req); req.GetToken() != "access 2" {
			t.Errorf("renews with %q", req.GetToken())
		}
		p.answer(a, &chatv1.RenewResponse{TokenExpiresAt: timestamppb.New(time.Now().Add(time.Hour))})
		p.none(40 * time.Second)
		if n := c.Counters(); n.Renewals != 1 || n.Dials != 1 {
			t.Errorf("counted %+v, want one renewal and one conn", n)
		}
	})
}

func TestLivingConnIsGivenAnotherTokenBeforeItsOwnEnds(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		fetched := 0
		cfg := s.config()
		cfg.Tokens = nil
		cfg.Token = func(_ ctx, stale string) (string, error) {
			switch fetched++; {
			case fetched == 1 && stale == "":
				return "first", nil
			case fetched == 2 && stale == "first":
				return "", errors.New("away for a moment")
			}
			return "second", nil
		}
		c := s.run(cfg)
		p := s.arrive()
		res := session()
		res.TokenExpiresAt = timestamppb.New(time.Now().Add(10 * time.Minute))
		began := time.Now()
		p.answer(p.next("openSession"), res)
		s.all.Go(func() {
			for p.frame(9, nil) == nil {
				time.Sleep(25 * time.Second)
			}
		})
		p.next("renew")
		if at := time.Since(began); at < 9*time.Minute || at > 9*time.Minute+time.Second {
			t.Errorf("renews after %v, want a minute before the end", at)
		}
		c.Cut()
	})
}

func TestCallThatIsRefusedForTheTokenRenewsIt(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		cfg := s.config()
		cfg.Tokens = tokens("1")
		c := s.run(cfg)
		p := s.arrive()
		p.opens("access 1")
		x := mustSend(t, c, "g", "hello")
		a, _ := p.sent()
		p.fail(a, fault.Unauthenticated, 0)
		s.handle("sendMessage", func(p *peer, a *asked) {
			req := &chatv1.SendMessageRequest{}
			a.read(t, req)
			p.answer(a, stored(req, 1, false))
		})
		s.handle("getConversation", func(p *peer, a *asked) {
			p.answer(a, &chatv1.GetConversationResponse{Conversation: &chatv1.Conversation{Id: "g", Type: 2, Head: head("g", 0)}})
		})
		a, _ = p.refreshed("refresh 1")
		p.answer(a, &chatv1.RefreshResponse{Tokens: tokens("2")})
		p.answer(p.next("renew"), &chatv1.RenewResponse{})
		if _, err := x.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		wantSeqs(t, c, "g", 1)
	})
}

func TestAccountCanBeMadeWithoutAClient(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		s.handle("signUp", func(p *peer, a *asked) {
			req := &chatv1.SignUpRequest{}
			if a.read(t, req); req.GetName() == "taken" {
				p.fail(a, fault.Conflict, 0)
				return
			}
			if req.GetRequestId() == "" {
				t.Error("no request id")
			}
			p.answer(a, &chatv1.SignUpResponse{User: &chatv1.User{Id: "u1"}, Tokens: tokens("1")})
		})
		s.handle("signIn", func(p *peer, a *asked) { p.cut() })
		res, err := SignUp(t.Context(), s.config(), &chatv1.SignUpRequest{Name: "liubei", Password: "oath in the garden", Device: "d"})
		if err != nil || res.GetUser().GetId() != "u1" || res.GetTokens().GetRefresh() != "refresh 1" {
			t.Errorf("got %v, %v", res, err)
		}
		if _, err := SignUp(t.Context(), s.config(), &chatv1.SignUpRequest{Name: "taken"}); !errors.Is(err, fault.Conflict) {
			t.Errorf("got %v, want a conflict", err)
		}
		if _, err := SignIn(t.Context(), s.config(), &chatv1.SignInRequest{Name: "liubei"}); err == nil {
			t.Error("a conn that was lost is an answer")
		}
		synctest.Wait()
	})
}

func TestConfigThatIsWrongSaysEverything(t *testing.T) {
	_, err := New(Config{Gateways: []string{"http://x", "ws://"}})
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{`"http://x"`, `"ws://"`, "device", "token"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %s", err, want)
		}
	}
}
