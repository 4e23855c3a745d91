package chat

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	chatclient "github.com/parley-im/parley/deploy/client/chat"
	chatv1 "github.com/parley-im/parley/proto/chat/v1"
)

// person is one device of somebody.
type person struct {
	name    string
	client  *chatclient.Client
	talksIn []string // conversations
	ended   chan error
}

// people are all devices of a run. Every tenth user has two.
type people struct {
	all     []*person
	users   int
	direct  int
	groups  int
	stop    context.CancelFunc
	broken  broken       // what the races found; "": nothing
	failed  atomic.Int64 // calls besides sends that were refused for good
	running sync.WaitGroup

	mu       sync.Mutex // guards refusals; a leaf
	refusals []string
}

// The shape of the talk.
const (
	groupOf     = 8  // members of a group chat
	roomOf      = 12 // users in the room
	twoDevices  = 10 // every so many users have a second one
	editsOf     = 40 // one of so many sends is followed by an edit or a recall
	readsOf     = 15 // and by a read mark
	callWithin  = 60 * time.Second
	beginWithin = 90 * time.Second
)

// What everybody is called, and proves it by.
const password = "a password for all"

func userName(user int) string { return fmt.Sprintf("user %d", user) }

// gather makes the accounts, connects all devices and makes the conversations.
func (c *Config) gather(ctx context.Context, gateways []string, start time.Time) (*people, error) {
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	p := &people{users: c.Users, stop: stop}
	add := func(user, device int) error {
		client, err := chatclient.New(chatclient.Config{
			Gateways: gateways, Device: fmt.Sprintf("d%d", device), Name: userName(user), Password: password,
			SignUp: device == 1, Start: start, NoDedupe: c.NoDedupe, Outbox: 4096,
			Keep: chatclient.Keep{Received: chatclient.None, Sent: chatclient.All, Messages: chatclient.All, Conns: chatclient.All},
			Log:  silent,
		})
		if err != nil {
			return err
		}
		one := &person{name: fmt.Sprintf("u%d.%d", user, device), client: client, ended: make(chan error, 1)}
		p.all = append(p.all, one)
		p.running.Go(func() { one.ended <- client.Run(life) })
		return nil
	}
	for user := range c.Users {
		if err := add(user, 1); err != nil {
			return p, err
		}
	}
	within, cancel := context.WithTimeout(ctx, beginWithin)
	defer cancel()
	if err := p.awaitLive(within); err != nil {
		return p, err
	}
	first := p.all[:c.Users]
	for user := 0; user < c.Users; user += twoDevices {
		if err := add(user, 2); err != nil {
			return p, err
		}
	}
	if err := p.awaitLive(within); err != nil {
		return p, err
	}
	if c.Races {
		if err := c.race(within, gateways, start, first[len(first)/2]); !errors.As(err, &p.broken) && err != nil {
			return p, err
		}
	}
	if err := p.meet(within, first); err != nil {
		return p, err
	}
	for i, second := range p.all[c.Users:] {
		second.talksIn = first[i*twoDevices].talksIn
	}
	return p, nil
}

func (p *people) awaitLive(ctx context.Context) error {
	for _, one := range p.all {
		if err := one.client.WaitLive(ctx); err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
	}
	return nil
}

// meet makes the conversations: each user has a direct one with the next, group chats
// overlap, and one room has some of them.
func (p *people) meet(ctx context.Context, first []*person) error {
	for i, one := range first {
		other := first[(i+1)%len(first)]
		var res chatv1.CreateDirectResponse
		if err := one.client.Do(ctx, "createDirect", &chatv1.CreateDirectRequest{User: other.client.User()}, &res); err != nil {
			return fmt.Errorf("createDirect: %w", err)
		}
		p.direct++
		id := res.GetConversation().GetId()
		one.talksIn, other.talksIn = append(one.talksIn, id), append(other.talksIn, id)
	}
	for i := 0; i+groupOf <= len(first); i += groupOf / 2 {
		members := first[i : i+groupOf]
		req := &chatv1.CreateGroupRequest{Name: fmt.Sprintf("group %d", i), RequestId: fmt.Sprintf("group-%d", i)}
		for _, m := range members[1:] {
			req.Users = append(req.Users, m.client.User())
		}
		var res chatv1.CreateGroupResponse
		if err := members[0].client.Do(ctx, "createGroup", req, &res); err != nil {
			return fmt.Errorf("createGroup: %w", err)
		}
		p.groups++
		for _, m := range members {
			m.talksIn = append(m.talksIn, res.GetConversation().GetId())
		}
	}
	if err := p.meetWide(ctx, first); err != nil {
		return err
	}
	var room chatv1.CreateRoomResponse
	if err := first[0].client.Do(ctx, "createRoom", &chatv1.CreateRoomRequest{Name: "hall", RequestId: "hall"}, &room); err != nil {
		return fmt.Errorf("createRoom: %w", err)
	}
	id := room.GetConversation().GetId()
	for i, one := range first[:min(roomOf, len(first))] {
		if i > 0 {
			if err := one.client.Do(ctx, "joinRoom", &chatv1.JoinRoomRequest{Conversation: id}, new(chatv1.JoinRoomResponse)); err != nil {
				return fmt.Errorf("joinRoom: %w", err)
			}
		}
		if err := one.client.Do(ctx, "openConversation", &chatv1.OpenConversationRequest{Conversation: id}, new(chatv1.OpenConversationResponse)); err != nil {
			return fmt.Errorf("openConversation: %w", err)
		}
		one.talksIn = append(one.talksIn, id)
	}
	return nil
}

// wideFrom is how many users there have to be for a group chat that is sent to by its hub
// group.
const wideFrom = 220

// meetWide makes a group chat that widens when the last ones are added.
func (p *people) meetWide(ctx context.Context, first []*person) error {
	if len(first) < wideFrom {
		return nil
	}
	var users []string
	for _, m := range first[1:] {
		users = append(users, m.client.User())
	}
	var made chatv1.CreateGroupResponse
	req := &chatv1.CreateGroupRequest{Name: "everybody", Users: users[:180], RequestId: "everybody"}
	if err := first[0].client.Do(ctx, "createGroup", req, &made); err != nil {
		return fmt.Errorf("createGroup: %w", err)
	}
	id := made.GetConversation().GetId()
	add := &chatv1.AddMembersRequest{Conversation: id, Users: users[180:], RequestId: "the-others"}
	if err := first[0].client.Do(ctx, "addMembers", add, new(chatv1.AddMembersResponse)); err != nil {
		return fmt.Errorf("addMembers: %w", err)
	}
	p.groups++
	for i := 0; i < len(first); i += 10 {
		first[i].talksIn = append(first[i].talksIn, id)
	}
	return nil
}

// talk lets people write so many messages a second, all together, until ctx ends.
func (p *people) talk(ctx context.Context, rate int, r *rand.Rand) {
	const beat = 10 * time.Millisecond
	tick := time.NewTicker(beat)
	defer tick.Stop()
	due, said := 0.0, 0
	last := time.Now()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now := time.Now()
		due += float64(rate) * min(now.Sub(last), time.Second).Seconds()
		last = now
		for ; due >= 1; due-- {
			one := p.all[r.IntN(len(p.all))]
			id := one.talksIn[r.IntN(len(one.talksIn))]
			said++
			s, err := one.client.Send(id, fmt.Sprintf("%s says %d", one.name, said))
			if errors.Is(err, chatclient.ErrOutboxFull) {
				continue // it waits for answers; the others go on
			}
			if err != nil {
				p.failed.Add(1)
				continue
			}
			switch {
			case said%editsOf == 0:
				p.running.Go(func() { p.amend(ctx, one, id, s, said%(2*editsOf) == 0) })
			case said%readsOf == 0:
				p.running.Go(func() { p.read(ctx, one, id) })
			}
		}
	}
}

// amend edits or recalls what was just sent, as soon as it is stored.
func (p *people) amend(ctx context.Context, one *person, id string, s *chatclient.Sending, recall bool) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	m, err := s.Wait(ctx)
	if err != nil {
		return
	}
	var req, res proto.Message = &chatv1.EditMessageRequest{Conversation: id, Seq: m.Seq, Text: "better: " + m.Text, RequestId: "e-" + m.RequestID}, new(chatv1.EditMessageResponse)
	method := "editMessage"
	if recall {
		method, req, res = "recallMessage", &chatv1.RecallMessageRequest{Conversation: id, Seq: m.Seq, RequestId: "e-" + m.RequestID}, new(chatv1.RecallMessageResponse)
	}
	p.try(ctx, one, method, req, res)
}

// read marks what is on the screen as read.
func (p *people) read(ctx context.Context, one *person, id string) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	if s, ok := one.client.Screen(id); ok && s.Next > 1 {
		p.try(ctx, one, "markRead", &chatv1.MarkReadRequest{Conversation: id, Seq: s.Next - 1}, new(chatv1.MarkReadResponse))
	}
}

// try calls until there is an answer for good.
func (p *people) try(ctx context.Context, one *person, method string, req, res proto.Message) {
	if err := one.client.Do(ctx, method, req, res); err != nil && ctx.Err() == nil {
		p.failed.Add(1)
		p.note(method, err)
	}
}

// note keeps the first refusals, to be told.
func (p *people) note(method string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.refusals) < 3 {
		p.refusals = append(p.refusals, method+": "+err.Error())
	}
}

// cut takes the network from some devices, or all, for a moment.
func (p *people) cut(f Fault) {
	for i, one := range p.all {
		if f.Kind == Blackout || i%3 == 0 {
			one.client.Cut()
		}
	}
}

// waiting counts sends that have no answer yet.
func (p *people) waiting() (n int64) {
	for _, one := range p.all {
		n += int64(one.client.Outstanding())
	}
	return n
}

// counters adds up those of all devices.
func (p *people) counters() (sum chatclient.Counters) {
	for _, one := range p.all {
		k := one.client.Counters()
		sum.Sends, sum.Acks, sum.Refused = sum.Sends+k.Sends, sum.Acks+k.Acks, sum.Refused+k.Refused
		sum.Sessions, sum.Resumes, sum.Resyncs = sum.Sessions+k.Sessions, sum.Resumes+k.Resumes, sum.Resyncs+k.Resyncs
		sum.Received, sum.Duplicates, sum.Shown = sum.Received+k.Received, sum.Duplicates+k.Duplicates, sum.Shown+k.Shown
		sum.HistoryFetches, sum.ChangeFetches = sum.HistoryFetches+k.HistoryFetches, sum.ChangeFetches+k.ChangeFetches
		sum.DuplicateAcks, sum.Resends, sum.Violations = sum.DuplicateAcks+k.DuplicateAcks, sum.Resends+k.Resends, sum.Violations+k.Violations
		sum.Temporary += k.Temporary
		sum.FailedDials, sum.Dials = sum.FailedDials+k.FailedDials, sum.Dials+k.Dials
	}
	return sum
}

// leave ends all devices.
func (p *people) leave() {
	p.stop()
	p.running.Wait()
}
