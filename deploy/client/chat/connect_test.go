package chatclient

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"
	"github.com/parley-im/parley/proto/fault"

	"github.com/parley-im/parley/deploy/client"
)

func TestCloseCodesSayWhetherToComeBack(t *testing.T) {
	for code, again := range map[uint16]bool{
		1000: false, 1001: true, 1002: false, 1003: false, 1007: false, 1008: false, 1009: false, 1010: false,
		1011: true, 1012: true, 1013: true, 1014: false, 3000: false, 3999: false,
		4000: true, 4001: true, 4002: true, 4003: true, 4004: true, 4321: true, 4499: true,
		4500: false, 4501: false, 4502: false, 4503: false, 4504: false, 4505: false, 4999: false, 5000: false,
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			bubble(t, func(t *testing.T, s *stage) {
				cfg := s.config()
				cfg.Tokens.Refresh = "r" // for 4004
				c, p := s.told(cfg, 0)
				x := mustSend(t, c, "g", "x")
				p.sent()
				p.close(code, "why")
				if again {
					s.arrive()
				} else {
					<-c.ended
					var ended *EndedError
					if !errors.As(c.err, &ended) || ended.Code != fault.CloseCode(code) || ended.Reason != "why" {
						t.Errorf("ended with %v, want the close code", c.err)
					}
					if _, err := x.Wait(t.Context()); !errors.As(err, &ended) {
						t.Errorf("the send ended with %v, want the same", err)
					}
					if err := c.Call(t.Context(), "getUsers", &chatv1.GetUsersRequest{}, &chatv1.GetUsersResponse{}); !errors.As(err, &ended) {
						t.Errorf("a call ended with %v, want the same", err)
					}
				}
				if conn := c.Log().Conns[0]; conn.Code != fault.CloseCode(code) || conn.Reason != "why" || conn.Ended == 0 {
					t.Errorf("written down: %+v", conn)
				}
			})
		})
	}
}

func TestLostConnIsComeBackFrom(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c, p := s.told(s.config(), 0)
		p.cut()
		s.opened()
		synctest.Wait()
		if conns := c.Log().Conns; len(conns) != 2 || conns[0].Code != fault.CloseLost || !conns[1].Resumed || conns[1].Live == 0 {
			t.Errorf("written down: %+v", conns)
		}
		if n := c.Counters(); n.Sessions != 2 || n.Resumes != 1 || n.Dials != 2 {
			t.Errorf("counted %+v", n)
		}
	})
}

func TestDrainingGatewaySaysWhenToComeBackAndTheClientGoesElsewhere(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		cfg := s.config()
		cfg.Gateways = []string{"ws://one/", "ws://two/"}
		_, p := s.told(cfg, 0)
		began := time.Now()
		p.close(1012, "retry-after-ms=7000")
		s.arrive()
		if waited := time.Since(began); waited < 7*time.Second || waited > 9*time.Second {
			t.Errorf("came back after %v, want 7s and a little more", waited)
		}
		if s.hosts[0] == s.hosts[1] {
			t.Errorf("came back to %s", s.hosts[1])
		}
	})
}

// The clients of a gateway that leaves do not all go to the one that comes next in their list.
func TestClientsOfOneGatewayAreSpreadOverTheOthers(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		cfg := s.config()
		cfg.Gateways = []string{"ws://one/", "ws://two/", "ws://three/", "ws://four/"}
		c, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		const n = 3000
		came := map[string]int{}
		for range n {
			c.gateway = "ws://two/"
			c.elsewhere(t.Context())
			came[c.gateway]++
		}
		for _, g := range []string{"ws://one/", "ws://three/", "ws://four/"} {
			if came[g] < n/3-150 || came[g] > n/3+150 { // nearly six sigmas
				t.Errorf("spread as %v", came)
			}
		}
	})
}

// Who is told where the gateways are goes to the first that he does not come from; else to
// one of those he knows.
func TestClientGoesWhereItIsTold(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		told, failed := []string{"ws://one/", "ws://new/", "ws://two/"}, error(nil)
		cfg := s.config()
		cfg.Gateways = []string{"ws://one/", "ws://two/"}
		cfg.Find = func(ctx) ([]string, error) { return told, failed }
		c, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			told []string
			err  error
			want string
		}{
			{told, nil, "ws://new/"},
			{told, nil, "ws://one/"},
			{nil, errors.New("api is away"), "ws://two/"},
			{nil, nil, "ws://one/"},
			{[]string{"ws://one/"}, nil, "ws://one/"}, // there is no other
		} {
			if told, failed = step.told, step.err; c.gateway == "ws://two/" && step.want == "ws://new/" {
				c.gateway = "ws://one/" // it begins at one by chance
			}
			if c.elsewhere(t.Context()); c.gateway != step.want {
				t.Errorf("told %v, %v: went to %s, want %s", step.told, step.err, c.gateway, step.want)
			}
		}
	})
}

func TestDelaysAreReadFromWhatServersSay(t *testing.T) {
	for reason, want := range map[string]time.Duration{
		"retry-after-ms=1234": 1234 * time.Millisecond, "restart; retry-after-ms=5, soon": 5 * time.Millisecond, "": 0,
		"retry-after-ms=": 0, "retry-after-ms=-5": 0, "retry-after-ms=99999999999999999999": 0, "retry-after-ms=999999999": maxRetryAfter,
	} {
		if got := afterIn(reason); got != want {
			t.Errorf("%q: got %v, want %v", reason, got, want)
		}
	}
	for header, want := range map[string]time.Duration{
		"3": 3 * time.Second, " 3 ": 3 * time.Second, "": 0, "-1": 0, "Wed, 21 Oct 2026 07:28:00 GMT": 0, "999999": maxRetryAfter,
	} {
		if got := seconds(header); got != want {
			t.Errorf("%q: got %v, want %v", header, got, want)
		}
	}
	for status, again := range map[int]bool{101: false, 301: false, 400: false, 401: false, 403: false, 404: false, 426: false, 408: true, 429: true, 500: true, 502: true, 503: true, 504: true} {
		if e := endingOf(&client.Refused{Status: status, RetryAfter: "3"}); e.again != again || e.after != 3*time.Second {
			t.Errorf("status %d: got %+v, want again %v", status, e, again)
		}
	}
}

func TestSlowReaderComesBackAtOnceButNotTwice(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c, p := s.told(s.config(), 1)
		began := time.Now()
		p.close(4001, "")
		p, req := s.opened(head("g", 3)) // two were missed
		if waited := time.Since(began); waited != 0 {
			t.Errorf("came back after %v, want at once", waited)
		}
		if req.GetCursor() != "c1" {
			t.Errorf("came back with cursor %q", req.GetCursor())
		}
		p.answer(p.next("getMessages"), &chatv1.GetMessagesResponse{Messages: lines("g", 2, 3), FirstSeq: 1, HeadSeq: 3})
		wantSeqs(t, c, "g", 1, 2, 3)
		began = time.Now()
		p.close(4001, "")
		p, _ = s.opened()
		if waited := time.Since(began); waited == 0 {
			t.Error("came back at once again, and will for ever")
		}
		time.Sleep(11 * time.Second) // a good conn again
		began = time.Now()
		p.close(4001, "")
		s.arrive()
		if waited := time.Since(began); waited != 0 {
			t.Errorf("came back after %v, want at once", waited)
		}
	})
}

func TestPausesGrowAndAGoodConnResetsThem(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		s.setDown(true)
		c := s.run(s.config())
		time.Sleep(10 * time.Minute)
		s.setDown(false)
		p, _ := s.opened()
		dials := s.dialled()
		var pauses []time.Duration
		for i := range len(dials) - 1 {
			pauses = append(pauses, dials[i+1].Sub(dials[i]))
		}
		for i, pause := range pauses {
			if top := min(500*time.Millisecond<<min(i, 10), 30*time.Second); pause > top {
				t.Errorf("pause %d was %v, want at most %v", i, pause, top)
			}
		}
		// By chance a pause is anything up to the top, so on average half of it.
		if n := len(dials); n < 25 || n > 90 {
			t.Errorf("%d dials in 10 minutes, want about 45", n)
		}
		if n := c.Counters(); n.FailedDials != int64(len(dials)-1) {
			t.Errorf("counted %d failed dials of %d", n.FailedDials, len(dials))
		}
		time.Sleep(20 * time.Second)
		began := time.Now()
		p.cut()
		s.arrive()
		if waited := time.Since(began); waited > 500*time.Millisecond {
			t.Errorf("after a good conn came back after %v, want at most 500ms", waited)
		}
	})
}

func TestConnWithoutASessionIsNoGoodOne(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		s.handle("openSession", func(p *peer, _ *asked) { p.cut() })
		s.run(s.config())
		time.Sleep(10 * time.Minute)
		if n := len(s.dialled()); n > 90 {
			t.Errorf("%d dials in 10 minutes, want about 45", n)
		}
	})
}

func TestManyClientsAreNoStorm(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		const clients = 200
		s.handle("openSession", func(p *peer, a *asked) { p.answer(a, session()) })
		for range clients {
			s.run(s.config())
		}
		var peers []*peer
		for range clients {
			peers = append(peers, s.arrive())
		}
		time.Sleep(20 * time.Second)
		s.setDown(true)
		began := time.Now()
		for _, p := range peers {
			p.cut()
		}
		time.Sleep(20 * time.Second)
		perSecond := map[int]int{}
		for _, at := range s.dialled()[clients:] {
			perSecond[int(at.Sub(began)/time.Second)]++
		}
		t.Log("dials per second:", perSecond)
		for second, n := range perSecond {
			if most := 4 * clients; second == 0 && n > most || second >= 5 && n > clients/2 {
				t.Errorf("%d dials in second %d of %d clients", n, second, clients)
			}
		}
		// All at once is what has to be avoided too: no tenth of the first second has half of them.
		tenths := map[int]int{}
		for _, at := range s.dialled()[clients:] {
			tenths[int(at.Sub(began)/(100*time.Millisecond))]++
		}
		for tenth, n := range tenths {
			if n > clients*6/10 {
				t.Errorf("%d dials in tenth %d", n, tenth)
			}
		}
	})
}

func TestAnotherGatewayIsTriedWhenOneFails(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		cfg := s.config()
		cfg.Gateways = []string{"ws://dead/", "ws://alive/"}
		dial := cfg.Socket.Dial
		cfg.Socket.Dial = func(ctx ctx, network, addr string) (net.Conn, error) {
			if addr == "dead:80" {
				return nil, errors.New("nobody is there")
			}
			return dial(ctx, network, addr)
		}
		began := time.Now()
		for range 5 {
			c := s.run(cfg)
			s.opened()
			synctest.Wait()
			if conns := c.Log().Conns; conns[len(conns)-1].Gateway != "ws://alive/" {
				t.Errorf("conns: %+v", conns)
			}
		}
		if waited := time.Since(began); waited > 5*500*time.Millisecond {
			t.Errorf("took %v", waited)
		}
	})
}

func TestRefusalsOfTheHandshake(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		statuses := []int{503, 403}
		s.refuse = func() (int, string) {
			status := statuses[0]
			statuses = statuses[1:]
			return status, "Retry-After: 60\r\n"
		}
		began := time.Now()
		c := s.run(s.config())
		<-c.ended
		if waited := time.Since(began); waited < time.Minute || waited > 80*time.Second {
			t.Errorf("came back after %v, want a minute and a little more", waited)
		}
		var ended *EndedError
		if !errors.As(c.err, &ended) {
			t.Errorf("ended with %v", c.err)
		}
	})
}

func TestSilentConnIsGivenUp(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c, p := s.told(s.config(), 0) // the server says something every 25s
		for range 5 {
			time.Sleep(49 * time.Second)
			_ = p.frame(9, nil) // a ping counts
		}
		began := time.Now()
		s.opened()
		if waited := time.Since(began); waited < 50*time.Second || waited > 51*time.Second {
			t.Errorf("given up after %v, want 50s", waited)
		}
		if conn := c.Log().Conns[0]; conn.Code != fault.CloseLost {
			t.Errorf("written down: %+v", conn)
		}
	})
}

func TestSessionThatIsNotAnsweredIsTriedElsewhere(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		s.run(s.config())
		p := s.arrive()
		p.next("openSession")
		began := time.Now()
		s.opened()
		if waited := time.Since(began); waited < 15*time.Second || waited > 16*time.Second {
			t.Errorf("given up after %v, want 15s", waited)
		}
	})
}

func TestTemporaryErrorOfOpenSessionIsTriedAgainOnTheSameConn(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c := s.run(s.config())
		p := s.arrive()
		began := time.Now()
		p.fail(p.next("openSession"), fault.Unavailable, 2*time.Second)
		p.answer(p.next("openSession"), session())
		if waited := time.Since(began); waited < 2*time.Second || waited > 3*time.Second {
			t.Errorf("tried again after %v, want 2s and a little more", waited)
		}
		if err := c.WaitLive(t.Context()); err != nil || c.User() != "me" {
			t.Errorf("live: %v, as %q", err, c.User())
		}
	})
}

func TestEndOfRunSaysGoodbyeAndCanBeTakenBack(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c, p := s.told(s.config(), 1)
		c.stop()
		if code := <-p.closed; code != 1000 {
			t.Errorf("closed with %d, want 1000", code)
		}
		<-c.ended
		if c.err != nil {
			t.Errorf("ended with %v, want no error", c.err)
		}
		again := s.again(c.Client)
		p, req := s.opened(head("g", 2))
		if req.GetCursor() != "c1" {
			t.Errorf("came back with cursor %q", req.GetCursor())
		}
		p.answer(p.next("getMessages"), &chatv1.GetMessagesResponse{Messages: lines("g", 2, 2), FirstSeq: 1, HeadSeq: 2})
		wantSeqs(t, again, "g", 1, 2)
	})
}

func TestEndOfRunDoesNotWaitForAServerThatIsGone(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		ours, theirs := net.Pipe() // nobody reads
		defer ours.Close()
		cfg := s.config()
		cfg.Socket.Dial = func(ctx, string, string) (net.Conn, error) { return theirs, nil }
		c := s.run(cfg)
		synctest.Wait()
		began := time.Now()
		c.stop()
		<-c.ended
		if waited := time.Since(began); waited > 10*time.Second {
			t.Errorf("took %v", waited)
		}
	})
}

func TestRoomsThatWereOpenAreOpenedAgain(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		room := func(seq int64) *chatv1.Conversation {
			h := head("room", seq)
			h.Type = chatv1.ConversationType_CONVERSATION_TYPE_ROOM
			return &chatv1.Conversation{Id: "room", Type: h.GetType(), Name: "lobby", Role: chatv1.Role_ROLE_MEMBER, Head: h}
		}
		c := s.run(s.config())
		p, _ := s.opened(room(5).GetHead())
		p.none(10 * time.Second) // it is not looked at
		p.message("room", 6)
		p.none(10 * time.Second)
		go func() {
			p.answer(p.next("openConversation"), &chatv1.OpenConversationResponse{Conversation: room(7)})
		}()
		if _, err := c.OpenConversation(t.Context(), "room"); err != nil {
			t.Fatal(err)
		}
		p.answer(p.next("getMessages"), &chatv1.GetMessagesResponse{Messages: lines("room", 1, 7), FirstSeq: 1, HeadSeq: 7})
		p.message("room", 8)
		wantSeqs(t, c, "room", 1, 2, 3, 4, 5, 6, 7, 8)

		p.cut()
		p, _ = s.opened(room(9).GetHead())
		p.answer(p.next("openConversation"), &chatv1.OpenConversationResponse{Conversation: room(10)})
		p.answer(p.next("getMessages"), &chatv1.GetMessagesResponse{Messages: lines("room", 9, 10), FirstSeq: 1, HeadSeq: 10})
		p.message("room", 11)
		wantSeqs(t, c, "room", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)

		go func() { p.answer(p.next("closeConversation"), &chatv1.CloseConversationResponse{}) }()
		if _, err := c.CloseConversation(t.Context(), "room"); err != nil {
			t.Fatal(err)
		}
		p.message("room", 12) // was on its way
		p.cut()
		p, _ = s.opened(room(20).GetHead())
		p.none(10 * time.Second)
		wantSeqs(t, c, "room", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
		wantBreaches(t, c)
	})
}

func TestRoomIsLookedAtFromOutside(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		h := &chatv1.Head{Conversation: "room", Seq: 2, Left: true, Type: chatv1.ConversationType_CONVERSATION_TYPE_ROOM}
		room := &chatv1.Conversation{Id: "room", Type: h.GetType(), Head: h}
		c := s.run(s.config())
		p, _ := s.opened()
		s.handle("openConversation", func(p *peer, a *asked) { p.answer(a, &chatv1.OpenConversationResponse{Conversation: room}) })
		if _, err := c.OpenConversation(t.Context(), "room"); err != nil {
			t.Fatal(err)
		}
		p.answer(p.next("getMessages"), &chatv1.GetMessagesResponse{Messages: lines("room", 1, 2), FirstSeq: 1, HeadSeq: 2})
		p.message("room", 3)
		wantSeqs(t, c, "room", 1, 2, 3)
		// It is not among the heads, so after a resync it is opened once more.
		s.handle("listHeads", func(p *peer, a *asked) { p.answer(a, &chatv1.ListHeadsResponse{Complete: proto.Bool(true)}) })
		h.Seq = 4
		p.push("resync", &chatv1.ResyncPush{})
		p.answer(p.next("getMessages"), &chatv1.GetMessagesResponse{Messages: lines("room", 4, 4), FirstSeq: 1, HeadSeq: 4})
		wantSeqs(t, c, "room", 1, 2, 3, 4)
		if v, _ := c.Screen("room"); !v.Left || !v.Open || v.Unread != 0 {
			t.Errorf("screen: %+v", v)
		}
		wantBreaches(t, c)
	})
}

func TestCursorCountsWhenAllPagesHaveCome(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c := s.run(s.config())
		p := s.arrive()
		res := session(head("a", 0))
		res.Cursor, res.More = "page2", proto.Bool(true)
		p.answer(p.next("openSession"), res)
		a, req := p.next("listHeads"), &chatv1.ListHeadsRequest{}
		if a.read(t, req); req.GetCursor() != "page2" {
			t.Errorf("asks for %q, want page2", req.GetCursor())
		}
		p.cut()
		p = s.arrive()
		a = p.next("openSession")
		open := &chatv1.OpenSessionRequest{}
		if a.read(t, open); open.GetCursor() != "" {
			t.Errorf("comes back with the cursor of a page, %q", open.GetCursor())
		}
		p.answer(a, res)
		p.answer(p.next("listHeads"), &chatv1.ListHeadsResponse{Heads: []*chatv1.Head{head("b", 0)}, Cursor: "page3", More: proto.Bool(true), Complete: proto.Bool(true)})
		p.fail(p.next("listHeads"), fault.Unavailable, 0)
		a = p.next("listHeads")
		if a.read(t, req); req.GetCursor() != "page3" {
			t.Errorf("asks for %q, want page3", req.GetCursor())
		}
		p.answer(a, &chatv1.ListHeadsResponse{Cursor: "end", Complete: proto.Bool(true)})
		synctest.Wait()
		if v := c.Log().Conversations; v["a"].Left || v["b"].Left || len(v) != 2 {
			t.Errorf("conversations: %+v", v)
		}
		p.cut()
		if _, open = s.opened(); open.GetCursor() != "end" {
			t.Errorf("comes back with cursor %q", open.GetCursor())
		}
	})
}

func TestWhatIsNotAmongAllHeadsIsGone(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c := s.run(s.config())
		p, _ := s.opened(head("stays", 0), head("goes", 0), head("left", 0))
		synctest.Wait()
		p.push("resync", &chatv1.ResyncPush{})
		a := p.next("listHeads")
		// Made while the heads were read: not among them, and not gone.
		p.push("conversationChanged", &chatv1.ConversationChangedPush{Conversation: &chatv1.Conversation{Id: "new", Type: 2}})
		p.answer(p.next("getConversation"), &chatv1.GetConversationResponse{Conversation: &chatv1.Conversation{Id: "new", Type: 2, Head: head("new", 0)}})
		p.answer(a, &chatv1.ListHeadsResponse{Heads: []*chatv1.Head{head("stays", 0), {Conversation: "left", Left: true}}, Complete: proto.Bool(true)})
		synctest.Wait()
		var left []string
		for id, v := range c.Log().Conversations {
			if v.Left {
				left = append(left, id)
			}
		}
		if slices.Sort(left); !slices.Equal(left, []string{"goes", "left"}) {
			t.Errorf("gone: %v, want goes and left", left)
		}
	})
}

func TestResyncComparesHeads(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c, p := s.told(s.config(), 1)
		p.push("resync", &chatv1.ResyncPush{})
		a, req := p.next("listHeads"), &chatv1.ListHeadsRequest{}
		if a.read(t, req); req.GetCursor() != "c1" {
			t.Errorf("asks with cursor %q, want the newest", req.GetCursor())
		}
		p.push("resync", &chatv1.ResyncPush{}) // about what came after these heads were read
		p.push("resync", &chatv1.ResyncPush{})
		p.answer(a, &chatv1.ListHeadsResponse{Heads: []*chatv1.Head{head("g", 2)}, Cursor: "c2"})
		for range 2 {
			select {
			case a := <-p.calls:
				if a.Method == "getMessages" {
					p.answer(a, &chatv1.GetMessagesResponse{Messages: lines("g", 2, 2), FirstSeq: 1, HeadSeq: 2})
					continue
				}
				if a.read(t, req); a.Method != "listHeads" || req.GetCursor() != "c2" {
					t.Errorf("asks %s with %q", a.Method, req.GetCursor())
				}
				p.answer(a, &chatv1.ListHeadsResponse{Cursor: "c3"})
			case <-time.After(time.Second):
				t.Fatal("asks for nothing")
			}
		}
		p.none(40 * time.Second)
		wantSeqs(t, c, "g", 1, 2)
	})
}

func TestResyncBeforeTheSessionIsOpenComparesHeadsOnceMore(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		s.run(s.config())
		p := s.arrive()
		a := p.next("openSession")
		p.push("resync", &chatv1.ResyncPush{}) // about what came after the heads of the answer were read
		p.answer(a, session())
		p.answer(p.next("listHeads"), &chatv1.ListHeadsResponse{Cursor: "c2"})
		p.none(40 * time.Second)
	})
}

func TestWhoIsAddedAgainSeesWhatIsSentFromThenOn(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c, p := s.told(s.config(), 3)
		go func() { p.answer(p.next("leaveConversation"), &chatv1.LeaveConversationResponse{}) }()
		if _, err := c.LeaveConversation(t.Context(), "g"); err != nil {
			t.Fatal(err)
		}
		if v, _ := c.Screen("g"); !v.Left || v.Unread != 0 {
			t.Errorf("screen: %+v", v)
		}
		p.message("g", 9) // added again with 8
		h := head("g", 9)
		h.FromSeq = 8
		p.answer(p.next("getConversation"), &chatv1.GetConversationResponse{Conversation: &chatv1.Conversation{Id: "g", Type: 2, Head: h}})
		p.answer(p.next("getMessages"), &chatv1.GetMessagesResponse{Messages: lines("g", 8, 9), FirstSeq: 8, HeadSeq: 9})
		wantSeqs(t, c, "g", 1, 2, 3, 8, 9)
		wantBreaches(t, c)
	})
}

func TestNewsThatComesWhileAConversationIsAskedForIsNotForgotten(t *testing.T) {
	for name, in := range map[string]bool{"the answer says in": true, "the answer says out": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *stage) {
				c, p := s.told(s.config(), 1)
				changed := &chatv1.ConversationChangedPush{Conversation: &chatv1.Conversation{Id: "g", Type: 2}, Left: true}
				view := &chatv1.GetConversationResponse{Conversation: &chatv1.Conversation{Id: "g", Type: 2, Head: head("g", 1)}}
				p.push("conversationChanged", changed)
				a := p.next("getConversation")
				p.push("conversationChanged", &chatv1.ConversationChangedPush{Conversation: changed.GetConversation(), Left: in}) // after it was looked up
				if in {
					p.answer(a, view)
					p.fail(p.next("getConversation"), fault.NotFound, 0)
				} else {
					p.fail(a, fault.NotFound, 0)
					p.answer(p.next("getConversation"), view)
				}
				p.none(40 * time.Second)
				if v, _ := c.Screen("g"); v.Left != in {
					t.Errorf("left: %v, want %v", v.Left, in)
				}
			})
		})
	}
}

// Heads are read at one moment and come at another: what was pushed in between may be
// newer, whichever way round.
func TestPushBesideHeadsThatSayOtherwiseIsAskedAbout(t *testing.T) {
	for name, answer := range map[string]*chatv1.ListHeadsResponse{
		"left":                {Heads: []*chatv1.Head{{Conversation: "g", Left: true, Type: 2}}},
		"not among all heads": {Complete: proto.Bool(true)},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *stage) {
				c, p := s.told(s.config(), 1)
				p.push("resync", &chatv1.ResyncPush{})
				a := p.next("listHeads")
				p.message("g", 3) // the user was added again with 2
				p.answer(a, answer)
				h := head("g", 3)
				h.FromSeq = 2
				p.answer(p.next("getConversation"), &chatv1.GetConversationResponse{Conversation: &chatv1.Conversation{Id: "g", Type: 2, Head: h}})
				p.answer(p.next("getMessages"), &chatv1.GetMessagesResponse{Messages: lines("g", 2, 3), FirstSeq: 2, HeadSeq: 3})
				wantSeqs(t, c, "g", 1, 2, 3)
				p.none(40 * time.Second)
			})
		})
	}
}

func TestPresenceIsAskedForAgainAndOlderNewsIsIgnored(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c, p := s.told(s.config(), 0)
		news := func(user string, online bool, owner string, counter int64) {
			p.push("presence", &chatv1.PresencePush{Presence: &chatv1.Presence{User: user, Online: online, Owner: owner, Counter: counter}})
		}
		want := func(user string, known, online bool) {
			t.Helper()
			synctest.Wait()
			if got, ok := c.Log().Presence[user]; ok != known || got.Online != online {
				t.Errorf("%s: got %+v, %v", user, got, ok)
			}
		}
		c.Watch("a", "b")
		p.answer(p.next("getPresence"), &chatv1.GetPresenceResponse{Presences: []*chatv1.Presence{{User: "a", Owner: "w1", Counter: 5}, {User: "b", Online: true, Owner: "w1", Counter: 6}}})
		want("a", true, false)
		want("b", true, true)
		news("a", true, "w1", 7)
		news("a", false, "w1", 6) // overtaken
		want("a", true, true)
		news("a", false, "w2", 1) // another owner: the later counts
		want("a", true, false)
		p.cut()
		p, _ = s.opened()
		a, req := p.next("getPresence"), &chatv1.GetPresenceRequest{}
		if a.read(t, req); !slices.Equal(req.GetUsers(), []string{"a", "b"}) {
			t.Errorf("asks for %v", req.GetUsers())
		}
		p.answer(a, &chatv1.GetPresenceResponse{Presences: []*chatv1.Presence{{User: "a", Online: true, Owner: "w3", Counter: 1}}})
		want("a", true, true)
		want("b", false, false) // shares nothing with the user any more

		p.push("resync", &chatv1.ResyncPush{})
		p.answer(p.next("listHeads"), &chatv1.ListHeadsResponse{})
		a = p.next("getPresence")
		news("a", false, "w1", 9) // which whoever answers had not heard of
		p.answer(a, &chatv1.GetPresenceResponse{Presences: []*chatv1.Presence{{User: "a", Online: true, Owner: "w3", Counter: 2}}})
		want("a", true, false)
		p.answer(p.next("getPresence"), &chatv1.GetPresenceResponse{Presences: []*chatv1.Presence{{User: "a", Owner: "w3", Counter: 3}}})
		want("a", true, false)
	})
}

func TestTypingEndsByItself(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		c, p := s.told(s.config(), 0)
		p.push("typing", &chatv1.TypingPush{Conversation: "g", User: "a", Typing: true})
		p.push("typing", &chatv1.TypingPush{Conversation: "g", User: "b", Typing: true})
		p.push("typing", &chatv1.TypingPush{Conversation: "g", User: "b"})
		synctest.Wait()
		if v, _ := c.Screen("g"); !slices.Equal(v.Typing, []string{"a"}) {
			t.Errorf("type: %v, want a", v.Typing)
		}
		time.Sleep(typingLasts)
		if v, _ := c.Screen("g"); len(v.Typing) != 0 {
			t.Errorf("type: %v, want nobody", v.Typing)
		}
	})
}

func TestClientTakesTwoGoroutines(t *testing.T) {
	bubble(t, func(t *testing.T, s *stage) {
		const clients = 100
		s.handle("openSession", func(p *peer, a *asked) { p.answer(a, session(head("g", 0))) })
		before := runtime.NumGoroutine()
		for range clients {
			s.run(s.config())
			s.arrive()
		}
		synctest.Wait()
		// One more of each is the stage's.
		if n := runtime.NumGoroutine() - before; n > 3*clients {
			t.Errorf("%d clients and their peers take %d goroutines", clients, n)
		}
	})
}
