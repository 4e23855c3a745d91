package traffic

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	chatclient "github.com/parley-im/parley/deploy/client/chat"
	"github.com/parley-im/parley/deploy/local/runfile"
	chatv1 "github.com/parley-im/parley/proto/chat/v1"
)

// crowd is all bots of a run.
type crowd struct {
	bots    []*bot
	groups  map[string][]*bot // who is in each conversation
	start   time.Time
	stop    context.CancelFunc
	running sync.WaitGroup
}

// bot is one of them.
type bot struct {
	name    string
	client  *chatclient.Client
	talksIn []string
	screen  screen
}

// passwordFile is where the password of the bots is kept: the accounts are used again by
// the next run, so that they do not become more and more.
const passwordFile = "traffic-password"

func password(data string) (string, error) {
	file := filepath.Join(data, passwordFile)
	have, err := os.ReadFile(file)
	if err == nil && len(have) > 0 {
		return strings.TrimSpace(string(have)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	word := hex.EncodeToString(b[:])
	return word, os.WriteFile(file, []byte(word+"\n"), 0o600)
}

// smallGroup is how many are in a group chat that is not of all.
const smallGroup = 5

// together is how many bots ask at the same time while they gather and leave.
const together = 8

// gather signs the bots in and makes their conversations.
func (c Config) gather(ctx context.Context, run runfile.Run, k *kills) (*crowd, error) {
	word, err := password(c.Data)
	if err != nil {
		return nil, err
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	w := &crowd{groups: map[string][]*bot{}, start: k.start, stop: stop}
	ctx, cancel := context.WithTimeout(ctx, gatherWithin)
	defer cancel()
	for i := range c.Users {
		b := &bot{name: fmt.Sprintf("demo-bot-%02d", i+1)}
		b.client, err = chatclient.New(chatclient.Config{
			Gateways: run.Gateways, Device: "demo-traffic", Name: b.name, Password: word, SignUp: true, Start: w.start,
			Program: &chatv1.Client{Name: "parley-demo", Version: "1"},
			Times:   chatclient.Times{Again: 200 * time.Millisecond, AgainMost: 2 * time.Second},
			Keep:    chatclient.Keep{Received: chatclient.None, Sent: chatclient.All, Messages: chatclient.All, Conns: chatclient.All},
			Hooks:   chatclient.Hooks{Shown: b.screen.shown, Ended: k.ended},
			Log:     slog.New(slog.DiscardHandler),
		})
		if err != nil {
			return w, err
		}
		w.bots = append(w.bots, b)
		w.running.Go(func() { _ = b.client.Run(life) }) // how it ended, its calls say
	}
	err = w.each(func(b *bot) error {
		if err := b.client.WaitLive(ctx); err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		return b.leaveAll(ctx)
	})
	if err != nil {
		return w, err
	}
	if err := w.meet(ctx, "demo traffic", w.bots); err != nil {
		return w, err
	}
	for i := 0; i+smallGroup <= len(w.bots); i += smallGroup {
		if err := w.meet(ctx, fmt.Sprintf("demo traffic %d", i/smallGroup+1), w.bots[i:i+smallGroup]); err != nil {
			return w, err
		}
	}
	return w, nil
}

// meet makes a group chat.
func (w *crowd) meet(ctx context.Context, name string, members []*bot) error {
	var others []string
	for _, b := range members[1:] {
		others = append(others, b.client.User())
	}
	made, err := members[0].client.CreateGroup(ctx, name, others...)
	if err != nil {
		return err
	}
	id := made.GetConversation().GetId()
	w.groups[id] = members
	for _, b := range members {
		b.talksIn = append(b.talksIn, id)
	}
	return nil
}

// each does something for all bots, some at the same time.
func (w *crowd) each(f func(*bot) error) error {
	var eg errgroup.Group
	eg.SetLimit(together)
	for _, b := range w.bots {
		eg.Go(func() error { return f(b) })
	}
	return eg.Wait()
}

// leaveAll takes a bot out of its group chats: an earlier run may have been killed.
func (b *bot) leaveAll(ctx context.Context) error {
	for after := ""; ; {
		page, err := b.client.ListConversations(ctx, after)
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		for _, v := range page.GetConversations() {
			after = v.GetId()
			if v.GetType() != chatv1.ConversationType_CONVERSATION_TYPE_GROUP {
				continue
			}
			if _, err := b.client.LeaveConversation(ctx, v.GetId()); err != nil {
				return fmt.Errorf("%s: %w", b.name, err)
			}
		}
		if !page.GetMore() {
			return nil
		}
	}
}

// leave takes all of them out of their group chats. What fails is done by the next run.
func (w *crowd) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leaveWithin)
	defer cancel()
	_ = w.each(func(b *bot) error { return b.leaveAll(ctx) })
}

// end closes all conns.
func (w *crowd) end() {
	w.stop()
	w.running.Wait()
}
