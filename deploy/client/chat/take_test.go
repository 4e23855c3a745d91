package chatclient

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"
)

func wantSeqs(t *testing.T, c *running, conversation string, want ...int64) {
	t.Helper()
	synctest.Wait()
	if got := seqs(c, conversation); !slices.Equal(got, want) {
		t.Errorf("on the screen of %s: got %v, want %v", conversation, got, want)
	}
}

func wantBreaches(t *testing.T, c *running, want ...Breach) {
	t.Helper()
	synctest.Wait()
	if got := breaches(c); !slices.Equal(got, want) {
		t.Errorf("breaches: got %v, want %v", got, want)
	}
}

func TestRepeatsAreDroppedAndCounted(t *testing.T) {
	for _, sabotage := range []bool{false, true} {
		t.Run(fmt.Sprint("NoDedupe ", sabotage), func(t *testing.T) {
			bubble(t, func(t *testing.T, s *stage) {
				cfg := s.config()
				cfg.NoDedupe = sabotage
				c := s.run(cfg)
				p, _ := s.opened(head("g", 0))
				for _, seq := range []int64{1, 2, 2, 1, 3} {
					p.message("g", seq)
				}
				if sabotage {
					wantSeqs(t, c, "g", 1, 2, 2, 1, 3)
				} else {
					wantSeqs(t, c, "g", 1, 2, 3)
				}
				l := c.Log()
				if l.Counters.Duplicates != 2 || len(l.Received) != 5 || !l.Received[2].Duplicate || l.Received[4].Duplicate {
					t.Errorf("received: %+v, counted %d repeats, want 2", l.Received, l.Counters.Duplicates)
				}
				wantBreaches(t, c)
			})
		})
	}
}

func TestWhatIsAheadIsHeldAndThenWhatIsMissingIsFetched(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c := s.run(s.config())
		p, _ := s.opened(head("g", 0))
		p.message("g", 1)
		p.message("g", 4)
		p.message("g", 4)
		began := time.Now()
		wantSeqs(t, c, "g", 1)
		req := &chatv1.GetMessagesRequest{}
		a := p.next("getMessages")
		if held := time.Since(began); held < 225*time.Millisecond || held > 375*time.Millisecond {
			t.Errorf("held for %v, want 300ms and a quarter more or less", held)
		}
		a.read(t, req)
		if req.GetAfter() != 1 {
			t.Errorf("fetches after %d, want 1", req.GetAfter())
		}
		p.answer(a, &chatv1.GetMessagesResponse{Messages: lines("g", 2, 4), FirstSeq: 1, HeadSeq: 4})
		wantSeqs(t, c, "g", 1, 2, 3, 4)
		p.none(40 * time.Second)
		if n := c.Counters(); n.HistoryFetches != 1 || n.Held != 1 || n.Duplicates != 1 {
			t.Errorf("counted %+v, want one fetch, one held, one repeat", n)
		}
		wantBreaches(t, c)
	})
}

func TestGapThatClosesInTimeFetchesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c := s.run(s.config())
		p, _ := s.opened(head("g", 0))
		for _, seq := range []int64{3, 2, 5} {
			p.message("g", seq)
		}
		time.Sleep(200 * time.Millisecond)
		p.message("g", 1)
		p.message("g", 4)
		wantSeqs(t, c, "g", 1, 2, 3, 4, 5)
		p.none(40 * time.Second)
	})
}

func TestNumbersAreComparedAsNumbers(t *testing.T) {
	for _, first := range []int64{1, 1<<53 - 3} {
		bubble(t, func(t *testing.T, s *stage) {
			cfg := s.config()
			cfg.Backlog = -1
			c := s.run(cfg)
			p, _ := s.opened(head("g", first-1))
			var want []int64
			for seq := first; seq < first+12; seq += 2 {
				want = append(want, seq, seq+1)
				p.message("g", seq+1)
				p.message("g", seq)
			}
			wantSeqs(t, c, "g", want...)
			p.none(40 * time.Second)
			wantBreaches(t, c)
		})
	}
}

func TestLevelsOfHeadsAreFetchedFromTheFirstOn(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c := s.run(s.config())
		p, _ := s.opened(head("g", 250), &chatv1.Head{Conversation: "late", Seq: 30, FromSeq: 29, Type: chatv1.ConversationType_CONVERSATION_TYPE_GROUP})
		for range 3 {
			a, req := p.next("getMessages"), &chatv1.GetMessagesRequest{}
			a.read(t, req)
			switch {
			case req.GetConversation() == "late":
				if req.GetAfter() != 28 {
					t.Errorf("asks for %v, want what is from 29 on", req)
				}
				p.answer(a, &chatv1.GetMessagesResponse{Messages: lines("late", 29, 30), FirstSeq: 29, HeadSeq: 30})
			case req.GetAfter() == 0: // without a bound the newest would come
				if req.GetBefore() != 201 {
					t.Errorf("asks for %v, want what is before 201", req)
				}
				p.answer(a, &chatv1.GetMessagesResponse{Messages: lines("g", 1, 200), FirstSeq: 1, HeadSeq: 250})
			default:
				if req.GetAfter() != 200 {
					t.Errorf("asks for %v, want what is after 200", req)
				}
				p.answer(a, &chatv1.GetMessagesResponse{Messages: lines("g", 201, 250), FirstSeq: 1, HeadSeq: 250})
			}
		}
		synctest.Wait()
		if got := seqs(c, "g"); len(got) != 250 || !slices.IsSorted(got) {
			t.Errorf("on the screen: %v", got)
		}
		wantSeqs(t, c, "late", 29, 30)
		if ok, why := c.Settled(); !ok {
			t.Error("not settled: " + why)
		}
	})
}

func TestFirstAnswerAfterAnOutageLetsAllGoOn(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		const conversations = 12 // more than are fetched at the same time
		var mu sync.Mutex        // the conn's side of the stage is another goroutine
		away, tries, answers := true, 0, []time.Time{}
		s.handle("getMessages", func(p *peer, a *asked) {
			mu.Lock()
			defer mu.Unlock()
			if tries++; away {
				p.fail(a, fault.Unavailable, 0)
				return
			}
			req := &chatv1.GetMessagesRequest{}
			a.read(t, req)
			answers = append(answers, time.Now())
			p.answer(a, &chatv1.GetMessagesResponse{Messages: lines(req.GetConversation(), 1, 3), FirstSeq: 1, HeadSeq: 3})
		})
		var heads []*chatv1.Head
		for i := range conversations {
			heads = append(heads, head(fmt.Sprint("c", i), 3))
		}
		c := s.run(s.config())
		s.opened(heads...)
		time.Sleep(time.Minute)
		mu.Lock()
		if most := maxFetching * 60; tries > most {
			t.Errorf("%d tries in a minute of an outage, want %d at most", tries, most)
		}
		away = false
		mu.Unlock()
		back := time.Now()
		time.Sleep(c.cfg.Times.RetryMost)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if len(answers) != conversations {
			t.Fatalf("%v after the outage %d of %d are fetched", time.Since(back), len(answers), conversations)
		}
		if d := answers[conversations-1].Sub(answers[0]); d > 100*time.Millisecond {
			t.Errorf("the last one was fetched %v after the first", d)
		}
	})
}

func TestBacklogBoundsWhatIsFetchedOfWhatIsNew(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		cfg := s.config()
		cfg.Backlog = 2
		c := s.run(cfg)
		p, _ := s.opened(head("g", 50))
		a := p.next("getMessages")
		p.answer(a, &chatv1.GetMessagesResponse{Messages: lines("g", 49, 50), FirstSeq: 1, HeadSeq: 50})
		p.message("g", 51)
		wantSeqs(t, c, "g", 49, 50, 51)
	})
}

func TestFirstSeqPassesOverWhatIsKeptNoMore(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c := s.run(s.config())
		p, _ := s.opened(head("g", 300))
		p.answer(p.next("getMessages"), &chatv1.GetMessagesResponse{FirstSeq: 299, HeadSeq: 300}) // nothing below 201
		p.answer(p.next("getMessages"), &chatv1.GetMessagesResponse{Messages: lines("g", 299, 300), FirstSeq: 299, HeadSeq: 300})
		wantSeqs(t, c, "g", 299, 300)
		wantBreaches(t, c)
		if n := c.Counters().Skipped; n != 298 {
			t.Errorf("passed over %d numbers, want 298", n)
		}
	})
}

func TestUnknownConversationIsAskedFor(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c := s.run(s.config())
		p, _ := s.opened()
		p.message("new", 7)
		p.message("new", 8)
		a := p.next("getConversation")
		h := head("new", 8)
		h.FromSeq = 7
		p.answer(a, &chatv1.GetConversationResponse{Conversation: &chatv1.Conversation{Id: "new", Type: h.GetType(), Name: "n", Role: chatv1.Role_ROLE_MEMBER, Head: h}})
		wantSeqs(t, c, "new", 7, 8)
		p.none(40 * time.Second)

		// One that is not there for the user any more is not asked for again and again.
		p.message("gone", 1)
		p.fail(p.next("getConversation"), fault.NotFound, 0)
		p.none(40 * time.Second)
		if ok, why := c.Settled(); !ok {
			t.Error("not settled: " + why)
		}
	})
}

func TestWhatIsPushedBeforeTheSessionIsOpenIsNotLost(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c := s.run(s.config())
		p := s.arrive()
		a := p.next("openSession")
		p.message("g", 6) // bound already, and the heads not read
		p.message("g", 5)
		p.answer(a, session(head("g", 4)))
		p.answer(p.next("getMessages"), &chatv1.GetMessagesResponse{Messages: lines("g", 1, 6), FirstSeq: 1, HeadSeq: 6})
		wantSeqs(t, c, "g", 1, 2, 3, 4, 5, 6)
	})
}

func TestUnknownThingsAreIgnored(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c := s.run(s.config())
		p, _ := s.opened(head("g", 0))
		p.raw(`{"jsonrpc":"2.0","method":"fireworks","params":{"colour":"red"}}`)
		p.raw(`{"jsonrpc":"2.0","extra":[1],"method":"message","params":{"more":{},"message":{"conversation":"g","seq":1,"sender":"x","mood":"good"}}}`)
		p.raw(` [{"jsonrpc":"2.0","method":"message","params":{"message":{"conversation":"g","seq":"2","sender":"x","kind":99}}}]`)
		wantSeqs(t, c, "g", 1, 2)
		wantBreaches(t, c)
		if n := c.Counters(); n.Unknown != 1 || n.Received != 3 {
			t.Errorf("counted %+v, want one unknown of three", n)
		}
	})
}

func TestAnswersOfABatchFindTheirCalls(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c := s.run(s.config())
		p, _ := s.opened(head("a", 1), head("b", 1))
		one, two := p.next("getMessages"), p.next("getMessages")
		var parts []string
		for _, a := range []*asked{two, one} {
			req := &chatv1.GetMessagesRequest{}
			a.read(t, req)
			parts = append(parts, fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, a.ID,
				jsonOf(&chatv1.GetMessagesResponse{Messages: lines(req.GetConversation(), 1, 1), FirstSeq: 1, HeadSeq: 1})))
		}
		p.raw("\n[" + strings.Join(parts, ", ") + "]")
		wantSeqs(t, c, "a", 1)
		wantSeqs(t, c, "b", 1)
		wantBreaches(t, c)
	})
}

func TestWhatIsNotTheProtocolIsWrittenDown(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c := s.run(s.config())
		p, _ := s.opened(head("g", 0))
		for _, odd := range []string{
			`{`, `[1,`, `17`, `{"jsonrpc":"2.0","id":"x","result":{}}`, `{"jsonrpc":"2.0","id":99,"result":{}}`,
			`{"jsonrpc":"2.0","method":"message","params":[]}`, `{"jsonrpc":"2.0","method":"message","params":{"message":{"seq":"1"}}}`,
			`{"jsonrpc":"2.0","method":"message","params":{"message":{"conversation":"g"}}}`,
			`{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"not JSON"}}`,
		} {
			before := c.Counters().Violations
			p.raw(odd)
			synctest.Wait()
			if n := c.Counters().Violations - before; n != 1 {
				t.Errorf("%s: %d violations, want 1", odd, n)
			}
		}
		_ = p.frame(2, []byte("binary"))
		synctest.Wait()
		for _, b := range breaches(c) {
			if b != NotProtocol {
				t.Errorf("%s, want that it is not the protocol", b)
			}
		}
		p.message("g", 1)
		wantSeqs(t, c, "g", 1)
	})
}

func TestBrokenPromisesAreWrittenDown(t *testing.T) {
	text := func(seq int64, sender, text string) *chatv1.MessagePush {
		m := line1("g", seq)
		m.Sender, m.Text = sender, text
		return &chatv1.MessagePush{Message: m}
	}
	for name, c := range map[string]struct {
		do   func(p *peer)
		want Breach
	}{
		"another message under the same number": {func(p *peer) {
			p.message("g", 2)
			p.push("message", text(2, "somebody", "else"))
		}, SeqReused},
		"another text without a change": {func(p *peer) {
			p.message("g", 2)
			p.push("message", text(2, "other", "changed"))
		}, SeqReused},
		"history with a hole": {func(p *peer) {
			p.message("g", 5)
			p.answer(p.next("getMessages"), &chatv1.GetMessagesResponse{Messages: lines("g", 4, 5), FirstSeq: 1, HeadSeq: 5})
		}, Hole},
		"a head below the screen": {func(p *peer) {
			p.message("g", 2)
			p.push("resync", &chatv1.ResyncPush{})
			p.answer(p.next("listHeads"), &chatv1.ListHeadsResponse{Heads: []*chatv1.Head{head("g", 1)}})
		}, HeadFell},
		"a mark that moved back": {func(p *peer) {
			p.push("receipt", &chatv1.ReceiptPush{Conversation: "g", User: "me", ReadSeq: 3})
			p.push("resync", &chatv1.ResyncPush{})
			p.answer(p.next("listHeads"), &chatv1.ListHeadsResponse{Heads: []*chatv1.Head{head("g", 1)}})
		}, MarkFell},
		"announced and not stored": {func(p *peer) {
			p.message("g", 3)
			for range maxStuck {
				p.answer(p.next("getMessages"), &chatv1.GetMessagesResponse{FirstSeq: 1, HeadSeq: 1})
			}
		}, Phantom},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *stage) {
				r := s.run(s.config())
				p, _ := s.opened(head("g", 1))
				p.answer(p.next("getMessages"), &chatv1.GetMessagesResponse{Messages: lines("g", 1, 1), FirstSeq: 1, HeadSeq: 1})
				synctest.Wait()
				c.do(p)
				wantBreaches(t, r, c.want)
				p.none(40 * time.Second)
				if ok, why := r.Settled(); !ok {
					t.Error("not settled: " + why)
				}
			})
		})
	}
}

func TestOldLevelIsNoMarkThatMovedBack(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c := s.run(s.config())
		p, _ := s.opened(head("g", 1))
		p.answer(p.next("getMessages"), &chatv1.GetMessagesResponse{Messages: lines("g", 1, 1), FirstSeq: 1, HeadSeq: 1})
		p.push("resync", &chatv1.ResyncPush{})
		a := p.next("listHeads")
		p.message("g", 2) // stored after the heads were read
		p.push("receipt", &chatv1.ReceiptPush{Conversation: "g", User: "me", ReadSeq: 2})
		p.answer(a, &chatv1.ListHeadsResponse{Heads: []*chatv1.Head{head("g", 1)}})
		p.push("receipt", &chatv1.ReceiptPush{Conversation: "g", User: "me", ReadSeq: 1}) // overtaken
		wantBreaches(t, c)
		if v, _ := c.Screen("g"); v.ReadSeq != 2 || v.Fell != 0 || v.Unread != 0 {
			t.Errorf("mark %d, fell %d, unread %d: want 2, 0, 0", v.ReadSeq, v.Fell, v.Unread)
		}
	})
}
