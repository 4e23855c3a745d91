package register

import (
	"testing"
	"time"

	registerv1 "github.com/parley-im/parley/proto/register/v1"
	"github.com/parley-im/parley/register/handshake"
)

// idle is a client that does not run.
func idle(t *testing.T) *Client {
	t.Helper()
	c, err := New(Config{
		Registers: []string{"127.0.0.1:1"}, Identity: handshake.Identity{Role: "worker", Node: "w-1", Boot: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSnapshotFromBeforeOurJoinMakesNoViewReady(t *testing.T) {
	c := idle(t)
	v := c.Watch("gateway")
	if err := c.Join(Member{}); err != nil {
		t.Fatal(err)
	}
	c.snapshot("r1", v.role, &registerv1.State{}, all(7), false)
	if isClosed(v.Ready()) {
		t.Error("ready with a snapshot that came before our lease was confirmed")
	}
	if len(v.Members()) != 1 {
		t.Error("what is known already is not in the view")
	}
	c.snapshot("r1", v.role, &registerv1.State{}, all(7), true)
	if !isClosed(v.Ready()) {
		t.Error("not ready with a snapshot from after our join")
	}
}

func TestOwnPauseIsNoticedByTheClient(t *testing.T) {
	c := idle(t)
	v := c.Watch("gateway")
	c.running = true
	c.snapshot("r1", v.role, &registerv1.State{}, all(7), true)
	c.snapshot("r1", v.role, &registerv1.State{}, nil, true)
	c.start = c.start.Add(-time.Hour) // an hour passes in which nothing here runs
	c.mu.Lock()
	c.roles["gateway"].merge.tick(c.observe())
	c.mu.Unlock()
	if len(v.Members()) != 1 {
		t.Error("the time in which this process stood still counts as the member's silence")
	}
}

func TestLongestLeaseSetsThePatience(t *testing.T) {
	c := idle(t)
	v := c.Watch("gateway")
	c.snapshot("r1", v.role, &registerv1.State{LeaseMs: 10_000}, nil, true)
	c.snapshot("r2", v.role, &registerv1.State{LeaseMs: 1_000}, nil, true)
	if got := v.role.merge.patience; got != 30*time.Second {
		t.Errorf("got %v", got)
	}
}
