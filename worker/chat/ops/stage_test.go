package ops_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/auth"
	"github.com/parley-im/parley/worker/chat/delivery"
	"github.com/parley-im/parley/worker/chat/ops"
	"github.com/parley-im/parley/worker/chat/store/storetest"
	"github.com/parley-im/parley/worker/workertest"
)

// stage is the chat's worker behind a gateway in memory, with a real store. What commits
// leave to be done is nobody's here: pushes are those of package ops alone.
type stage struct {
	*workertest.Harness
	t       testing.TB
	store   chat.Store
	tokens  *auth.Tokens
	service *ops.Service
	began   time.Time
	ahead   atomic.Int64 // of the clock, which stands still by itself
}

// late is a handler that is made after the worker it belongs to.
type late struct{ worker.Handler }

// newStage opens one; change may put something between the service and its store.
func newStage(t testing.TB, change ...func(*ops.Config)) *stage {
	t.Helper()
	return onStore(t, storetest.SQLite(t).Open(t), change...)
}

// onStore is newStage with a store of the test's own.
func onStore(t testing.TB, st chat.Store, change ...func(*ops.Config)) *stage {
	t.Helper()
	return atGateways(t, st, nil, change...)
}

// atGateways is onStore with gateways of the test's own.
func atGateways(t testing.TB, st chat.Store, opts []workertest.Option, change ...func(*ops.Config)) *stage {
	t.Helper()
	s := &stage{t: t, began: time.Now(), store: st}
	s.tokens = s.newTokens("this key signs the tokens of a test")
	handler := new(late)
	s.Harness = workertest.New(t, handler, append(opts, workertest.WithGateways(2))...)
	sender := s.Sender()
	cfg := ops.Config{
		Store: s.store, Passwords: auth.NewPasswords(1, 0), Tokens: s.tokens,
		Courier: delivery.NewCourier(sender), Sender: sender, Now: s.now, Log: slog.New(slog.DiscardHandler),
	}
	for _, c := range change {
		c(&cfg)
	}
	service, err := ops.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.service, handler.Handler = service, service.Handler()
	return s
}

func (s *stage) now() time.Time { return s.began.Add(time.Duration(s.ahead.Load())) }

// pass lets time go by for tokens and sessions.
func (s *stage) pass(d time.Duration) { s.ahead.Add(int64(d)) }

// newTokens makes tokens with another key, of realms "" and "blue".
func (s *stage) newTokens(key string) *auth.Tokens {
	s.t.Helper()
	k, err := auth.NewTokens(auth.Config{
		Issuer: "test", Keys: [][]byte{[]byte(key)}, Realms: []chat.Realm{"", "blue"}, Now: s.now,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return k
}

// person is a user with a token, and perhaps a conn.
type person struct {
	*workertest.Conn
	s           *stage
	who         chat.Caller
	name, token string
	calls       int
}

// user makes an account without the price of a password.
func (s *stage) user(name string) *person {
	s.t.Helper()
	return s.userIn("", name)
}

func (s *stage) userIn(r chat.Realm, name string) *person {
	s.t.Helper()
	a, _, err := s.store.AddUser(s.t.Context(), chat.NewUser{User: chat.User{Realm: r, Name: name}, PasswordHash: "none", Request: "r"})
	if err != nil {
		s.t.Fatal(err)
	}
	p := &person{s: s, name: name, who: chat.Caller{Realm: r, User: a.ID, Family: "f"}}
	p.token, _, err = s.tokens.Access(p.who)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// online makes an account whose one conn has a session.
func (s *stage) online(name string) *person {
	s.t.Helper()
	p := s.user(name)
	p.dial()
	return p
}

// from is somebody without a session at an address.
func (s *stage) from(addr string) *person {
	s.t.Helper()
	return &person{s: s, Conn: s.Dial("/", workertest.RemoteAddr(addr))}
}

// dial opens a conn and a session on it.
func (p *person) dial() reply {
	p.s.t.Helper()
	p.Conn = p.s.Dial("/")
	return p.must("openSession", p.opening())
}

// another is the same person with another conn.
func (p *person) another() *person {
	p.s.t.Helper()
	q := *p
	q.dial()
	return &q
}

func (p *person) opening() params { return params{"token": p.token, "device": p.name + "-1"} }

type params map[string]any

// reply is the answer to a call.
type reply struct {
	ID     json.RawMessage
	Result map[string]any
	Error  *struct {
		Code    int
		Message string
		Data    struct {
			Reason       string
			Temporary    bool
			RetryAfterMs int64
		}
	}
	raw string
}

func (r reply) reason() string {
	if r.Error == nil {
		return ""
	}
	return r.Error.Data.Reason
}

// at walks into the result: at("conversation", "id").
func (r reply) at(path ...string) any {
	var v any = r.Result
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

func (r reply) text(path ...string) string {
	v, _ := r.at(path...).(string)
	return v
}

// frame writes a call.
func (p *person) frame(method string, args params) string {
	p.calls++
	b, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": p.calls, "method": method, "params": args})
	if err != nil {
		p.s.t.Fatal(err)
	}
	return string(b)
}

// call asks and waits for the answer; pushes that come before are thrown away.
func (p *person) call(method string, args params) reply {
	p.s.t.Helper()
	p.SendText(p.frame(method, args))
	return p.answer()
}

func (p *person) answer() reply {
	p.s.t.Helper()
	for {
		var r reply
		f := p.Next()
		if err := json.Unmarshal(f.Payload, &r); err != nil {
			p.s.t.Fatalf("%v in %s", err, f.Payload)
		}
		if len(r.ID) > 0 {
			r.raw = string(f.Payload)
			return r
		}
	}
}

// must is call for what has to go well.
func (p *person) must(method string, args params) reply {
	p.s.t.Helper()
	r := p.call(method, args)
	if r.Error != nil {
		p.s.t.Fatalf("%s: %s", method, r.raw)
	}
	return r
}

// refused is call for what has to fail.
func (p *person) refused(reason, method string, args params) reply {
	p.s.t.Helper()
	r := p.call(method, args)
	if r.reason() != reason {
		p.s.t.Errorf("%s %v: got %s, want %s", method, args, r.raw, reason)
	}
	return r
}

// heard returns what has come unasked so far: all that handlers have sent is waited for.
func (p *person) heard() (pushes []string) {
	p.s.t.Helper()
	p.s.Settle()
	p.s.Flush()
	p.SendText(`{"jsonrpc":"2.0","id":"mark","method":"no such"}`)
	for {
		f := string(p.Next().Payload)
		if strings.Contains(f, `"id":"mark"`) {
			return pushes
		}
		pushes = append(pushes, f)
	}
}

// direct opens the conversation of two and returns its id.
func (p *person) direct(q *person) string {
	p.s.t.Helper()
	return p.must("createDirect", params{"user": q.who.User}).text("conversation", "id")
}

var requests atomic.Int64

// request is an id that was not used before.
func request() string { return fmt.Sprintf("r-%d", requests.Add(1)) }

// within is a context for what a test does past the socket.
func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// wide makes a group chat of owner, the others and so many more that it is sent to by its
// hub group.
func (s *stage) wide(owner *person, others ...*person) chat.ConversationID {
	s.t.Helper()
	ctx := within(s.t)
	var users []chat.UserID
	for _, p := range others {
		users = append(users, p.who.User)
	}
	for i := len(users); i <= chat.WideAbove; i++ {
		users = append(users, s.user(fmt.Sprintf("one of many %d", i)).who.User)
	}
	made, err := s.store.AddConversation(ctx, owner.who, chat.NewConversation{
		Type: chat.Group, Name: "many", Users: users, Request: chat.RequestID(request()),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if made.Width == chat.Narrow {
		s.t.Fatalf("%d are in it, and it is narrow", made.Members)
	}
	return made.ID
}

// code is the reason of an error, "" of none.
func code(err error) string {
	if err == nil {
		return ""
	}
	return fault.CodeOf(err).String()
}
