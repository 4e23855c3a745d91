package netlab

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// lab makes a lab, or skips: in CI a skip is a failure.
func lab(t *testing.T) *Lab {
	t.Helper()
	l, err := New(t.Context())
	if errors.Is(err, ErrUnavailable) {
		if os.Getenv("PARLEY_CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// dialler is bash in a node with a TCP connection to addr: each line we write is
// sent, each line that comes is what we read.
func dialler(t *testing.T, n *Node, addr string) (io.Writer, *bufio.Reader) {
	t.Helper()
	host, port, _ := net.SplitHostPort(addr)
	script := "exec 3<>/dev/tcp/" + host + "/" + port + " && { cat <&3 & cat >&3; }"
	cmd := exec.CommandContext(t.Context(), "ip", "netns", "exec", n.Netns, "bash", "-c", script)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return in, bufio.NewReader(out)
}

func TestCutDropsOneWayOrBothAndHealMends(t *testing.T) {
	l := lab(t)
	node, err := l.Add(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", l.Host()+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	in, out := dialler(t, node, listener.Addr().String())
	host, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = host.Close() }()
	fromNode := bufio.NewReader(host)
	port := listener.Addr().(*net.TCPAddr).Port

	hears := func(want string) { // the node hears what the host says
		t.Helper()
		if got, err := out.ReadString('\n'); err != nil || got != want+"\n" {
			t.Fatalf("node read %q, %v: want %q", got, err, want)
		}
	}
	heard := func(want string) { // the host hears what the node says
		t.Helper()
		_ = host.SetReadDeadline(time.Now().Add(5 * time.Second))
		if got, err := fromNode.ReadString('\n'); err != nil || got != want+"\n" {
			t.Fatalf("host read %q, %v: want %q", got, err, want)
		}
	}
	silent := func() {
		t.Helper()
		_ = host.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		if b, err := fromNode.Peek(1); err == nil {
			t.Fatalf("host read %q through a cut", b)
		}
	}
	say := func(w io.Writer, text string) {
		t.Helper()
		if _, err := io.WriteString(w, text+"\n"); err != nil {
			t.Fatal(err)
		}
	}

	say(in, "one")
	heard("one")
	say(host, "two")
	hears("two")

	for _, way := range []Way{Both, Out} {
		if err := node.Cut(t.Context(), way, port); err != nil {
			t.Fatal(err)
		}
		say(in, "held by "+way.String())
		silent()
		if err := node.Heal(t.Context()); err != nil {
			t.Fatal(err)
		}
		heard("held by " + way.String()) // TCP sends again what was dropped
	}
	if err := node.Cut(t.Context(), In, port); err != nil {
		t.Fatal(err)
	}
	say(in, "passes") // outwards nothing is dropped
	heard("passes")
	if err := node.Cut(t.Context(), Both, port+1); err != nil {
		t.Fatal(err)
	}
	say(host, "another port is cut")
	hears("another port is cut")
	if err := node.Heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := node.Heal(t.Context()); err != nil {
		t.Errorf("healing the healthy: %v", err)
	}
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	l := lab(t)
	node, err := l.Add(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	for _, list := range [][]string{{"netns", "list"}, {"-o", "link", "show"}} {
		if out, _ := ip(t.Context(), list...); strings.Contains(out, l.bridge) || strings.Contains(out, node.Netns) {
			t.Errorf("left behind: %s", out)
		}
	}
}

func TestOnlyWhatBelongsToTheDeadIsOrphaned(t *testing.T) {
	for name, want := range map[string]bool{
		"ply999999999-0": true, "ply999999999-0-worker": true,
		"ply1-0": false, "plymouth": false, "br0": false, "ply-1": false, "": false,
	} {
		if got := orphaned(name); got != want {
			t.Errorf("orphaned(%q) = %v, want %v", name, got, want)
		}
	}
}
