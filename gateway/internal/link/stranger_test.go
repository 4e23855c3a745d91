package link_test

import (
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/parley-im/parley/gateway/internal/hub"
	"github.com/parley-im/parley/gateway/internal/link"
	"github.com/parley-im/parley/gateway/internal/ws"
	gatewayv1 "github.com/parley-im/parley/proto/gateway/v1"
	"github.com/parley-im/parley/proto/record"
	"github.com/parley-im/parley/proto/record/linkcodec"
	"github.com/parley-im/parley/register/handshake"
	"github.com/parley-im/parley/register/registertest"
)

// channel is what one worker dials with.
func channel(t *testing.T, addr string, creds credentials.TransportCredentials) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(creds),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(linkcodec.Codec{})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// call opens a stream and says nothing on it.
func call(t *testing.T, conn *grpc.ClientConn, header ...string) (grpc.ClientStream, error) {
	ctx := metadata.AppendToOutgoingContext(t.Context(), header...)
	return conn.NewStream(ctx, &gatewayv1.LinkService_ServiceDesc.Streams[0], gatewayv1.LinkService_Attach_FullMethodName)
}

// greet opens a stream and passes the handshake.
func greet(t *testing.T, conn *grpc.ClientConn, boot uint64, header ...string) (grpc.ClientStream, error) {
	s, err := call(t, conn, header...)
	if err == nil {
		id := handshake.Identity{Cluster: cluster, Role: "worker", Node: "w", Boot: boot}
		_, err = handshake.Dial(steps{s}, id, []string{secret}, 0, 0)
	}
	return s, err
}

// attach greets, says attach and waits for the answer.
func attach(t *testing.T, conn *grpc.ClientConn, boot uint64, attach *gatewayv1.Attach) error {
	s, err := greet(t, conn, boot)
	if err == nil {
		b, _ := record.AppendAttach(nil, encode(attach))
		_ = s.SendMsg(&linkcodec.Batch{Records: b}) // Recv says what went wrong
		err = s.RecvMsg(&linkcodec.Batch{})
	}
	return err
}

// silent is a connection that begins to speak HTTP/2 and then says nothing.
func silent(t *testing.T, nc net.Conn) *http2.Framer {
	t.Helper()
	f := http2.NewFramer(nc, nc)
	if _, err := io.WriteString(nc, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if err := f.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return f
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return nc
}

func TestStrangersAreToldTheBounds(t *testing.T) {
	r := newRig(t)
	m, err := silent(t, dial(t, r.links)).ReadFrame()
	if err != nil {
		t.Fatal(err)
	}
	settings, ok := m.(*http2.SettingsFrame)
	if !ok {
		t.Fatalf("first came %v", m)
	}
	if n, ok := settings.Value(http2.SettingMaxConcurrentStreams); !ok || n > 8 {
		t.Errorf("streams of one connection: %d (%v), want at most 8", n, ok)
	}
	if n, ok := settings.Value(http2.SettingMaxHeaderListSize); !ok || n > 16<<10 {
		t.Errorf("bytes of headers: %d (%v), want at most 16 KiB", n, ok)
	}
}

func TestStrangersSendNoLargeHeaders(t *testing.T) {
	r := newRig(t)
	for size, ok := range map[int]bool{1 << 10: true, 100 << 10: false} {
		_, err := greet(t, channel(t, r.links, insecure.NewCredentials()), 1, "x", strings.Repeat("x", size))
		if (err == nil) != ok {
			t.Errorf("headers of %d bytes: got %v", size, err)
		}
	}
}

// What a stranger says is thrown away when it is more than a hello can be, not read
// to its end, however it is said.
func TestStrangersSayLittle(t *testing.T) {
	for name, batch := range map[string]*linkcodec.Batch{
		"in the handshake": {Handshake: make([]byte, 4<<20)},
		"in records":       {Records: make([]byte, 4<<20)},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			s, err := call(t, channel(t, r.links, insecure.NewCredentials()))
			if err != nil {
				t.Fatal(err)
			}
			_ = s.SendMsg(batch) // fails, perhaps, when the connection is cut
			if err := s.RecvMsg(&linkcodec.Batch{}); err == nil {
				t.Error("it was answered")
			}
			eventually(t, "a line about it", func() bool { return len(r.log.with("64 KiB before it passed")) == 1 })
			if n := r.link.Stats().RefusedAttaches.Load(); n != 1 {
				t.Errorf("refused: got %d, want 1", n)
			}
		})
	}
}

// Who has passed the handshake may say much at once, also over TLS, where what was
// accepted is not what gRPC speaks on.
func TestAdmittedSayMuch(t *testing.T) {
	r := newRig(t)
	authority := registertest.NewAuthority(t)
	links := listen(t)
	server := r.link.NewServer(authority.ServerConfig(t))
	go func() { _ = server.Serve(r.link.Guard(links)) }()
	t.Cleanup(server.Stop)
	for where, creds := range map[string]credentials.TransportCredentials{
		r.links:               insecure.NewCredentials(),
		links.Addr().String(): handshake.Credentials(authority.ClientConfig(t)),
	} {
		for range 10 { // a worker says it right after its welcome
			err := attach(t, channel(t, where, creds), handshake.NewBoot(), &gatewayv1.Attach{Resync: make([]byte, 500<<10)})
			if err != nil {
				t.Fatalf("%s: %v", where, err)
			}
		}
	}
}

func TestSilentConnectionsAreCut(t *testing.T) {
	if testing.Short() {
		t.Skip("takes six seconds")
	}
	t.Parallel()
	r := newRig(t)
	for name, f := range map[string]io.Reader{
		"without a stream":  readAll{silent(t, dial(t, r.links))},
		"without a preface": dial(t, r.links),
	} {
		began := time.Now()
		if _, err := io.Copy(io.Discard, f); err != nil && time.Since(began) > patience {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s: cut after %v", name, took)
		}
	}
	eventually(t, "a line about it", func() bool {
		got := r.log.with("did not pass a handshake")
		return len(got) > 0 && strings.Contains(got[0], "127.0.0.1")
	})
}

// readAll reads frames where bytes are asked for.
type readAll struct{ f *http2.Framer }

func (r readAll) Read([]byte) (int, error) {
	_, err := r.f.ReadFrame()
	return 0, err
}

// A fleet of one host that starts at once is more than the bound of a host. Whom
// the crowd kept out comes back, as workers do.
func TestFleetThatStartsAtOnceAttachesWithinSeconds(t *testing.T) {
	r := newRig(t)
	const fleet = 300
	began := time.Now()
	var attempts [fleet]int
	var all sync.WaitGroup
	for i := range fleet {
		all.Go(func() {
			boot := handshake.NewBoot()
			for attempt := 0; ; attempt++ {
				conn := channel(t, r.links, insecure.NewCredentials())
				err := attach(t, conn, boot, &gatewayv1.Attach{})
				if err == nil {
					attempts[i] = attempt + 1
					return
				}
				conn.Close() // or it would dial again by itself
				if time.Since(began) > patience {
					t.Errorf("boot %016x is not attached after %v: %v", boot, patience, err)
					return
				}
				pause := min(2*time.Second, 50*time.Millisecond<<min(attempt, 10))
				time.Sleep(pause/2 + rand.N(pause/2)) // as worker/internal/link does
			}
		})
	}
	all.Wait()
	// Counted, since a busy machine is no fault of ours: the pauses before the tenth add up
	// to some ten seconds.
	if most := slices.Max(attempts[:]); most > 10 {
		t.Errorf("somebody needed %d attempts, %v in all", most, time.Since(began))
	}
	if n := r.link.Stats().Attaches.Load(); n < fleet {
		t.Errorf("attaches: got %d, want %d", n, fleet)
	}
}

func TestStrangersDoNotFloodTheLog(t *testing.T) {
	r := newRig(t)
	const knocks = 50
	began := time.Now()
	for range knocks {
		if _, err := r.tryAttach(script{secret: "another"}); err == nil {
			t.Fatal("the worker was let in")
		}
	}
	r.stat("refusals", &r.link.Stats().RefusedAttaches, knocks)
	if _, err := r.tryAttach(script{identity: func(id *handshake.Identity) { id.Cluster = "other" }}); err == nil {
		t.Fatal("the worker was let in")
	}
	eventually(t, "another kind has its own line", func() bool { return len(r.log.with("wrong cluster")) == 1 })
	most := int(time.Since(began)/time.Second) + 1
	if n := len(r.log.with("wrong secret")); n < 1 || n > most {
		t.Errorf("%d lines in %v, want one to %d", n, time.Since(began), most)
	}
}

// Where descriptors are few the crowd is small.
func TestCrowdIsAsLargeAsItIsToldToBe(t *testing.T) {
	r := newRig(t, func(c *link.Config, _ *ws.Config, _ *hub.Config) { c.MaxStrangers = 8 })
	for range 20 {
		dial(t, r.links)
	}
	eventually(t, "all but a quarter of eight are refused", func() bool { return r.link.Stats().RefusedAttaches.Load() == 18 })
}
