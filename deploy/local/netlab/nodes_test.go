package netlab

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestNodesReachEachOtherByNameUntilOneIsCutOff(t *testing.T) {
	l := lab(t)
	var nodes []*Node
	for _, name := range []string{"a", "b"} {
		n, err := l.Add(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, n)
	}
	if err := l.Name(map[string]string{"alpha": nodes[0].Addr}); err != nil {
		t.Fatal(err)
	}
	names, err := exec.CommandContext(t.Context(), "ip", "netns", "exec", nodes[1].Netns, "getent", "hosts", "alpha").Output()
	if err != nil || !strings.Contains(string(names), nodes[0].Addr) {
		t.Errorf("alpha is %q, %v", names, err)
	}

	// A connection that is refused has got there and back.
	refused := func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		c, err := nodes[1].Dial(ctx, "tcp", nodes[0].Addr+":1")
		if err == nil {
			_ = c.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	}
	if !refused() {
		t.Error("one node does not reach the other")
	}
	if err := nodes[0].CutOff(t.Context()); err != nil {
		t.Fatal(err)
	}
	if refused() {
		t.Error("a node that is cut off answers")
	}
	if err := nodes[0].Heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !refused() {
		t.Error("a node that was healed does not answer")
	}
	l.Close()
	if list := named(); slices.ContainsFunc(list, func(name string) bool { return strings.HasPrefix(name, l.bridge) }) {
		t.Errorf("names are left behind: %q", list)
	}
}
