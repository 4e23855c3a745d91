package chatclient

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
)

func mapKeys[V any](m map[string]V) iter.Seq[string] { return maps.Keys(m) }

// TestEverybodySeesEverythingOnceWhateverHappens lets some people with two devices each
// talk in a world full of faults. CHAT_SEEDS runs more of them than usual.
func TestEverybodySeesEverythingOnceWhateverHappens(t *testing.T) {
	seeds := 8
	if n, err := strconv.Atoi(os.Getenv("CHAT_SEEDS")); err == nil {
		seeds = n
	}
	var all Counters
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			bubble(t, func(t *testing.T, s *stage) { talk(t, s, uint64(seed), &all) })
		})
	}
	if all.Duplicates == 0 || all.Held == 0 || all.HistoryFetches == 0 || all.ChangeFetches == 0 || all.Refetches == 0 ||
		all.DuplicateAcks == 0 || all.Resends == 0 || all.Resumes == 0 || all.Resyncs == 0 || all.Timeouts == 0 {
		t.Errorf("not everything happened: %+v", all)
	}
}

func (c *Counters) add(o Counters) {
	c.Duplicates += o.Duplicates
	c.Held += o.Held
	c.HistoryFetches += o.HistoryFetches
	c.ChangeFetches += o.ChangeFetches
	c.Refetches += o.Refetches
	c.DuplicateAcks += o.DuplicateAcks
	c.Resends += o.Resends
	c.Resumes += o.Resumes
	c.Resyncs += o.Resyncs
	c.Timeouts += o.Timeouts
}

type person struct {
	*running
	user string
	rng  *rand.Rand
}

func talk(t *testing.T, s *stage, seed uint64, sum *Counters) {
	w := newWorld(s, seed)
	users := []string{"a", "b", "c", "d"}
	w.add("all", groupKind, users...)
	w.add("moving", groupKind, users...)
	w.add("pair", chatv1.ConversationType_CONVERSATION_TYPE_DIRECT, "a", "b")
	w.add("quiet", groupKind, "c", "d")
	w.add("room", roomKind, "a", "b", "c")
	var people []*person
	for i, u := range users {
		for device := range 2 {
			cfg := s.config()
			cfg.Tokens = &chatv1.Tokens{Access: u}
			cfg.Device = fmt.Sprint(u, device)
			c, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			c.page = 7
			p := &person{s.again(c), u, rand.New(rand.NewPCG(seed, uint64(10*i+device)))}
			people = append(people, p)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	var talking sync.WaitGroup
	for _, p := range people {
		talking.Go(func() { p.talk(ctx, t, w) })
	}
	talking.Wait()
	w.mu.Lock()
	w.calm = true
	w.mu.Unlock()
	for _, p := range people {
		p.settle(t)
	}
	for _, p := range people {
		p.look(t, w)
		sum.add(p.Counters())
	}
}

// talk does things by chance.
func (p *person) talk(ctx context.Context, t *testing.T, w *world) {
	if _, err := p.OpenConversation(ctx, "room"); err != nil {
		t.Error(err)
	}
	places := []string{"all", "moving", "room"}
	switch p.user {
	case "a", "b":
		places = append(places, "pair")
	default:
		places = append(places, "quiet")
	}
	for i := range 60 {
		time.Sleep(time.Duration(p.rng.Int64N(int64(100 * time.Millisecond))))
		at := places[p.rng.IntN(len(places))]
		switch n := p.rng.IntN(20); {
		case n < 10:
			if _, err := p.Send(at, fmt.Sprint(p.cfg.Device, " says ", i)); err != nil {
				t.Error(err)
			}
		case n < 14:
			if seq := p.own(at); seq > 0 {
				_, _ = p.EditMessage(ctx, at, seq, fmt.Sprint(p.cfg.Device, " means ", i)) // recalled meanwhile, perhaps
			}
		case n == 14:
			if seq := p.own(at); seq > 0 {
				_, _ = p.RecallMessage(ctx, at, seq)
			}
		case n < 17:
			if v, ok := p.Screen(at); ok && v.Next > 1 {
				_, _ = p.MarkRead(ctx, at, v.Next-1)
			}
		case n == 17 && p.user > "b":
			_, _ = p.LeaveConversation(ctx, "moving")
		case n == 18 && p.user < "c":
			_, _ = p.AddMembers(ctx, "moving", "c", "d")
		case n == 19:
			p.Cut()
		}
	}
}

// own is a message of the user's on the screen, by chance; 0: there is none.
func (p *person) own(at string) int64 {
	v, _ := p.Screen(at)
	var mine []int64
	for seq, m := range v.Messages {
		if m.Sender == p.user && m.Kind == textKind {
			mine = append(mine, seq)
		}
	}
	if len(mine) == 0 {
		return 0
	}
	slices.Sort(mine)
	return mine[p.rng.IntN(len(mine))]
}

func (p *person) settle(t *testing.T) {
	quiet := 0
	for range 10_000 {
		time.Sleep(100 * time.Millisecond)
		if ok, _ := p.Settled(); !ok {
			quiet = 0
		} else if quiet++; quiet > 50 {
			return
		}
	}
	_, why := p.Settled()
	t.Errorf("%s does not settle: %s", p.cfg.Device, why)
}

// heardOf is what a device heard of a message.
func heardOf(l Log, conversation string, m *chatv1.Message) (out string) {
	for _, s := range l.Conversations[conversation].Shown {
		if s.Seq == m.GetSeq() {
			out += fmt.Sprintf("shown %+v\n", s)
		}
	}
	for _, r := range l.Received {
		if r.Conversation == conversation && (r.Seq == m.GetSeq() || r.Method == "conversationChanged") {
			out += fmt.Sprintf("%+v\n", r)
		}
	}
	for _, c := range l.Conns {
		out += fmt.Sprintf("%+v\n", c)
	}
	return out
}

// look compares all screens with the world.
func (p *person) look(t *testing.T, w *world) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := p.Log()
	for _, v := range l.Violations {
		t.Errorf("%s: %+v", p.cfg.Device, v)
	}
	for id, v := range w.convs {
		m, screen := v.members[p.user], l.Conversations[id]
		if v.kind == roomKind && m == nil {
			m = &attendance{from: 1, read: screen.ReadSeq}
		}
		if m == nil || m.left {
			if m != nil && !screen.Left {
				t.Errorf("%s in %s: left, and does not know", p.cfg.Device, id)
			}
			continue
		}
		last, from := int64(0), int64(0)
		for _, s := range screen.Shown {
			if s.Seq <= last {
				t.Errorf("%s in %s: %d after %d", p.cfg.Device, id, s.Seq, last)
			}
			last = s.Seq
			if s.Seq >= m.from {
				from++
			}
		}
		if want := int64(len(v.messages)) - m.from + 1; from != want || last != int64(len(v.messages)) {
			t.Errorf("%s in %s: %d of %d messages, the last is %d", p.cfg.Device, id, from, want, last)
		}
		for _, stored := range v.messages[m.from-1:] {
			if shown := screen.Messages[stored.GetSeq()]; shown.Text != stored.GetText() || shown.Sender != stored.GetSender() || shown.Rev != stored.GetRev() {
				t.Errorf("%s in %s: shows %+v, stored is %v; rev %d of %d\n%s", p.cfg.Device, id, shown, stored, screen.Rev, screen.HeadRev, heardOf(l, id, stored))
			}
		}
		if v.members[p.user] != nil && (screen.ReadSeq != m.read || screen.Unread != v.unread(m)) {
			t.Errorf("%s in %s: mark %d, unread %d: want %d, %d", p.cfg.Device, id, screen.ReadSeq, screen.Unread, m.read, v.unread(m))
		}
	}
	for _, sent := range l.Sent {
		v := w.convs[sent.Conversation]
		switch {
		case sent.Acked == 0 && !sent.Refused:
			t.Errorf("%s: no answer to %+v", p.cfg.Device, sent)
		case sent.Refused && v.requests[p.user+"/"+sent.RequestID] > 0 && sent.Conversation != "moving":
			t.Errorf("%s: refused and stored: %+v", p.cfg.Device, sent)
		case sent.Acked > 0 && (v.messages[sent.Seq-1].GetRequestId() != sent.RequestID || v.messages[sent.Seq-1].GetSender() != p.user):
			t.Errorf("%s: acknowledged as %d, where %v is: %+v", p.cfg.Device, sent.Seq, v.messages[sent.Seq-1], sent)
		}
	}
}
