package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/parley-im/parley/api/pushkeys"
	"github.com/parley-im/parley/proto/fault"
	"github.com/parley-im/parley/proto/fault/grpcfault"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
	"github.com/parley-im/parley/register"
	"github.com/parley-im/parley/register/handshake"
)

// backendKeys are the text of a key for each of the roles, and the keys.
func backendKeys(t *testing.T, rate int, roles ...string) (map[string]string, *pushkeys.Set) {
	t.Helper()
	texts, lines := map[string]string{}, ""
	for _, role := range roles {
		r, err := pushkeys.ParseRoles(role)
		if err != nil {
			t.Fatal(err)
		}
		text, k, err := pushkeys.New(role, r, rate)
		if err != nil {
			t.Fatal(err)
		}
		texts[role], lines = text, lines+k.Line()+"\n"
	}
	set, err := pushkeys.Parse(strings.NewReader(lines))
	if err != nil {
		t.Fatal(err)
	}
	return texts, set
}

// startPush runs an API that takes calls of backends, in a cluster without gateways.
func startPush(t *testing.T, rate int, changes ...func(*Config)) (s *stage, texts map[string]string, grpcAddr string) {
	t.Helper()
	texts, set := backendKeys(t, rate, "send", "query", "admin")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s = startAt(t, Limits{}, "127.0.0.1:0", append(changes, func(c *Config) { c.PushKeys, c.Push = set, l })...)
	s.until("the gateways are known", func() bool { return s.api.push.worker.Stats().Known })
	return s, texts, l.Addr().String()
}

// push calls a method with a key.
func (s *stage) push(key, method, params string, headers ...string) reply {
	s.t.Helper()
	return s.do(http.MethodPost, "/push/v1/"+method, strings.NewReader(params), append([]string{"Content-Type", "application/json", "Authorization", "Bearer " + key}, headers...)...)
}

// dialPush is a client of the gRPC door.
func dialPush(t *testing.T, addr string, creds credentials.TransportCredentials) pushv1.PushServiceClient {
	t.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(creds))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return pushv1.NewPushServiceClient(conn)
}

func withKey(t *testing.T, key string, pairs ...string) context.Context {
	return metadata.AppendToOutgoingContext(t.Context(), append([]string{"authorization", "Bearer " + key}, pairs...)...)
}

func TestBackendsCallOverHTTP(t *testing.T) {
	s, keys, _ := startPush(t, pushkeys.MaxRate)
	if r := s.push(keys["send"], "send", `{"users":["ann"],"text":"hi"}`); r.status != http.StatusOK ||
		r.body != `{"hit":0,"dropped":0,"missed":0,"offline":["ann"],"lost":[],"duplicate":false}` {
		t.Errorf("send: %d %s", r.status, r.body)
	}
	r := s.push(keys["admin"], "listMembers", "")
	if r.status != http.StatusOK || !strings.Contains(r.body, `"role":"api","node":"api-1","boot":"0000000000000063"`) ||
		!strings.Contains(r.body, `"labels":{"sends":"push"}`) || !strings.Contains(r.body, `"registers":[{"addr":"`+s.reg.Addr()+`","up":true}]`) {
		t.Errorf("members: %d %s", r.status, r.body)
	}
	if got := r.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control: %q", got)
	}
	if r := s.do(http.MethodGet, "/push/openapi.json", nil); r.status != http.StatusOK || !strings.Contains(r.body, `"/push/v1/send"`) || !strings.Contains(r.body, `"x-role": "admin"`) {
		t.Errorf("the description: %d %.200s", r.status, r.body)
	}
	for name, c := range map[string]struct {
		answer reply
		want   string
	}{
		"no key":           {s.push("", "send", `{"all":true}`), "401 UNAUTHENTICATED"},
		"a wrong one":      {s.push(keys["send"]+"x", "send", `{"all":true}`), "401 UNAUTHENTICATED"},
		"another's token":  {s.push(token, "send", `{"all":true}`), "401 UNAUTHENTICATED"},
		"another role":     {s.push(keys["send"], "getTotals", `{}`), "403 FORBIDDEN"},
		"to nobody":        {s.push(keys["send"], "send", `{}`), "400 INVALID"},
		"misspelt":         {s.push(keys["send"], "send", `{"all":true,"exeptUsers":["ann"]}`), "400 INVALID"},
		"no JSON":          {s.push(keys["send"], "send", `{"all":`), "400 MALFORMED"},
		"another kind":     {s.push(keys["send"], "send", `[]`), "400 INVALID"},
		"no such method":   {s.push(keys["admin"], "openSession", `{}`), "404 UNIMPLEMENTED"},
		"as gRPC calls it": {s.push(keys["admin"], "Send", `{}`), "404 UNIMPLEMENTED"},
		"no such process":  {s.push(keys["admin"], "drainNode", `{"role":"gateway","node":"gw-1"}`), "404 NOT_FOUND"},
		"too large":        {s.push(keys["send"], "send", `{"all":true,"text":"`+strings.Repeat("x", 2<<20)+`"}`), "413 TOO_LARGE"},
		"no time":          {s.push(keys["send"], "send", `{"all":true}`, "Parley-Timeout-Ms", "soon"), "400 INVALID"},
		"by GET":           {s.do(http.MethodGet, "/push/v1/getTotals", nil, "Authorization", "Bearer "+keys["query"]), "405 UNIMPLEMENTED"},
		"as a form":        {s.push(keys["send"], "send", `all=true`, "Content-Type", "application/x-www-form-urlencoded"), "415 INVALID"},
		"elsewhere":        {s.do(http.MethodPost, "/push/v2/send", nil), "404 UNIMPLEMENTED"},
	} {
		if got := c.answer.reason(); got != c.want {
			t.Errorf("%s: %s, want %s: %s", name, got, c.want, c.answer.body)
		}
	}
	if r := s.push(keys["send"], "send", `{"all":true,"exeptUsers":["ann"]}`); !strings.Contains(r.body, "exeptUsers") {
		t.Errorf("what is wrong is not said: %s", r.body)
	}
	log := s.log.String()
	for _, never := range []string{keys["send"], keys["admin"], token, `"ann"`} {
		if strings.Contains(log, never) {
			t.Errorf("%s is in the log:\n%s", never, log)
		}
	}
	if !strings.Contains(log, `"msg":"push call","key":"send","method":"send","from":"127.0.0.1","reason":"OK"`) {
		t.Errorf("no line of the call:\n%s", log)
	}
}

func TestWithoutKeysThereIsNoPushService(t *testing.T) {
	s := start(t, Limits{})
	keys, set := backendKeys(t, 1, "admin")
	s.api.SetPushKeys(set) // on SIGHUP: to begin with keys needs a restart
	if r := s.push(keys["admin"], "getTotals", `{}`); r.reason() != "404 UNIMPLEMENTED" {
		t.Errorf("got %s", r.reason())
	}
	if r := s.do(http.MethodGet, "/push/openapi.json", nil); r.status != http.StatusNotFound {
		t.Errorf("its description: %d", r.status)
	}
}

func TestBackendsHearWhenTheyMayCallAgain(t *testing.T) {
	s, keys, addr := startPush(t, 1)
	s.push(keys["query"], "getTotals", `{}`)
	r := s.push(keys["query"], "getTotals", `{}`)
	if r.reason() != "429 RATE_LIMITED" || r.header.Get("Retry-After") != "1" {
		t.Errorf("got %s, Retry-After %q", r.reason(), r.header.Get("Retry-After"))
	}
	_, err := dialPush(t, addr, insecure.NewCredentials()).GetTotals(withKey(t, keys["query"]), &pushv1.GetTotalsRequest{})
	if f := fault.Of(grpcfault.FromError(err)); f.Code() != fault.RateLimited || f.RetryAfter() <= 0 || f.RetryAfter() > time.Second {
		t.Errorf("over gRPC: %v, after %v", err, f.RetryAfter())
	}
	if r := s.push(keys["admin"], "getTotals", `{}`); r.status != http.StatusOK {
		t.Errorf("another key: %s", r.reason())
	}
}

// hi is said where it does not matter what.
var hi = &pushv1.SendRequest_Text{Text: "hi"}

func TestBackendsCallOverGRPC(t *testing.T) {
	s, keys, addr := startPush(t, pushkeys.MaxRate, balanced)
	c := dialPush(t, addr, insecure.NewCredentials())
	res, err := c.Send(withKey(t, keys["send"], "x-forwarded-for", "203.0.113.9, 127.0.0.2"), &pushv1.SendRequest{Kind: hi, Users: []string{"ann"}})
	if err != nil || len(res.GetOffline()) != 1 {
		t.Errorf("send: %v, %v", res, err)
	}
	if !strings.Contains(s.log.String(), `"method":"send","from":"203.0.113.9"`) {
		t.Errorf("what the balancer says is not in the log:\n%s", s.log)
	}
	later := &pushv1.SendRequest{Kind: hi, All: true}
	later.ProtoReflect().SetUnknown([]byte{0x98, 0x06, 0x01})
	large := &pushv1.SendRequest{All: true, Kind: &pushv1.SendRequest_Text{Text: strings.Repeat("x", 3<<20)}}
	for name, call := range map[string]struct {
		do   func() error
		want fault.Code
	}{
		"no key": {func() error { _, err := c.Send(t.Context(), later); return err }, fault.Unauthenticated},
		"two keys": {func() error {
			_, err := c.Send(withKey(t, keys["send"], "authorization", "Bearer "+keys["admin"]), later)
			return err
		}, fault.Unauthenticated},
		"another role": {func() error { _, err := c.GetTotals(withKey(t, keys["send"]), nil); return err }, fault.Forbidden},
		"to nobody":    {func() error { _, err := c.Send(withKey(t, keys["send"]), &pushv1.SendRequest{Kind: hi}); return err }, fault.Invalid},
		"a later one":  {func() error { _, err := c.Send(withKey(t, keys["send"]), later); return err }, fault.Invalid},
		"too large":    {func() error { _, err := c.Send(withKey(t, keys["send"]), large); return err }, fault.Overloaded}, // gRPC says so itself
	} {
		if err := grpcfault.FromError(call.do()); fault.CodeOf(err) != call.want {
			t.Errorf("%s: %v, want %v", name, err, call.want)
		}
	}
	if _, err := c.Send(withKey(t, "x"), &pushv1.SendRequest{Kind: hi, All: true}); status.Code(err) != codes.Unauthenticated {
		t.Errorf("a key that is none: %v", err)
	}
}

// TestGRPCReadsNothingOfStrangers: who has no key that is for it is refused by the headers
// of a call, before any of what it would say.
func TestGRPCReadsNothingOfStrangers(t *testing.T) {
	_, keys, addr := startPush(t, pushkeys.MaxRate)
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for name, c := range map[string]struct {
		key  string
		want fault.Code
	}{"no key": {"x", fault.Unauthenticated}, "another role": {keys["query"], fault.Forbidden}} {
		ctx, cancel := context.WithCancel(withKey(t, c.key)) // without a deadline
		silence := time.AfterFunc(5*time.Second, cancel)
		stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, pushv1.PushService_Send_FullMethodName)
		if err == nil {
			err = stream.RecvMsg(&pushv1.SendResponse{}) // nothing is sent
		}
		if got := fault.CodeOf(grpcfault.FromError(err)); got != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		silence.Stop()
		cancel()
	}
}

// TestSilentConnectionsDoNotHoldUpADrain: a balancer that opens connections ahead of their
// use, or a stranger, has said nothing yet when the API leaves.
func TestSilentConnectionsDoNotHoldUpADrain(t *testing.T) {
	s, keys, addr := startPush(t, 100)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// Connections are accepted in order: then it is in its handshake.
	if _, err := dialPush(t, addr, insecure.NewCredentials()).GetTotals(withKey(t, keys["query"]), &pushv1.GetTotalsRequest{}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	s.stop()
	err = <-s.ended
	s.ended <- err
	if took := time.Since(began); err != nil || took > 8*time.Second { // a handshake may take ten
		t.Errorf("took %v, %v", took, err)
	}
}

func TestGRPCHasTheCertificateForClients(t *testing.T) {
	var cfg *Config
	_, keys, addr := startPush(t, 100, overTLS, func(c *Config) { cfg = c })
	c := dialPush(t, addr, credentials.NewTLS(trusting(cfg.ClientTLS.Certificates[0])))
	if _, err := c.GetTotals(withKey(t, keys["query"]), &pushv1.GetTotalsRequest{}); err != nil {
		t.Errorf("with TLS: %v", err)
	}
	ctx, cancel := context.WithTimeout(withKey(t, keys["query"]), 5*time.Second)
	defer cancel()
	if _, err := dialPush(t, addr, insecure.NewCredentials()).GetTotals(ctx, &pushv1.GetTotalsRequest{}); err == nil {
		t.Error("a key in the clear is taken")
	}
}

// TestACallIsAnsweredBeforeItsDeadline: a gateway that nobody reaches is listed, so
// counts wait for it until the time that was asked for is nearly over.
func TestACallIsAnsweredBeforeItsDeadline(t *testing.T) {
	s, keys, addr := startPush(t, 100)
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close() // takes connections, says nothing
	s.member(handshake.Identity{Cluster: cluster, Role: "gateway", Node: "gw-1", Boot: handshake.NewBoot()}, register.Member{Addr: dead.Addr().String()})
	s.until("the gateway is known", func() bool { return s.api.push.worker.Stats().Gateways == 1 })
	began := time.Now()
	r := s.push(keys["query"], "getTotals", `{}`, "Parley-Timeout-Ms", "300")
	var got struct{ Lost []string }
	if err := json.Unmarshal([]byte(r.body), &got); err != nil || r.status != http.StatusOK || fmt.Sprint(got.Lost) != "[gw-1]" {
		t.Errorf("over HTTP: %d %s", r.status, r.body)
	}
	ctx, cancel := context.WithTimeout(withKey(t, keys["query"]), time.Second)
	defer cancel()
	res, err := dialPush(t, addr, insecure.NewCredentials()).GetTotals(ctx, &pushv1.GetTotalsRequest{})
	if err != nil || fmt.Sprint(res.GetLost()) != "[gw-1]" {
		t.Errorf("over gRPC: %v, %v", res, err)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("both took %v", took)
	}
}

func TestKeysChangeWhileRunning(t *testing.T) {
	s, keys, addr := startPush(t, 100)
	c := dialPush(t, addr, insecure.NewCredentials())
	if _, err := c.GetTotals(withKey(t, keys["query"]), &pushv1.GetTotalsRequest{}); err != nil {
		t.Fatal(err)
	}
	others, set := backendKeys(t, 100, "query")
	s.api.SetPushKeys(set)
	if _, err := c.GetTotals(withKey(t, keys["query"]), &pushv1.GetTotalsRequest{}); status.Code(err) != codes.Unauthenticated {
		t.Errorf("the old key, over gRPC: %v", err)
	}
	if r := s.push(keys["query"], "getTotals", `{}`); r.reason() != "401 UNAUTHENTICATED" {
		t.Errorf("the old key: %s", r.reason())
	}
	if r := s.push(others["query"], "getTotals", `{}`); r.status != http.StatusOK {
		t.Errorf("the new key: %s", r.reason())
	}
}

func TestBackendsAreInTheMetrics(t *testing.T) {
	s, keys, _ := startPush(t, 100)
	s.push(keys["query"], "getTotals", `{}`)
	s.push("x", "send", `{}`)
	seen := map[string]bool{}
	families, err := s.seen.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			line := f.GetName()
			for _, l := range m.GetLabel() {
				line += " " + l.GetValue()
			}
			seen[line] = true
		}
	}
	for _, want := range []string{
		"parley_api_push_calls_total getTotals OK", "parley_api_push_calls_total send UNAUTHENTICATED", "parley_api_push_call_seconds getTotals",
		"parley_api_push_calls_under_way", "parley_api_push_gateways", "parley_api_requests_total push 200", "parley_api_requests_total push 401",
	} {
		if !seen[want] {
			t.Errorf("%s is not there: %v", want, seen)
		}
	}
}

func TestItIsReadyForBackendsOnceTheGatewaysAreKnown(t *testing.T) {
	_, set := backendKeys(t, 1, "send")
	s := startAt(t, Limits{}, "127.0.0.1:0", func(c *Config) { c.PushKeys = set })
	s.join("w-1", &worker{})
	s.until("ready", func() bool { return s.api.Ready() == nil })
	if !s.api.push.worker.Stats().Known {
		t.Error("ready before the gateways are known")
	}
}
