package delivery_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/chat"
	"github.com/parley-im/parley/worker/workertest"
)

func TestEveryConnHearsEveryMessageOnceAndInOrder(t *testing.T) {
	c := newCluster(t)
	p := c.process("a", -1)
	users := c.users(p.Store, "ann", "bob", "cyd")
	conns := []*workertest.Conn{c.online(users[0]), c.online(users[0]), c.online(users[1]), c.online(users[2])} // at both gateways
	group := c.group(p.Store, users...)
	c.hears(conns[0], 1)
	var all sync.WaitGroup
	for _, u := range users {
		all.Go(func() {
			for range 40 {
				c.say(p.Store, u, group, "")
			}
		})
	}
	all.Wait()
	const last = 1 + 3*40
	for i, conn := range conns {
		want := from(1, last)
		if i == 0 {
			want = from(2, last)
		}
		if got := c.hears(conn, last); !slices.Equal(got, want) {
			t.Errorf("conn %d: told %v", i, got)
		}
	}
	seq := c.say(p.Store, users[0], group, conns[0].ID().String())
	c.hears(conns[1], seq)
	conns[0].ExpectNothing() // it has the answer
	c.empty(p.Store)
}

func TestRowStaysUntilEveryGatewayHasAcknowledged(t *testing.T) {
	c := newCluster(t)
	p := c.process("a", -1)
	users := c.users(p.Store, "ann", "bob")
	ann, bob := c.online(users[0]), c.online(users[1]) // at gateway 0 and 1
	group := c.group(p.Store, users...)
	c.hears(ann, 1)
	c.hears(bob, 1)
	c.empty(p.Store)
	thaw := c.FreezeGateway(0)
	c.say(p.Store, users[0], group, "")
	c.hears(bob, 2)
	if lag, err := p.Lag(t.Context()); err != nil || lag.Unfanned != 1 {
		t.Errorf("one gateway is silent: %+v, %v", lag, err)
	}
	thaw()
	c.hears(ann, 2)
	c.empty(p.Store)
	if got := p.Stats(); got.Fanned != 2 || got.Unacknowledged != 0 || got.Awaited != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestWhatALostGatewayDidNotAcknowledgeIsDoneAgain(t *testing.T) {
	c := newCluster(t)
	p := c.process("a", 50*time.Millisecond)
	users := c.users(p.Store, "ann", "bob")
	ann, bob := c.online(users[0]), c.online(users[1])
	group := c.group(p.Store, users...)
	c.hears(ann, 1)
	c.hears(bob, 1)
	c.FreezeGateway(0)
	c.say(p.Store, users[0], group, "")
	c.hears(bob, 2)
	c.LoseGateway(0)
	c.empty(p.Store)
	if got := p.Stats(); got.Rescued == 0 || got.Unacknowledged == 0 {
		t.Errorf("got %+v", got)
	}
}

func TestWhatAProcessCommittedBeforeItDiedIsToldByAnother(t *testing.T) {
	c := newCluster(t)
	dead := c.lost("dead")
	p := c.process("living", 100*time.Millisecond)
	users := c.users(dead, "ann", "bob")
	ann := c.online(users[0])
	began := time.Now()
	group := c.group(dead, users...)
	for range 20 {
		c.say(dead, users[1], group, "")
	}
	edited, err := dead.Amend(t.Context(), chat.Caller{User: users[1]}, chat.Amendment{Conversation: group, Seq: 5, Kind: chat.Edited, Text: "better", Request: c.request()})
	if err != nil {
		t.Fatal(err)
	}
	told, changed := map[chat.Seq]bool{}, false
	for len(told) < 21 || !changed {
		switch p := read(t, ann.Next()); p.Method {
		case "message":
			told[p.Params.Message.Seq] = true
		case "messageChanged":
			changed = edited.Rev == 1
		}
	}
	if took := time.Since(began); took < chat.Lease {
		t.Errorf("told after %v: the lease of its owner was not over", took)
	}
	c.empty(p.Store)
}

// A client that was added while others write on: what it is told, and what it fetches
// because it was told that it is there, is everything.
func TestConversationWidensUnderTrafficAndNobodyMissesAnything(t *testing.T) {
	c := newCluster(t)
	a, b := c.process("a", 200*time.Millisecond), c.process("b", 200*time.Millisecond)
	ids := c.users(a.Store, "ann", "bob", "cyd", "dan")
	ann, bob, cyd, dan := ids[0], ids[1], ids[2], ids[3]
	crowd := c.crowd(a.Store, chat.WideAbove+20)
	annConn, bobConn := c.online(ann), c.online(bob)
	cydConn, danConn := c.online(cyd), c.online(dan)
	group := c.group(a.Store, append([]chat.UserID{ann, bob}, crowd[:chat.WideAbove-10]...)...)

	stop := make(chan struct{})
	var traffic sync.WaitGroup
	for i, p := range []*process{a, b} {
		traffic.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					c.say(p.Store, []chat.UserID{ann, bob}[i], group, "")
				}
			}
		})
	}
	add := func(p *process, users ...chat.UserID) {
		t.Helper()
		if _, err := p.AddMembers(t.Context(), chat.Caller{User: ann}, group, users, c.request()); err != nil {
			t.Error(err)
		}
	}
	rest := crowd[chat.WideAbove-10:]
	for i := range 10 {
		add(a, rest[i])
	}
	add(b, cyd) // it widens about now
	for i := range 10 {
		add(b, rest[10+i])
	}
	wide := func() bool {
		v, err := a.View(t.Context(), chat.Caller{User: ann}, group)
		return err == nil && v.Width == chat.Wide
	}
	c.until("it to be wide", wide)
	add(a, dan)
	joined := func() bool { return slices.Contains(danConn.Groups(), "c:"+string(group)) }
	c.until("who was added to have joined", joined)
	close(stop)
	traffic.Wait()
	last := c.say(b.Store, bob, group, "")
	c.empty(a.Store)

	for name, of := range map[string]struct {
		conn *workertest.Conn
		user chat.UserID
	}{"ann": {annConn, ann}, "bob": {bobConn, bob}, "cyd": {cydConn, cyd}, "dan": {danConn, dan}} {
		v, err := a.View(t.Context(), chat.Caller{User: of.user}, group)
		if err != nil {
			t.Fatal(err)
		}
		has := map[chat.Seq]bool{}
		for !has[last] {
			p := read(t, of.conn.Next())
			switch p.Method {
			case "message":
				has[p.Params.Message.Seq] = true
			case "conversationChanged": // it fetches up to there
				for _, seq := range from(v.FromSeq, p.Params.Conversation.Head.Seq) {
					has[seq] = true
				}
			}
		}
		var missed []chat.Seq
		for _, seq := range from(v.FromSeq, last) {
			if !has[seq] {
				missed = append(missed, seq)
			}
		}
		if len(missed) > 0 {
			t.Errorf("%s missed %v of %d to %d", name, missed, v.FromSeq, last)
		}
		if of.conn == annConn || of.conn == bobConn {
			if v.FromSeq != 1 {
				t.Errorf("%s sees from %d on", name, v.FromSeq)
			}
		}
	}
}

func TestGatewayThatIsCutOffHoldsUpNobodyAtAnother(t *testing.T) {
	c := newCluster(t, workertest.WithConfig(func(cfg *worker.Config) { cfg.RetainBytes = 80 << 10 }))
	p := c.process("a", -1)
	users := c.users(p.Store, "ann", "bob")
	ann, bob := c.online(users[0]), c.online(users[1])
	group := c.group(p.Store, users...)
	c.hears(ann, 1)
	c.hears(bob, 1)
	c.empty(p.Store)
	thaw := c.FreezeGateway(0)
	const many = 300 // more than the log of a gateway holds
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range many / 4 {
				c.say(p.Store, users[0], group, "")
			}
		})
	}
	all.Wait()
	if got := c.hears(bob, 1+many); !slices.Equal(got, from(2, 1+many)) {
		t.Errorf("told %v", got)
	}
	if lag, err := p.Lag(t.Context()); err != nil || lag.Unfanned != many {
		t.Errorf("the rows: %+v, %v", lag, err)
	}
	thaw()
}
