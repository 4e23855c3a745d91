package bots

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	chatclient "github.com/parley-im/parley/deploy/client/chat"
	"github.com/parley-im/parley/deploy/demo"
	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/worker/chat"
)

// bot is one account that answers.
type bot struct {
	account demo.Account
	client  *chatclient.Client
	log     *slog.Logger
	think   time.Duration
	heard   chan heard // what came on the screen; when it is full, more is not heard
	done    atomic.Bool
	pace    *rate.Limiter // of all answers

	answering sync.WaitGroup

	mu    sync.Mutex      // guards what follows
	users map[string]bool // ids of bots, this one included
	talks map[string]*talk
}

// heard is a message that came on the screen.
type heard struct {
	conversation string
	message      chatclient.Message
}

// talk is what a bot remembers of a conversation.
type talk struct {
	handled  int64               // up to here nothing is to be answered any more
	waiting  *chatclient.Message // to be answered; the newest
	busy     bool                // an answer is on its way
	pace     *rate.Limiter
	language language // of the last question
}

// The bounds. A person does not reach them; of two programs that answer each other it is
// how fast they do.
const (
	ears        = 256 // messages that wait to be looked at
	maxTalks    = 4096
	answersOnce = 20
	answerEvery = 5 * time.Second        // in one conversation, after answersOnce
	allEvery    = 200 * time.Millisecond // in all of them
	backlog     = 50                     // messages of a conversation that a bot that was away looks at
)

func newBot(c Config, a demo.Account) (*bot, error) {
	b := &bot{
		account: a, log: c.Log.With("bot", a.Name), think: c.think, heard: make(chan heard, ears),
		pace: rate.NewLimiter(rate.Every(allEvery), answersOnce), users: map[string]bool{}, talks: map[string]*talk{},
	}
	var err error
	b.client, err = chatclient.New(chatclient.Config{
		Gateways: c.Gateways, Device: "demo-bot", Name: a.Name, Password: demo.Password, Backlog: backlog,
		Program: &chatv1.Client{Name: "parley-demo", Version: "1"},
		Keep:    chatclient.Keep{Received: chatclient.None, Messages: backlog, Sent: 10, Conns: 10, Violations: 10},
		Hooks:   chatclient.Hooks{Shown: b.shown},
		Log:     b.log,
	})
	return b, err
}

// shown is called by the client, under its lock.
func (b *bot) shown(conversation string, s chatclient.Shown) {
	select {
	case b.heard <- heard{conversation, s.Message}:
	default: // nobody writes that fast who wants an answer
	}
}

// settled reports whether the bot answers, or never will.
func (b *bot) settled() bool { return b.done.Load() }

// run answers until ctx ends.
func (b *bot) run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	defer b.answering.Wait()
	all.Go(func() {
		for ctx.Err() == nil {
			if err := b.client.Run(ctx); err != nil {
				b.done.Store(true) // whoever waits for it need not
				b.log.Warn("signed out for good; it tries again", "err", err, "after", again)
				pause(ctx, again)
			}
		}
	})
	if !b.enter(ctx) {
		return
	}
	b.done.Store(true)
	for {
		select {
		case h := <-b.heard:
			b.consider(ctx, h)
		case <-ctx.Done():
			return
		}
	}
}

// enter waits for the first session, learns who is a bot, and looks into the lobby. It
// reports false when ctx ended before.
func (b *bot) enter(ctx context.Context) bool {
	var names []string
	for _, a := range demo.Accounts {
		if a.Bot {
			names = append(names, a.Name)
		}
	}
	for {
		err := b.client.WaitLive(ctx)
		var res *chatv1.GetUsersResponse
		if err == nil {
			res, err = b.client.GetUsers(ctx, nil, names)
		}
		if err == nil {
			b.mu.Lock()
			for _, u := range res.GetUsers() {
				b.users[u.GetId()] = true
			}
			b.users[b.client.User()] = true
			b.mu.Unlock()
			break
		}
		if !pause(ctx, time.Second) {
			return false
		}
	}
	lobby, err := b.client.JoinRoom(ctx, chat.Lobby)
	if err == nil {
		_, err = b.client.OpenConversation(ctx, lobby.GetConversation().GetId())
	}
	if err != nil && ctx.Err() == nil {
		b.log.Warn("not in the lobby", "err", err)
	}
	b.log.Info("answering")
	return ctx.Err() == nil
}

// pause waits, and reports false when ctx ended before.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// thinking is how long somebody needs to type an answer, about.
func (b *bot) thinking(answer string) time.Duration {
	if b.think > 0 {
		return b.think
	}
	return 600*time.Millisecond + min(time.Duration(len(answer))*10*time.Millisecond, time.Second) + rand.N(400*time.Millisecond)
}
