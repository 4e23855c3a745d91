package chat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	chatclient "github.com/parley-im/parley/deploy/client/chat"
	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
)

// The races: so many tabs of one user, on all gateways and workers, ask at once.
const (
	tabs        = 10
	directTimes = 50
	sendTimes   = 100
	writers     = 8
	eachWrites  = 25
)

// broken is a promise that a race found broken. The run goes on: what else breaks with it
// is seen at its end.
type broken string

func (b broken) Error() string { return string(b) }

// race lets conns of one user, which different worker processes serve, ask for the same
// thing at the same moment: it must happen once, also for who is told to try again. It
// ends with a broken if it did not.
func (c *Config) race(ctx context.Context, gateways []string, start time.Time, peer *person) error {
	life, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	clients := make([]*chatclient.Client, tabs)
	for i := range clients {
		client, err := chatclient.New(chatclient.Config{
			Gateways: gateways, Device: fmt.Sprintf("tab%d", i), Name: userName(0), Password: password, Start: start, Log: silent,
			Keep: chatclient.Keep{Received: chatclient.None, Sent: chatclient.None},
		})
		if err != nil {
			return err
		}
		clients[i] = client
		running.Go(func() { _ = client.Run(life) }) // what it ends with, WaitLive tells
	}
	for _, client := range clients {
		if err := client.WaitLive(ctx); err != nil {
			return fmt.Errorf("a tab: %w", err)
		}
	}
	made, err := together(clients, directTimes, func(client *chatclient.Client, _ int) (*chatv1.CreateDirectResponse, error) {
		res := new(chatv1.CreateDirectResponse)
		return res, client.Do(ctx, "createDirect", &chatv1.CreateDirectRequest{User: peer.client.User()}, res)
	})
	if err != nil {
		return fmt.Errorf("createDirect, %d at once: %w", directTimes, err)
	}
	id, fresh := made[0].GetConversation().GetId(), 0
	for _, res := range made {
		if res.GetConversation().GetId() != id {
			return broken("createDirect at once made several conversations of one pair")
		}
		if !res.GetDuplicate() {
			fresh++
		}
	}
	if fresh != 1 {
		return broken(fmt.Sprintf("createDirect at once: %d were told that they made it", fresh))
	}
	request := &chatv1.SendMessageRequest{Conversation: id, RequestId: "the-same", Text: "once"}
	sent, err := together(clients, sendTimes, func(client *chatclient.Client, _ int) (*chatv1.SendMessageResponse, error) {
		res := new(chatv1.SendMessageResponse)
		return res, client.Do(ctx, "sendMessage", request, res)
	})
	if err != nil {
		return fmt.Errorf("sendMessage, %d at once: %w", sendTimes, err)
	}
	fresh = 0
	for _, res := range sent {
		if m, want := res.GetMessage(), sent[0].GetMessage(); m.GetSeq() != want.GetSeq() || !m.GetSentAt().AsTime().Equal(want.GetSentAt().AsTime()) || m.GetText() != want.GetText() {
			return broken(fmt.Sprintf("one request, two answers: %v and %v", m, want))
		}
		if !res.GetDuplicate() {
			fresh++
		}
	}
	if fresh != 1 {
		return broken(fmt.Sprintf("sendMessage at once: %d of %d were told that theirs was stored", fresh, sendTimes))
	}
	request.Text = "twice"
	if err := clients[1].Call(ctx, "sendMessage", request, new(chatv1.SendMessageResponse)); !errors.Is(err, fault.Conflict) {
		return broken(fmt.Sprintf("one request id, two texts: got %v, want %v", err, fault.Conflict))
	}
	return write(ctx, clients[:writers], id, sent[0].GetMessage().GetSeq())
}

// write lets all write to one conversation at once, where last is the newest number: what
// they are told has to be the numbers after it, each once. That the store says the same,
// the comparison at the end finds.
func write(ctx context.Context, clients []*chatclient.Client, conversation string, last int64) error {
	told, err := together(clients, writers*eachWrites, func(client *chatclient.Client, i int) (int64, error) {
		res := new(chatv1.SendMessageResponse)
		err := client.Do(ctx, "sendMessage", &chatv1.SendMessageRequest{Conversation: conversation, RequestId: fmt.Sprintf("writes-%d", i), Text: "one of many"}, res)
		return res.GetMessage().GetSeq(), err
	})
	if err != nil {
		return fmt.Errorf("sendMessage by %d writers: %w", writers, err)
	}
	slices.Sort(told)
	for i, seq := range told {
		if want := last + 1 + int64(i); seq != want {
			return broken(fmt.Sprintf("%d writers at once: number %d where %d comes next", writers, seq, want))
		}
	}
	return nil
}

// together does something n times at once, spread over the clients.
func together[T any](clients []*chatclient.Client, n int, do func(client *chatclient.Client, i int) (T, error)) ([]T, error) {
	answers, errs := make([]T, n), make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { answers[i], errs[i] = do(clients[i%len(clients)], i) })
	}
	all.Wait()
	return answers, errors.Join(errs...)
}
