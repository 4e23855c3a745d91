package chatclient

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"

	"github.com/parley-im/parley/deploy/client"
)

// Config is what a client is made of. Gateways, Device, and one way to a token are
// needed; the rest may be zero.
type Config struct {
	// Gateways are WebSocket URLs. The client begins at one of them by chance, and when
	// one fails, or wants it elsewhere, goes to another, by chance as well.
	Gateways []string
	// Find is asked for the gateways before each such change, and the first that it names
	// and the client does not come from is taken: client.Find asks api. nil, or an error:
	// Gateways.
	Find    func(ctx context.Context) ([]string, error)
	Device  string         // the same after a restart
	Program *chatv1.Client // what the operator sees; nil: this package
	Socket  client.Options // how to dial; Subprotocols and WriteTimeout are ours

	// A way to a token: a function of one's own, or name and password, or the tokens of
	// an earlier sign-in, which are refreshed by the client and then belong to it alone.
	// Name and password besides Tokens are used when the refresh token is over.
	Token    func(ctx context.Context, stale string) (access string, err error)
	Tokens   *chatv1.Tokens
	Realm    string
	Name     string
	Password string
	SignUp   bool // make the account if the name is free

	// Backlog is how many messages of a conversation that is new to the client are
	// fetched, the newest; 0: all there are; negative: none.
	Backlog int
	Outbox  int // sends that wait for an answer; 0: 1024
	Keep    Keep
	Times   Times
	Start   time.Time // where the times of the log begin; zero: New

	// NoDedupe shows a message again that is pushed again: sabotage, for those who prove
	// that they would see it.
	NoDedupe bool

	Hooks Hooks
	Log   *slog.Logger // nil: the default one
}

// Hooks tell what happens. They are called under the client's lock, in the order of
// events: they must not block, nor call the client. Any may be nil.
type Hooks struct {
	Live  func(live bool)                    // a session is open, or no more
	Shown func(conversation string, s Shown) // a message came on a screen
	Sent  func(s Sent)                       // a send was answered for good
	Push  func(method string, params []byte) // every push as it came; params are the client's
	Fault func(v Violation)                  // the server broke a promise
	Ended func(conn ConnRecord)              // a conn ended
}

// Times are how long things take. Zero fields have the defaults of their comments.
type Times struct {
	Dial      time.Duration // for a socket and its handshake: 10 s
	Open      time.Duration // for the answer to openSession: 15 s
	Call      time.Duration // for the answer to any other call: 10 s
	Send      time.Duration // for the first answer to a send: 5 s, doubled for each further one
	SendMost  time.Duration // to this: 40 s
	Write     time.Duration // for the socket to take a frame: 5 s
	Hold      time.Duration // what is ahead is held, jittered by a quarter: 300 ms
	Again     time.Duration // first pause before a new conn, at most; doubled for each further one: 500 ms
	AgainMost time.Duration // to this: 30 s
	Stable    time.Duration // a session that lasts so long makes the next pause a first one: 10 s
	Retry     time.Duration // first pause after a temporary error, at most; doubled for each further one: 400 ms
	RetryMost time.Duration // to this: 5 s
	Silence   time.Duration // until the server has said how often it says something: 60 s
}

func (t *Times) setDefaults() {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&t.Dial, 10 * time.Second},
		{&t.Open, 15 * time.Second},
		{&t.Call, 10 * time.Second},
		{&t.Send, 5 * time.Second},
		{&t.SendMost, 40 * time.Second},
		{&t.Write, 5 * time.Second},
		{&t.Hold, 300 * time.Millisecond},
		{&t.Again, 500 * time.Millisecond},
		{&t.AgainMost, 30 * time.Second},
		{&t.Stable, 10 * time.Second},
		{&t.Retry, 400 * time.Millisecond},
		{&t.RetryMost, 5 * time.Second},
		{&t.Silence, time.Minute},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
}

// Validate reports everything that is wrong at once.
func (c *Config) Validate() error {
	var errs []error
	if len(c.Gateways) == 0 {
		errs = append(errs, errors.New("no gateways"))
	}
	for _, g := range c.Gateways {
		if u, err := url.Parse(g); err != nil || u.Scheme != "ws" && u.Scheme != "wss" || u.Host == "" {
			errs = append(errs, fmt.Errorf("gateway %q is no ws or wss URL", g))
		}
	}
	if c.Device == "" {
		errs = append(errs, errors.New("no device"))
	}
	if c.Token == nil && c.Tokens.GetAccess() == "" && c.Tokens.GetRefresh() == "" && c.Name == "" {
		errs = append(errs, errors.New("no way to a token: Token, Tokens or Name"))
	}
	return errors.Join(errs...)
}

// defaultOutbox is how many sends wait for an answer.
const defaultOutbox = 1024

func (c *Config) setDefaults() {
	c.Times.setDefaults()
	if c.Outbox <= 0 {
		c.Outbox = defaultOutbox
	}
	if c.Program == nil {
		c.Program = &chatv1.Client{Name: "parley-go", Version: "1"}
	}
	if c.Start.IsZero() {
		c.Start = time.Now()
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	c.Keep.setDefaults()
	c.Socket.Subprotocols = []string{subprotocol}
	c.Socket.WriteTimeout = c.Times.Write
}

// subprotocol is what the client speaks.
const subprotocol = "parley.v1.json"
