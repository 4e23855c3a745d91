package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/api/pushkeys"
	"github.com/parley-im/parley/deploy/local"
	"github.com/parley-im/parley/deploy/local/build"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/proto/fault/grpcfault"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
	"github.com/parley-im/parley/register/registertest"
)

// apiProgram is parley-api, built as the other programs are.
var apiProgram = sync.OnceValues(func() (string, error) {
	b := build.Builder{Race: race, Say: func(line string) { fmt.Println(line) }}
	built, err := b.Programs(ctxBackground, build.API)
	return built[build.API], err
})

// backOffice is a stage of real processes with an api that backends may call.
type backOffice struct {
	*staged
	file  string            // of keys
	keys  map[string]string // by role
	doors map[string]pushDoor
}

// pushDoor calls an rpc of PushService. Errors are faults.
type pushDoor func(ctx context.Context, key, rpc string, req, res proto.Message) error

func newBackOffice(t *testing.T, gateways, workers int) *backOffice {
	t.Helper()
	program, err := apiProgram()
	must(t, err)
	o := &backOffice{file: filepath.Join(t.TempDir(), "keys"), keys: map[string]string{}}
	o.newKeys(t)
	at := registertest.Address(t)
	c := cast{gateways: gateways, workers: workers, patience: 20 * time.Second}
	c.withDefaults()
	o.staged = processes(t, c, func(cfg *local.Config) {
		cfg.Programs.API = program
		cfg.APIArgs = []string{"--files", filepath.Join(t.TempDir(), "files"), "--push-keys", o.file, "--push-listen", at}
	})
	must(t, o.Cluster.API.Start())
	begin(t, o)
	for _, g := range o.Gateways() {
		await(t, g, "parley_gateway_workers", float64(workers)) // an api handles nothing
	}
	must(t, o.Cluster.API.AwaitMetric(within(t, everything), "parley_api_push_gateways", float64(gateways)))

	conn, err := grpc.NewClient(at, grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	transport := new(http.Transport)
	t.Cleanup(func() {
		_ = conn.Close()
		transport.CloseIdleConnections()
	})
	o.doors = map[string]pushDoor{
		"HTTP": overHTTP(&http.Client{Transport: transport}, fmt.Sprintf("http://127.0.0.1:%d/push/v1/", o.Cluster.APIPort())),
		"gRPC": overGRPC(conn),
	}
	return o
}

// newKeys makes a key for each role in place of those there were.
func (o *backOffice) newKeys(t *testing.T) {
	t.Helper()
	var lines []string
	for _, role := range []string{"send", "query", "manage", "admin"} {
		roles, err := pushkeys.ParseRoles(role)
		must(t, err)
		text, k, err := pushkeys.New(role, roles, 1000)
		must(t, err)
		o.keys[role], lines = text, append(lines, k.Line())
	}
	must(t, os.WriteFile(o.file, []byte(strings.Join(lines, "\n")), 0o600))
}

// overHTTP waits for longer than it asks for, as docs/push.md has it.
func overHTTP(c *http.Client, base string) pushDoor {
	return func(asked context.Context, key, rpc string, req, res proto.Message) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(asked), everything)
		defer cancel()
		b, err := protojson.Marshal(req)
		if err != nil {
			return err
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+strings.ToLower(rpc[:1])+rpc[1:], bytes.NewReader(b))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+key)
		if end, ok := asked.Deadline(); ok {
			r.Header.Set("Parley-Timeout-Ms", fmt.Sprint(time.Until(end).Milliseconds()))
		}
		answer, err := c.Do(r)
		if err != nil {
			return err
		}
		defer func() { _ = answer.Body.Close() }()
		if b, err = io.ReadAll(answer.Body); err != nil {
			return err
		}
		if answer.StatusCode == http.StatusOK {
			return protojson.Unmarshal(b, res)
		}
		for _, code := range fault.Codes() {
			if strings.Contains(string(b), `"reason":"`+code.String()+`"`) && code.HTTP() == answer.StatusCode {
				return fault.New(code, string(b))
			}
		}
		return fmt.Errorf("%s: %s", answer.Status, b)
	}
}

func overGRPC(c *grpc.ClientConn) pushDoor {
	return func(ctx context.Context, key, rpc string, req, res proto.Message) error {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+key)
		return grpcfault.FromError(c.Invoke(ctx, "/parley.push.v1.PushService/"+rpc, req, res))
	}
}

// TestBackendsReachRealSocketsByEveryCall does each rpc over HTTP and over gRPC, and sees
// what it does to sockets, until processes end by it.
func TestBackendsReachRealSocketsByEveryCall(t *testing.T) {
	t.Parallel()
	o := newBackOffice(t, 3, 2)
	for _, name := range []string{"HTTP", "gRPC"} {
		w := &walk{backOffice: o, t: t, name: name, door: o.doors[name], done: map[string]bool{}}
		w.all()
		for _, rpc := range pushv1.PushService_ServiceDesc.Methods {
			if !w.done[rpc.MethodName] {
				t.Errorf("%s was not done over %s", rpc.MethodName, name)
			}
		}
	}
	for _, key := range o.keys {
		if strings.Contains(o.said.String(), key) {
			t.Error("a key is in a log")
		}
	}
}

// TestBackendsHearWhichGatewayStandsStill, in time, and those at others get their frames.
func TestBackendsHearWhichGatewayStandsStill(t *testing.T) {
	t.Parallel()
	o := newBackOffice(t, 2, 1)
	here, there := enter(t, o.URL(0), "here"), enter(t, o.URL(1), "there")
	here.asks("reply", "")
	there.asks("reply", "")
	still := o.Gateways()[1]
	still.Freeze(t)
	var calls sync.WaitGroup // all at once: after three leases the gateway would be taken for gone
	for name, door := range o.doors {
		for rpc, c := range map[string]struct {
			req, res proto.Message
			half     func(proto.Message) bool
		}{
			"Send":      {&pushv1.SendRequest{All: true, Kind: &pushv1.SendRequest_Text{Text: name}}, new(pushv1.SendResponse), func(m proto.Message) bool { return m.(*pushv1.SendResponse).GetHit() == 1 }},
			"GetTotals": {new(pushv1.GetTotalsRequest), new(pushv1.GetTotalsResponse), func(m proto.Message) bool { return m.(*pushv1.GetTotalsResponse).GetTotal().GetConns() == 1 }},
			"Join": {&pushv1.JoinRequest{Users: []string{"here.0", "there.0"}, Groups: []string{"g"}}, new(pushv1.JoinResponse), func(m proto.Message) bool {
				return m.(*pushv1.JoinResponse).GetOutcome().GetDone() == 1
			}},
		} {
			calls.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
				defer cancel()
				err := door(ctx, o.keys["admin"], rpc, c.req, c.res)
				if late := ctx.Err(); err != nil || late != nil || !c.half(c.res) || !slices.Equal(lostIn(c.res), []string{still.Name()}) {
					t.Errorf("%s over %s: %v, %v, %v", rpc, name, c.res, err, late)
				}
			})
		}
	}
	heard := func(p *person) []string {
		var texts []string
		for range o.doors {
			m, err := p.ReadWithin(everything)
			must(t, err)
			texts = append(texts, string(m.Payload))
		}
		slices.Sort(texts)
		return texts
	}
	want := []string{"HTTP", "gRPC"}
	if got := heard(here); !slices.Equal(got, want) {
		t.Errorf("at the other gateway: %q", got)
	}
	calls.Wait()
	still.Thaw(t)
	if got := heard(there); !slices.Equal(got, want) {
		t.Errorf("at the gateway that stood still: %q", got)
	}
}

// TestAKeyThatIsTakenOutIsRefusedAfterSighup, at both doors, and the new one is taken.
func TestAKeyThatIsTakenOutIsRefusedAfterSighup(t *testing.T) {
	t.Parallel()
	o := newBackOffice(t, 1, 1)
	old := o.keys["query"]
	call := func(name, key string) error {
		return o.doors[name](within(t, everything), key, "GetTotals", new(pushv1.GetTotalsRequest), new(pushv1.GetTotalsResponse))
	}
	for name := range o.doors {
		must(t, call(name, old))
	}
	o.newKeys(t)
	must(t, o.Cluster.API.Signal(syscall.SIGHUP))
	eventually(t, func() bool { return call("HTTP", o.keys["query"]) == nil }, func() string { return "the new key is not taken" })
	for name := range o.doors {
		must(t, call(name, o.keys["query"]))
		if err := call(name, old); !errors.Is(err, fault.Unauthenticated) {
			t.Errorf("the old key over %s: %v", name, err)
		}
	}
}

// TestWhatABackendSentArrivesAlthoughItsApiStops has a gateway stand still while the api is
// told to end: it waits until the gateway has what a caller was told is on its way.
func TestWhatABackendSentArrivesAlthoughItsApiStops(t *testing.T) {
	t.Parallel()
	o := newBackOffice(t, 1, 1)
	p := enter(t, o.URL(0), "p")
	p.asks("reply", "")
	for name := range o.doors { // both ways before the gateway stops: connections are made
		must(t, o.doors[name](within(t, everything), o.keys["send"], "Send", &pushv1.SendRequest{Users: []string{"nobody"}, Kind: &pushv1.SendRequest_Text{}}, new(pushv1.SendResponse)))
	}
	gateway := o.Gateways()[0]
	gateway.Freeze(t)
	for name, door := range o.doors {
		req := &pushv1.SendRequest{All: true, Kind: &pushv1.SendRequest_Text{Text: name}, Forget: true}
		must(t, door(within(t, everything), o.keys["send"], "Send", req, new(pushv1.SendResponse)))
	}
	must(t, o.Cluster.API.Signal(syscall.SIGTERM))
	eventually(t, func() bool { return strings.Contains(o.said.String(), "api is draining") }, func() string { return "the api does not drain" })
	if !o.Cluster.API.Running() {
		t.Error("the api has ended before the gateway had what was sent")
	}
	gateway.Thaw(t)
	heard := map[string]bool{}
	for range o.doors {
		m, err := p.ReadWithin(everything)
		must(t, err)
		heard[string(m.Payload)] = true
	}
	if !heard["HTTP"] || !heard["gRPC"] {
		t.Errorf("heard %v", heard)
	}
	endsInOrder(t, o.Cluster.API)
	if !strings.Contains(o.said.String(), `"msg":"drained","role":"api"`) {
		t.Error("it did not wait until the gateway had everything")
	}
}

func lostIn(m proto.Message) []string {
	if o, ok := m.(interface{ GetOutcome() *pushv1.Outcome }); ok {
		return o.GetOutcome().GetLost()
	}
	return m.(interface{ GetLost() []string }).GetLost()
}
