package main

import (
	"bytes"
	"fmt"
	"strconv"
	"testing"

	"github.com/parley-im/parley/worker/examples/clustertest"
)

// workers starts processes that share the bench's stream, and returns how to start another.
func (b *bench) workers(c *clustertest.Cluster, tries int) (dir string, start func() *clustertest.Process) {
	b.t.Helper()
	dir = b.t.TempDir()
	return dir, func() *clustertest.Process {
		return c.Process(b.t, "--traces", dir, "--nats", b.url, "--stream", b.stream, "--tries", strconv.Itoa(tries), "--lost-after", "500ms")
	}
}

// TestNoTaskIsLostWhenWorkersAreKilled kills one of two worker processes after the other, as
// kill -9 does, while a client asks and hears.
func TestNoTaskIsLostWhenWorkersAreKilled(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := clustertest.Start(t, clustertest.Config{Workers: -1}, nil)
	dir, start := b.workers(c, 100)
	workers := []*clustertest.Process{start(), start()}
	here, there := dial(t, c.URLs[0]), dial(t, c.URLs[1])
	const tasks, ahead, kills = 50, 15, 6
	asked, queued, done := 0, map[string]int{}, map[string]int{}
	for killed := 0; len(done) < tasks || len(queued) < tasks; {
		for ; asked < min(tasks, len(done)+ahead); asked++ {
			here.asks(strconv.Itoa(asked), "20ms")
		}
		switch o := here.hears(); o.State {
		case "queued":
			queued[o.ID]++
		case "done":
			done[o.ID]++
		default:
			t.Fatalf("heard %+v", o)
		}
		if killed < kills && len(done) > killed*tasks/(kills+1) {
			workers[killed%2].Kill()
			workers[killed%2] = start()
			killed++
		}
	}
	elsewhere := map[string]bool{}
	for len(elsewhere) < tasks {
		elsewhere[there.hears().ID] = true
	}
	for id, n := range queued {
		if n != 1 || done[id] != 1 { // nothing of it is lost, and the gateway has let no repeat pass
			t.Errorf("task %s was queued %d times and done %d times", id, n, done[id])
		}
	}
	eventually(t, "every task is let go of", func() bool { return b.state(b.stream).Msgs == 0 })
	if n := b.state(b.stream).LastSeq; n != tasks {
		t.Errorf("%d tasks were in the queue, want %d", n, tasks)
	}
	if n := effects(t, dir); n != tasks {
		t.Errorf("%d effects, want %d", n, tasks)
	}
	t.Logf("%d tasks were begun %d times", tasks, begun(t, dir, ""))
}

func TestATaskThatFailsEndsWithTheDeadAndHoldsUpNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := clustertest.Start(t, clustertest.Config{Workers: -1}, nil)
	dir, start := b.workers(c, 3)
	start()
	start()
	ann := dial(t, c.URLs[0])
	ann.asks("bad", "fail")
	for i := range 10 {
		ann.asks(fmt.Sprint("good-", i), "10ms")
	}
	good := 0
	for over := false; !over; {
		switch o := ann.hears(); {
		case o.State == "queued":
		case o.State == "done" && o.ID != "bad":
			good++
		case o.State == "failed" && o.ID == "bad":
			over = true
			if o.Message == "it always fails" || o.Message == "" {
				t.Errorf("a client reads %q", o.Message)
			}
		default:
			t.Fatalf("heard %+v", o)
		}
	}
	for good < 10 {
		if o := ann.hears(); o.State == "done" {
			good++
		}
	}
	if n := begun(t, dir, "bad"); n != 3 {
		t.Errorf("it was tried %d times, want 3", n)
	}
	b.isDead(`"ID":"bad"`, "it always fails")
	eventually(t, "every task is let go of", func() bool { return b.state(b.stream).Msgs == 0 })
}

// TestATaskThatCostsWorkersTheirLivesIsGivenUp kills each worker that has begun it.
func TestATaskThatCostsWorkersTheirLivesIsGivenUp(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := clustertest.Start(t, clustertest.Config{Gateways: 1, Workers: -1}, nil)
	dir, start := b.workers(c, 2)
	p := start()
	ann := dial(t, c.URLs[0])
	ann.asks("bad", "1h")
	ann.Hears(`{"id":"bad","state":"queued"}`)
	for n := range 2 {
		eventually(t, "it is begun", func() bool { return begun(t, dir, "bad") == n+1 })
		p.Kill()
		p = start()
	}
	if o := ann.hears(); o.ID != "bad" || o.State != "failed" {
		t.Errorf("heard %+v", o)
	}
	if n := begun(t, dir, "bad"); n != 2 {
		t.Errorf("it was begun %d times, want 2", n)
	}
	b.isDead(`"ID":"bad"`, "its worker was lost each time")
}

// TestAWorkerThatEndsDoesWhatItHasBegun ends the only one in peace: what it has done is told
// by the next one, which does not do it again.
func TestAWorkerThatEndsDoesWhatItHasBegun(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := clustertest.Start(t, clustertest.Config{Gateways: 1, Workers: -1}, nil)
	dir, start := b.workers(c, 5)
	p := start()
	ann := dial(t, c.URLs[0])
	ann.asks("1", "700ms")
	ann.Hears(`{"id":"1","state":"queued"}`)
	eventually(t, "it is begun", func() bool { return begun(t, dir, "1") == 1 })
	p.Stop()
	if n := effects(t, dir); n != 1 {
		t.Errorf("%d effects, want 1", n)
	}
	start()
	if o := ann.hears(); o.ID != "1" || o.State != "done" {
		t.Errorf("heard %+v", o)
	}
	if n := begun(t, dir, "1"); n != 1 {
		t.Errorf("it was begun %d times, want once", n)
	}
}

// isDead wants one task among the dead.
func (b *bench) isDead(task, why string) {
	b.t.Helper()
	s, err := b.js.Stream(b.t.Context(), b.stream+"_DEAD")
	if err != nil {
		b.t.Fatal(err)
	}
	m, err := s.GetLastMsgForSubject(b.t.Context(), b.stream+".dead")
	if err != nil {
		b.t.Fatal(err)
	}
	if n := s.CachedInfo().State.Msgs; n != 1 || m.Header.Get("Task-Error") != why || !bytes.Contains(m.Data, []byte(task)) {
		b.t.Errorf("%d are dead, the last is %s because of %q", n, m.Data, m.Header.Get("Task-Error"))
	}
}
