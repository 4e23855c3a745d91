package docs

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
)

// TestMain lets the test program be the server of a serve block.
func TestMain(m *testing.M) {
	if port := os.Getenv("SERVE_PORT"); port != "" {
		ln, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			os.Exit(1)
		}
		for {
			conn, err := ln.Accept()
			if err != nil {
				os.Exit(1)
			}
			_ = conn.Close()
		}
	}
	os.Exit(m.Run())
}

// freePort returns a port that nothing listened on a moment ago.
func freePort(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port
}

func TestRunBlocksAreRun(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"good", "```sh run\ntrue\n```\n", ""},
		{"bad", "```sh run\nfalse\ntrue\n```\n", "a.md:1: exit status 1"},
		{"second is bad", "```sh run\ntrue\n```\n```sh run\nexit 3\n```\n", "a.md:4: exit status 3"},
		{"only shown", "```sh\nfalse\n```\n", ""},
	} {
		got := strings.Join(runPage(t.TempDir(), parse("a.md", test.text), io.Discard), "\n")
		if got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestServeBlockRunsUntilThePageEnds(t *testing.T) {
	port := freePort(t)
	text := fmt.Sprintf("```sh serve=%s\nSERVE_PORT=%s exec %s\n```\n```sh run\n: <>/dev/tcp/127.0.0.1/%s\n```\n", port, port, os.Args[0], port)
	if got := runPage(t.TempDir(), parse("a.md", text), io.Discard); len(got) != 0 {
		t.Errorf("got %q, want nothing", got)
	}
	if open("127.0.0.1:" + port) {
		t.Error("the server is still there")
	}
}

func TestServeBlockThatEndsIsAProblem(t *testing.T) {
	text := fmt.Sprintf("```sh serve=%s\ntrue\n```\n", freePort(t))
	got := runPage(t.TempDir(), parse("a.md", text), io.Discard)
	if len(got) != 1 || !strings.Contains(got[0], "ended before port") {
		t.Errorf("got %q, want one problem", got)
	}
}
