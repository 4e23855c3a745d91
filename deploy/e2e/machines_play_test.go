package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	chatclient "github.com/parley-im/parley/deploy/client/chat"
	chatv1 "github.com/parley-im/parley/proto/chat/v1"
)

// patience with a chatter that noticed that its gateway is gone.
const backWithin = 6 * time.Second

// TestClusterOfManyMachines plays the cluster of deploy/compose on hosts of their own:
// two people sign up from a phone and talk while the host of a worker, and then that of
// a gateway, is cut off and comes back. Nothing is lost, and nothing is there twice.
func TestClusterOfManyMachines(t *testing.T) {
	t.Parallel()
	m := startMachines(t)
	m.whole(t)
	m.probes(t)

	gateways := m.caller(t).gateways(t)
	if len(gateways) != 2 || gateways[0] == gateways[1] {
		t.Fatalf("api tells of %q, want two gateways", gateways)
	}
	ann, bob := m.signUp(t, "ann", gateways...), m.signUp(t, "bob", gateways...)
	ann.goTo(t, gateways[0])
	bob.goTo(t, gateways[1])
	direct := new(chatv1.CreateDirectResponse)
	m.caller(t).call(t, ann.token, "createDirect", &chatv1.CreateDirectRequest{User: bob.id}, direct)
	talk := talking(t, direct.GetConversation().GetId(), ann, bob)

	t.Run("workers are redeployed and no socket drops", func(t *testing.T) {
		before := []int{ann.at().N, bob.at().N}
		for _, w := range m.players("worker") {
			w.Stop(t)
			talk.goesOn(t)
			w.Start(t)
			w.Ready(t)
			m.whole(t)
			talk.goesOn(t)
		}
		if now := []int{ann.at().N, bob.at().N}; now[0] != before[0] || now[1] != before[1] {
			t.Errorf("conns %v have become %v", before, now)
		}
	})
	t.Run("a worker's host is cut off and comes back", func(t *testing.T) {
		host := m.hosts["worker-1"]
		must(t, host.CutOff(t.Context()))
		for _, g := range m.players("gateway") {
			await(t, g, "parley_gateway_workers", 1)
		}
		talk.goesOn(t)
		must(t, host.Heal(t.Context()))
		m.whole(t)
		talk.goesOn(t)
	})
	for _, who := range []*chatter{ann, bob} {
		t.Run("the host of "+who.name+"'s gateway is cut off and comes back", func(t *testing.T) {
			before := who.at()
			host := m.hosts[m.gatewayOf(t, before.Gateway)]
			must(t, host.CutOff(t.Context()))
			m.comesBack(t, who, before)
			if now := who.at(); now.Gateway == before.Gateway {
				t.Errorf("%s is at %s again, which is cut off", who.name, now.Gateway)
			}
			for _, w := range m.players("worker") {
				await(t, w, "parley_worker_links", 1) // they have given it up
			}
			talk.goesOn(t)
			must(t, host.Heal(t.Context()))
			m.whole(t)
			talk.goesOn(t)
		})
	}
	talk.ends(t)
	m.stop(t)
}

// TestClusterBehindItsBalancer is the same with all clients at the balancer: whoever
// comes back through it comes to a gateway that lives.
func TestClusterBehindItsBalancer(t *testing.T) {
	t.Parallel()
	m := startMachines(t)
	if _, ok := m.runs["balancer"]; !ok {
		t.Skip("no haproxy found; install the package haproxy")
	}
	m.whole(t)
	balancer := "ws://" + m.hosts["balancer"].Addr + ":8282/"
	ann, bob := m.signUp(t, "ann", balancer), m.signUp(t, "bob", balancer)
	direct := new(chatv1.CreateDirectResponse)
	m.caller(t).call(t, ann.token, "createDirect", &chatv1.CreateDirectRequest{User: bob.id}, direct)
	talk := talking(t, direct.GetConversation().GetId(), ann, bob)
	for _, name := range []string{"gateway-1", "gateway-2"} {
		t.Run(name+" is redeployed", func(t *testing.T) {
			p := m.runs[name]
			p.Stop(t)
			talk.goesOn(t)
			p.Start(t)
			p.Ready(t)
			m.whole(t)
			talk.goesOn(t)
		})
	}
	for _, name := range []string{"gateway-1", "gateway-2"} {
		t.Run("the host of "+name+" is cut off", func(t *testing.T) {
			befores := map[*chatter]chatclient.ConnRecord{ann: ann.at(), bob: bob.at()}
			conns := sum(t, []player{m.runs[name]}, "parley_gateway_conns")
			must(t, m.hosts[name].CutOff(t.Context()))
			eventually(t, func() bool {
				n := 0.0
				for who, before := range befores {
					if _, _, ok := who.back(before); ok {
						n++
					}
				}
				return n == conns
			}, func() string { return fmt.Sprintf("%g people were there, and not all are back", conns) })
			for who, before := range befores {
				if pause, _, ok := who.back(before); ok {
					t.Logf("%s was back %v after noticing", who.name, pause.Round(time.Millisecond))
					if pause > backWithin {
						t.Errorf("%s was back %v after noticing: want %v", who.name, pause, backWithin)
					}
				}
			}
			talk.goesOn(t)
			must(t, m.hosts[name].Heal(t.Context()))
			m.whole(t)
			talk.goesOn(t)
		})
	}
	talk.ends(t)
	m.stop(t)
}

// gatewayOf is the service whose URL that is.
func (m *machines) gatewayOf(t *testing.T, url string) string {
	t.Helper()
	for name, host := range m.hosts {
		if strings.HasPrefix(name, "gateway-") && strings.Contains(url, "//"+host.Addr+":") {
			return name
		}
	}
	t.Fatalf("nobody is at %s", url)
	return ""
}

// comesBack waits until a chatter has another session than that one, and judges how
// long it took from the moment that it noticed.
func (m *machines) comesBack(t *testing.T, who *chatter, since chatclient.ConnRecord) {
	t.Helper()
	eventually(t, func() bool { _, _, ok := who.back(since); return ok },
		func() string { return fmt.Sprintf("%s is not back: %+v", who.name, who.at()) })
	pause, where, _ := who.back(since)
	t.Logf("%s was back at %s %v after noticing", who.name, where, pause.Round(time.Millisecond))
	if pause > backWithin {
		t.Errorf("%s was back %v after noticing: want %v", who.name, pause, backWithin)
	}
}

// dialogue is two people who both talk all the time.
type dialogue struct {
	id     string
	people []*chatter
	stop   context.CancelFunc
	over   sync.WaitGroup

	mu   sync.Mutex
	said []*chatclient.Sending
}

// sayEvery is how often each of them says something.
const sayEvery = 50 * time.Millisecond

func talking(t *testing.T, id string, people ...*chatter) *dialogue {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	d := &dialogue{id: id, people: people, stop: stop}
	t.Cleanup(func() { stop(); d.over.Wait() })
	for _, p := range people {
		d.over.Go(func() {
			tick := time.NewTicker(sayEvery)
			defer tick.Stop()
			for n := 1; ; n++ {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
				s, err := p.Send(id, fmt.Sprintf("%s %d", p.name, n))
				if err != nil {
					t.Errorf("%s cannot send: %v", p.name, err)
					return
				}
				d.mu.Lock()
				d.said = append(d.said, s)
				d.mu.Unlock()
			}
		})
	}
	return d
}

// goesOn waits until both have seen what the other says now.
func (d *dialogue) goesOn(t *testing.T) {
	t.Helper()
	for _, p := range d.people {
		s, _ := p.Screen(d.id)
		begin := s.Next
		eventually(t, func() bool { s, _ := p.Screen(d.id); return s.Next > begin+int64(len(d.people)) },
			func() string { return p.name + " sees nothing new" })
	}
}

// ends has them fall silent, and compares what was said with what both see.
func (d *dialogue) ends(t *testing.T) {
	t.Helper()
	d.stop()
	d.over.Wait()
	want := map[string]int64{}
	for _, s := range d.said {
		m, err := s.Wait(within(t, everything))
		must(t, err)
		if other, twice := want[m.Text]; twice {
			t.Errorf("%q was stored as %d and as %d", m.Text, other, m.Seq)
		}
		want[m.Text] = m.Seq
	}
	for _, p := range d.people {
		eventually(t, func() bool {
			settled, _ := p.Settled()
			s, _ := p.Screen(d.id)
			return settled && s.Next > int64(len(want))
		}, func() string {
			_, why := p.Settled()
			s, _ := p.Screen(d.id)
			return fmt.Sprintf("%s: %s; it has come to %d of %d", p.name, why, s.Next-1, len(want))
		})
		d.judge(t, p, want)
	}
	t.Logf("%d messages, each once on both screens", len(want))
}

// judge holds a screen against what was stored.
func (d *dialogue) judge(t *testing.T, p *chatter, want map[string]int64) {
	t.Helper()
	s, _ := p.Screen(d.id)
	seen := map[string]int{}
	for i, line := range s.Shown {
		if line.Kind != chatv1.MessageKind_MESSAGE_KIND_TEXT {
			continue
		}
		seen[line.Text]++
		if i > 0 && line.Seq <= s.Shown[i-1].Seq {
			t.Errorf("%s saw %d after %d", p.name, line.Seq, s.Shown[i-1].Seq)
		}
		if want[line.Text] != line.Seq {
			t.Errorf("%s saw %q as %d, it was stored as %d", p.name, line.Text, line.Seq, want[line.Text])
		}
	}
	for text := range want {
		if seen[text] != 1 {
			t.Errorf("%s saw %q %d times", p.name, text, seen[text])
		}
	}
	for _, v := range p.Log().Violations {
		t.Errorf("%s: %+v", p.name, v)
	}
}

// stays keeps a client connected for as long as the test runs.
func stays(t *testing.T, c *chatclient.Client) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("a client ended: %v", err)
		}
	})
}
