// Package bustest gives tests a NATS server that they can stop, start and empty, and
// finds a real one.
package bustest

import (
	"crypto/rand"
	"encoding/hex"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// readyWithin is generous: the machine may be busy with other tests.
const readyWithin = 30 * time.Second

// Server is a NATS server with JetStream in this process. It ends with the test. Its
// methods are for one goroutine.
type Server struct {
	t      testing.TB
	folder string
	port   int
	change []func(*server.Options)
	server *server.Server // nil: stopped
}

// Start starts a server on a port of its own. Options that change may set are those of
// nats-server.
func Start(t testing.TB, change ...func(*server.Options)) *Server {
	t.Helper()
	s := Stopped(t, change...)
	s.Restart()
	return s
}

// Stopped returns a server that does not run yet, and has its address nonetheless.
func Stopped(t testing.TB, change ...func(*server.Options)) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, folder: filepath.Join(t.TempDir(), "jetstream"), port: l.Addr().(*net.TCPAddr).Port, change: change}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// URL is where it is, through all restarts.
func (s *Server) URL() string {
	return "nats://" + (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: s.port}).String()
}

// Stop stops it, as a process that is ended; its store stays. It may be stopped already.
func (s *Server) Stop() {
	if s.server == nil {
		return
	}
	s.server.Shutdown()
	s.server.WaitForShutdown()
	s.server = nil
}

// Restart starts it, if need be after stopping it, and waits until it is ready.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	opts := &server.Options{
		ServerName: "bustest", Host: "127.0.0.1", Port: s.port,
		JetStream: true, StoreDir: s.folder, JetStreamMaxStore: 256 << 20, JetStreamMaxMemory: 64 << 20,
		NoSigs: true, NoLog: true,
	}
	for _, c := range s.change {
		c(opts)
	}
	n, err := server.NewServer(opts)
	if err != nil {
		s.t.Fatalf("nats server: %v", err)
	}
	s.server = n
	n.Start()
	if !n.ReadyForConnections(readyWithin) {
		s.t.Fatal("nats server: it did not open its door; is the port taken?")
	}
}

// Wipe empties its store. A server that runs is stopped before and restarted after.
func (s *Server) Wipe() {
	s.t.Helper()
	ran := s.server != nil
	s.Stop()
	if err := os.RemoveAll(s.folder); err != nil {
		s.t.Fatal(err)
	}
	if ran {
		s.Restart()
	}
}

// RealURL is the server that [Real] finds, unless PARLEY_TEST_NATS names another.
const RealURL = "nats://127.0.0.1:4222"

// Real returns the URL of a NATS server that is a process of its own, with JetStream.
// Without one the test is skipped, and fails in CI.
func Real(t testing.TB) string {
	t.Helper()
	url := os.Getenv("PARLEY_TEST_NATS")
	if url == "" {
		url = RealURL
	}
	nc, err := nats.Connect(url, nats.Timeout(3*time.Second))
	if err != nil {
		if os.Getenv("PARLEY_CI") != "" {
			t.Fatalf("no NATS: %v", err)
		}
		t.Skip("no NATS with JetStream at ", RealURL, ": start one (nats-server -js -a 127.0.0.1), or name one in PARLEY_TEST_NATS")
	}
	nc.Close()
	return url
}

// Prefix is one that no other test has.
func Prefix(t testing.TB) string {
	t.Helper()
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return strings.ToLower("t-" + hex.EncodeToString(b[:]))
}
