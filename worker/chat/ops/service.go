package ops

import (
	"context"
	"errors"
	"log/slog"
	"time"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/chat/auth"
	"github.com/parley-im/parley/worker/chat/delivery"
)

// Courier is who tells those online what nobody keeps; *delivery.Courier is one.
type Courier interface {
	Typing(ctx context.Context, to chat.Outgoing, who chat.UserID, typing bool, origin connid.ID) error
	Receipt(ctx context.Context, to chat.Outgoing, who chat.UserID, read chat.Seq) error
	OwnReceipt(ctx context.Context, v chat.View, who chat.UserID, origin connid.ID) error
	ConversationChanged(ctx context.Context, to []chat.UserID, push *chatv1.ConversationChangedPush, origin connid.ID) error
	Renew(ctx context.Context, group string, push *chatv1.RenewPush, once string) error
}

// Sender is what ops needs of the SDK besides the conn that calls; *worker.Sender is
// one.
type Sender interface {
	JoinUser(ctx context.Context, user string, groups ...string) (worker.Affected, error)
	LeaveUser(ctx context.Context, user string, groups ...string) (worker.Affected, error)
	CloseGroup(ctx context.Context, group string, code fault.CloseCode, reason string, last ...worker.Frame) (worker.Affected, error)
	ConnContext(ctx context.Context, id connid.ID) (worker.ConnContext, error)
	GroupSize(ctx context.Context, group string) (size worker.GroupSize, lost []string, err error)
	GroupUsers(ctx context.Context, group string, limit int) (worker.Crowd, error)
}

// Presence knows who is online.
type Presence interface {
	// Look tells somebody what is known of users, without asking anybody.
	Look(by chat.UserID, users []chat.UserID) []*chatv1.Presence
	// Whole reports whether this process has heard of everybody: one that has just
	// started, or stood still, has not.
	Whole() bool
}

// Config is what a Service is made of. Log, Heartbeat and Now may be left out, and Presence:
// nobody is online then.
type Config struct {
	Store     chat.Store
	Passwords *auth.Passwords
	Tokens    *auth.Tokens
	Courier   Courier
	Sender    Sender
	Presence  Presence
	// Heartbeat is how often gateways ping: clients are told. 0: DefaultHeartbeat.
	Heartbeat time.Duration
	// Guests says that people may come in without a password.
	Guests bool
	// DemoAccounts are told to everybody, passwords and all.
	DemoAccounts []*chatv1.DemoAccount
	Now          func() time.Time // nil: time.Now; tests have another
	// RosterChanged hears of conversations whose members have changed, so that others can
	// forget them ([Service.Forget]); nil: nobody does.
	RosterChanged func(id chat.ConversationID)
	// Unjoined hears of conns that are in too many groups; nil: one of its own.
	Unjoined *delivery.Unjoined
	Log      *slog.Logger
}

// DefaultHeartbeat is the default of gateways.
const DefaultHeartbeat = 25 * time.Second

// Service serves the rpcs. Its methods may be called from any goroutine.
type Service struct {
	chatv1.UnimplementedChatServiceServer
	chatv1.UnimplementedImageServiceServer
	cfg       Config
	attempts  *attempts
	audiences *audiences
	passing   *passing
	amends    limiters[chat.UserID]
	crowds    *crowds
}

var _ chatv1.ChatServiceServer = (*Service)(nil)

// New starts nothing.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Passwords == nil || cfg.Tokens == nil || cfg.Courier == nil || cfg.Sender == nil {
		return nil, errors.New("ops: Store, Passwords, Tokens, Courier and Sender are needed")
	}
	if cfg.Heartbeat == 0 {
		cfg.Heartbeat = DefaultHeartbeat
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Unjoined == nil {
		cfg.Unjoined = delivery.NewUnjoined(cfg.Log)
	}
	return &Service{cfg: cfg, attempts: newAttempts(cfg.Now), audiences: newAudiences(cfg.Store, cfg.Now), passing: newPassing(cfg.Now), amends: newLimiters[chat.UserID](cfg.Now, amendersKnown), crowds: newCrowds(cfg.Sender, cfg.Now)}, nil
}

// Run asks conns whose tokens end for new ones until ctx ends.
func (s *Service) Run(ctx context.Context) error { return s.renewals(ctx) }

// tell logs what a courier could not send: whoever misses it asks later.
func (s *Service) tell(what string, err error) {
	if err != nil {
		s.cfg.Log.Debug("not everybody was told", "push", what, "err", err)
	}
}

// Forget drops what is remembered of a conversation, "": of all. Another worker has
// changed who is in it.
func (s *Service) Forget(id chat.ConversationID) { s.audiences.forget(id) }

// rosterChanged drops it here and everywhere else.
func (s *Service) rosterChanged(id chat.ConversationID) {
	s.Forget(id)
	if s.cfg.RosterChanged != nil {
		s.cfg.RosterChanged(id)
	}
}
