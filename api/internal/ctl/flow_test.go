package ctl

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

// steps makes the cluster change with each look at its counts.
func (f *fake) steps(list ...func()) {
	begun := false
	f.shed = func(*pushv1.ShedGatewayRequest) { begun = true }
	f.drained = func(*pushv1.DrainNodeRequest) { begun = true }
	f.before = func(method string) error {
		if begun && method == "getTotals" && len(list) > 0 {
			list[0]()
			list = list[1:]
		}
		return nil
	}
}

// leave takes a node out of the directory.
func (f *fake) leave(node string) {
	f.members.Members = slices.DeleteFunc(slices.Clone(f.members.GetMembers()), func(m *pushv1.Member) bool { return m.GetNode() == node })
}

func TestShedShowsWhereClientsGoUntilTheyAreThere(t *testing.T) {
	d := sit(t)
	set := func(a, b, c int32) func() {
		return func() { d.fake.counts = countsOf(map[string]int32{"gw-1": a, "gw-2": b, "gw-3": c}) }
	}
	now := noon
	d.now = func() time.Time { now = now.Add(time.Second); return now } // each look is a second later
	d.fake.counts = countsOf(map[string]int32{"gw-1": 200, "gw-2": 50, "gw-3": 50})
	d.fake.steps(set(180, 60, 58), set(150, 75, 75), set(150, 75, 75), set(150, 75, 75))
	if err := d.Shed(t.Context(), Shed{Gateway: "gw-1", Share: 0.25, Over: 3 * time.Second}); err != nil {
		t.Fatal(err)
	}
	d.want(t, "shed")
	if !slices.Contains(d.fake.asked, `shedGateway {"node":"gw-1","share":0.25,"window":"3s"}`) {
		t.Errorf("asked %q", d.fake.asked)
	}
}

func TestShedDoesNotWaitForClientsThatStayAway(t *testing.T) {
	d := sit(t)
	now := noon
	d.now = func() time.Time { now = now.Add(5 * time.Second); return now }
	d.fake.steps(func() { d.fake.counts = countsOf(map[string]int32{"gw-1": 600, "gw-2": 1201}, "gw-3") })
	d.JSON = true
	err := d.Shed(t.Context(), Shed{Gateway: "gw-1", Share: 0.5, Over: time.Second})
	if ExitCode(err) != ExitPartial || !strings.Contains(err.Error(), "gw-3") {
		t.Errorf("got %v", err)
	}
	var got shedResult
	if err := json.Unmarshal(d.out.Bytes(), &got); err != nil || got.Asked != 602 || got.Before["gw-1"] != 1204 || got.After["gw-1"] != 600 {
		t.Errorf("%+v, %v", got, err)
	}
	if took := now.Sub(noon); took > time.Minute {
		t.Errorf("it waited for %v", took)
	}
}

func TestShedOfTheOnlyGatewayIsRefused(t *testing.T) {
	d := sit(t)
	d.fake.counts = countsOf(map[string]int32{"gw-1": 10})
	d.fake.leave("gw-2")
	d.fake.leave("gw-3")
	err := d.Shed(t.Context(), Shed{Gateway: "gw-1", Share: 0.5, Over: time.Second})
	if ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), "only gateway") {
		t.Errorf("got %v", err)
	}
}

func TestDrainOfAGatewayShowsWhereClientsGoUntilItIsGone(t *testing.T) {
	d := sit(t)
	set := func(conns map[string]int32) func() {
		return func() { d.fake.counts = countsOf(conns); d.fake.leave("gw-1") }
	}
	d.fake.counts = countsOf(map[string]int32{"gw-1": 200, "gw-2": 50, "gw-3": 50})
	d.fake.steps(set(map[string]int32{"gw-1": 100, "gw-2": 90, "gw-3": 80}), set(map[string]int32{"gw-1": 0, "gw-2": 150, "gw-3": 140}), set(map[string]int32{"gw-2": 155, "gw-3": 145}))
	if err := d.Drain(t.Context(), Drain{Node: "gw-1"}); err != nil {
		t.Fatal(err)
	}
	d.want(t, "drain-gateway")
}

func TestDrainKnowsALaterLifeOfTheName(t *testing.T) {
	d := sit(t)
	d.fake.steps(func() {
		d.fake.leave("gw-1") // and is started again at once
		d.fake.members.Members = append(d.fake.members.GetMembers(), &pushv1.Member{Role: "gateway", Node: "gw-1", Boot: "99"})
		d.fake.counts = countsOf(map[string]int32{"gw-1": 3, "gw-2": 1801, "gw-3": 611})
	}, func() {})
	if err := d.Drain(t.Context(), Drain{Node: "gw-1", Role: "gateway"}); err != nil {
		t.Fatal(err)
	}
	d.want(t, "drain-reborn")
}

func TestDrainOfAWorkerWaitsUntilItHasLeft(t *testing.T) {
	d := sit(t)
	workers := d.fake.counts.GetWorkers()
	d.fake.steps(
		func() { d.fake.leave("work-2") },
		func() { workers["work-2"] = &pushv1.WorkerCounts{Conns: 7, Draining: true} },
		func() { delete(workers, "work-2") },
	)
	if err := d.Drain(t.Context(), Drain{Node: "work-2"}); err != nil {
		t.Fatal(err)
	}
	d.want(t, "drain-worker")
	if !slices.Contains(d.fake.asked, `drainNode {"role":"worker","node":"work-2"}`) {
		t.Errorf("asked %q", d.fake.asked)
	}
}

func TestANameOfTwoRolesIsNotGuessed(t *testing.T) {
	d := sit(t)
	d.fake.members.Members = append(d.fake.members.Members, &pushv1.Member{Role: "worker", Node: "gw-1", Boot: "77"})
	d.fake.steps(func() { d.fake.leave("gw-1") }, func() {})
	if err := d.Drain(t.Context(), Drain{Node: "gw-1"}); ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), "--role") {
		t.Errorf("got %v", err)
	}
	if err := d.Drain(t.Context(), Drain{Node: "gw-1", Role: "worker"}); err != nil || !strings.Contains(d.errs.String(), "worker gw-1") {
		t.Errorf("got %v, %s", err, d.errs.String())
	}
}

func TestInterruptedItSaysSo(t *testing.T) {
	d := sit(t)
	ctx, cancel := context.WithCancel(t.Context())
	d.fake.steps(func() { cancel() })
	if err := d.Drain(ctx, Drain{Node: "gw-1"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestProgressOfATerminalStaysInOneLine(t *testing.T) {
	for _, terminal := range []bool{true, false} {
		var b strings.Builder
		p := &progress{w: &b, terminal: terminal}
		for _, text := range []string{"a", "a", "bb"} {
			p.show(text)
		}
		p.end()
		want := "a\nbb\n"
		if terminal {
			want = "\ra\x1b[K\rbb\x1b[K\n"
		}
		if b.String() != want {
			t.Errorf("terminal %v: %q, want %q", terminal, b.String(), want)
		}
	}
}
