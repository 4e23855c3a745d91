package proc

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestProcessIsReadyThenEndsInOrder(t *testing.T) {
	f, out := fleet(t)
	p := started(t, f, server(t, "a"))
	if err := p.Ready(within(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err == nil {
		t.Error("started twice")
	}
	m, err := p.Metrics()
	if err != nil || m["moves"] != 3 || m.Sum("frames") != 7 {
		t.Errorf("metrics %v, %v: want moves 3, frames 7 in all", m, err)
	}
	e, err := p.Stop(within(t, 10*time.Second))
	if err != nil || e.Code != 0 || e.Signal != 0 {
		t.Errorf("stopped with %v, %v: want exit status 0", e, err)
	}
	for _, want := range []string{"a: serving", "a: ended in order"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("log lacks %q:\n%s", want, out)
		}
	}
}

func TestKilledProcessLivesAgain(t *testing.T) {
	f, _ := fleet(t)
	p := started(t, f, server(t, "a"))
	first := p.PID()
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if e, ok := p.Exit(); !ok || e.Signal != syscall.SIGKILL {
		t.Errorf("ended with %v %v, want by SIGKILL", e, ok)
	}
	if err := p.Kill(); err != nil {
		t.Errorf("killing the dead: %v", err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	if err := p.Ready(within(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	if p.PID() == first || p.Lives() != 2 {
		t.Errorf("pid %d after %d, life %d: want a second life", p.PID(), first, p.Lives())
	}
}

func TestFrozenProcessIsSilentAndGoesOn(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc: Linux only")
	}
	f, _ := fleet(t)
	p := started(t, f, server(t, "a"))
	if err := p.Ready(within(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	if err := p.Freeze(within(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	if ok, _ := p.Ask("/readyz"); ok || !p.Frozen() {
		t.Error("a frozen process answered")
	}
	if err := p.Thaw(); err != nil {
		t.Fatal(err)
	}
	if err := p.Ready(within(t, 10*time.Second)); err != nil {
		t.Error(err)
	}
}

func TestFrozenProcessIsKilledByClose(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc: Linux only")
	}
	f := NewFleet(Discard)
	p := started(t, f, child("a", "stubborn"))
	if err := p.Freeze(within(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	f.Close()
	f.Close() // twice is fine
	if p.Running() {
		t.Error("it outlived its fleet")
	}
	if err := p.Start(); err == nil {
		t.Error("a closed fleet started something")
	}
}

func TestStubbornProcessIsKilledWhenPatienceEnds(t *testing.T) {
	f, out := fleet(t)
	p := started(t, f, child("a", "stubborn"))
	if err := poll(within(t, 10*time.Second), "its first line", func() (bool, error) {
		return strings.Contains(out.String(), "ignoring SIGTERM"), nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Stop(within(t, 100*time.Millisecond)); !errors.Is(err, context.DeadlineExceeded) || p.Running() {
		t.Errorf("stop: %v, running %v: want a time-out and a kill", err, p.Running())
	}
}

func TestReadyTellsWhyAProcessEnded(t *testing.T) {
	f, _ := fleet(t)
	s := child("a", "fail")
	s.Ops = "127.0.0.1:1"
	p := started(t, f, s)
	err := p.Ready(within(t, 10*time.Second))
	if err == nil || !strings.Contains(err.Error(), "--nonsense is not known") || !strings.Contains(err.Error(), "exit status 2") {
		t.Errorf("ready: %v, want the exit status and the last line", err)
	}
}

func TestKeepRestartsWithGrowingPauses(t *testing.T) {
	f, _ := fleet(t)
	p := started(t, f, child("a", "fail"))
	var pauses []time.Duration
	born := 0
	enough := errors.New("enough")
	err := p.Keep(t.Context(), func(e Exit, pause time.Duration) error {
		if e.Code != 2 {
			t.Errorf("died with %v, want exit status 2", e)
		}
		if pauses = append(pauses, pause); len(pauses) == 3 {
			return enough
		}
		return nil
	}, func() { born++ })
	if !errors.Is(err, enough) || fmt.Sprint(pauses) != "[200ms 400ms 800ms]" || born != 2 {
		t.Errorf("keep: %v after pauses %v and %d further lives", err, pauses, born)
	}
}

func TestChildrenDieWithAKilledSupervisor(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells children that their parent died")
	}
	f, out := fleet(t)
	p := started(t, f, child("supervisor", "parent"))
	var pid int
	if err := poll(within(t, 10*time.Second), "the grandchild's pid", func() (bool, error) {
		_, rest, ok := strings.Cut(out.String(), "pid ")
		if ok {
			_, err := fmt.Sscan(rest, &pid)
			ok = err == nil
		}
		return ok, nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(p.PID(), syscall.SIGKILL); err != nil { // the supervisor alone, not its group
		t.Fatal(err)
	}
	if err := poll(within(t, 10*time.Second), "the grandchild to die", func() (bool, error) {
		return syscall.Kill(pid, 0) != nil || zombie(pid), nil
	}); err != nil {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		t.Fatal(err)
	}
}

func TestUsageOfALivingProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc: Linux only")
	}
	f, _ := fleet(t)
	p := started(t, f, server(t, "a"))
	if err := p.Ready(within(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	u, err := p.Usage()
	if err != nil || u.RSS < 1<<20 || u.RSS > 1<<30 {
		t.Errorf("usage %+v, %v: want some megabytes", u, err)
	}
}
