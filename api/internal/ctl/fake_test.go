package ctl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/parley-im/parley/proto/fault"
	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

var update = flag.Bool("update", false, "write the golden screens anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// key is the one that the fake knows.
const key = "parley_ops_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// noon is when all screens are drawn.
var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// fake is an api: the service of the proto behind HTTP and JSON, as api serves it.
type fake struct {
	pushv1.UnimplementedPushServiceServer

	mu      sync.Mutex
	members *pushv1.ListMembersResponse
	counts  *pushv1.GetTotalsResponse
	conns   []*pushv1.Conn
	lost    []string
	sizes   map[string]*pushv1.GroupSize
	asked   []string                         // "method JSON" of every call
	before  func(method string) error        // nil: nothing comes in the way
	send    *pushv1.SendResponse             //
	closed  *pushv1.CloseResponse            //
	shed    func(*pushv1.ShedGatewayRequest) //
	drained func(*pushv1.DrainNodeRequest)   //
}

// ServeHTTP implements http.Handler.
func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	name, ok := strings.CutPrefix(r.URL.Path, "/push/v1/")
	res, err := f.call(r, ok, name, body)
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		e := fault.Of(err)
		w.WriteHeader(e.Code().HTTP())
		var text struct {
			Error struct {
				Reason       string `json:"reason"`
				Message      string `json:"message"`
				RetryAfterMs int64  `json:"retryAfterMs,omitempty"`
			} `json:"error"`
		}
		text.Error.Reason, text.Error.Message, text.Error.RetryAfterMs = e.Code().String(), e.Message(), e.RetryAfter().Milliseconds()
		_ = json.NewEncoder(w).Encode(text)
		return
	}
	b, _ := protojson.Marshal(res)
	_, _ = w.Write(b)
}

func (f *fake) call(r *http.Request, ok bool, name string, body []byte) (proto.Message, error) {
	if r.Method != http.MethodPost || !ok || name == "" || r.Header.Get("Parley-Timeout-Ms") == "" {
		return nil, fault.New(fault.Unimplemented, "")
	}
	if r.Header.Get("Authorization") != "Bearer "+key {
		return nil, fault.New(fault.Unauthenticated, "the key is not good")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, name+" "+string(bytes.Join(bytes.Fields(body), nil)))
	if f.before != nil {
		if err := f.before(name); err != nil {
			return nil, err
		}
	}
	for _, m := range pushv1.PushService_ServiceDesc.Methods {
		if strings.ToLower(m.MethodName[:1])+m.MethodName[1:] != name {
			continue
		}
		res, err := m.Handler(f, r.Context(), func(req any) error { return protojson.Unmarshal(body, req.(proto.Message)) }, nil)
		if err != nil {
			return nil, err
		}
		return res.(proto.Message), nil
	}
	return nil, fault.New(fault.Unimplemented, "no such method")
}

func (f *fake) ListMembers(context.Context, *pushv1.ListMembersRequest) (*pushv1.ListMembersResponse, error) {
	return f.members, nil
}

func (f *fake) GetTotals(context.Context, *pushv1.GetTotalsRequest) (*pushv1.GetTotalsResponse, error) {
	return f.counts, nil
}

// ListConns has two conns in a page at most, so that there are several.
func (f *fake) ListConns(_ context.Context, r *pushv1.ListConnsRequest) (*pushv1.ListConnsResponse, error) {
	at := len(r.GetCursor())
	end := min(at+min(2, int(r.GetLimit())), len(f.conns))
	res := &pushv1.ListConnsResponse{Conns: f.conns[at:end], Lost: f.lost}
	if end < len(f.conns) {
		res.Cursor = strings.Repeat("x", end)
	}
	return res, nil
}

func (f *fake) GetConn(_ context.Context, r *pushv1.GetConnRequest) (*pushv1.GetConnResponse, error) {
	for _, c := range f.conns {
		if c.GetId() == r.GetConn() {
			return &pushv1.GetConnResponse{Conn: c}, nil
		}
	}
	return nil, fault.New(fault.Stale, "")
}

func (f *fake) IsOnline(_ context.Context, r *pushv1.IsOnlineRequest) (*pushv1.IsOnlineResponse, error) {
	res := &pushv1.IsOnlineResponse{Users: map[string]*pushv1.UserConns{}, Lost: f.lost}
	for _, user := range r.GetUsers() {
		for _, c := range f.conns {
			if c.GetUser() != user {
				continue
			}
			if res.Users[user] == nil {
				res.Users[user] = &pushv1.UserConns{}
			}
			res.Users[user].Conns = append(res.Users[user].Conns, c.GetId())
			res.Users[user].Count++
		}
	}
	return res, nil
}

// ListUsers has one user in a page, and the first one twice.
func (f *fake) ListUsers(_ context.Context, r *pushv1.ListUsersRequest) (*pushv1.ListUsersResponse, error) {
	at := len(r.GetCursor())
	if at == len(f.conns) {
		return &pushv1.ListUsersResponse{Users: []string{f.conns[0].GetUser()}}, nil
	}
	return &pushv1.ListUsersResponse{Users: []string{f.conns[at].GetUser()}, Cursor: strings.Repeat("x", at+1)}, nil
}

func (f *fake) ListGroups(context.Context, *pushv1.ListGroupsRequest) (*pushv1.ListGroupsResponse, error) {
	return &pushv1.ListGroupsResponse{Groups: []string{"kitchen", "hall\x1b[1A"}}, nil
}

func (f *fake) GetGroupSizes(context.Context, *pushv1.GetGroupSizesRequest) (*pushv1.GetGroupSizesResponse, error) {
	return &pushv1.GetGroupSizesResponse{Groups: f.sizes, Lost: f.lost}, nil
}

func (f *fake) Send(context.Context, *pushv1.SendRequest) (*pushv1.SendResponse, error) {
	return f.send, nil
}

func (f *fake) Close(context.Context, *pushv1.CloseRequest) (*pushv1.CloseResponse, error) {
	return f.closed, nil
}

func (f *fake) DrainNode(_ context.Context, r *pushv1.DrainNodeRequest) (*pushv1.DrainNodeResponse, error) {
	f.drained(r)
	return &pushv1.DrainNodeResponse{}, nil
}

func (f *fake) ShedGateway(_ context.Context, r *pushv1.ShedGatewayRequest) (*pushv1.ShedGatewayResponse, error) {
	if r.GetNode() == "nobody" {
		return nil, fault.New(fault.NotFound, "there is no gateway \"nobody\"")
	}
	f.shed(r)
	n := f.counts.GetGateways()[r.GetNode()].GetConns()
	return &pushv1.ShedGatewayResponse{Asked: int32(r.GetShare()*float64(n) + 0.5)}, nil
}

// desk is a Ctl before a fake.
type desk struct {
	*Ctl
	fake      *fake
	out, errs bytes.Buffer
}

// sit makes one. The cluster has three gateways, two workers, and an api.
func sit(t *testing.T) *desk {
	t.Helper()
	d := &desk{fake: aCluster()}
	s := httptest.NewServer(d.fake)
	door, err := NewDoor(s.URL, key, 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { door.Close(); s.Close() })
	d.Ctl = &Ctl{Door: door, Out: &d.out, Err: &d.errs, now: func() time.Time { return noon }, Period: time.Millisecond}
	return d
}

func ago(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(noon.Add(-d)) }

func aCluster() *fake {
	member := func(role, node, boot, addr string, load uint32, up time.Duration) *pushv1.Member {
		return &pushv1.Member{Role: role, Node: node, Boot: boot, Addr: addr, Build: "16c453e7a0b1", Load: load, StartedAt: ago(up)}
	}
	return &fake{
		members: &pushv1.ListMembersResponse{
			Members: []*pushv1.Member{
				member("api", "api-1", "a1", "10.0.0.31:8080", 0, 50*time.Hour),
				member("gateway", "gw-1", "1", "10.0.0.11:2900", 400, 76*time.Hour),
				member("gateway", "gw-2", "2", "10.0.0.12:2900", 100, 3*time.Hour+4*time.Minute),
				member("gateway", "gw-3", "3", "10.0.0.13:2900", 10, 61*time.Second),
				member("worker", "work-1", "b1", "10.0.0.21:2950", 3, time.Hour),
				member("worker", "work-2", "b2", "10.0.0.22:2950", 0, 12*time.Second),
			},
			Registers: []*pushv1.Register{{Addr: "10.0.0.1:1236", Up: true}, {Addr: "10.0.0.2:1236"}},
		},
		counts: countsOf(map[string]int32{"gw-1": 1204, "gw-2": 1201, "gw-3": 10}),
		conns: []*pushv1.Conn{
			aConn("AAAAAAAAAAAAAAAAAAAAAA", "zhangfei", "gw-1", "/ws", "kitchen", "hall"),
			aConn("BBBBBBBBBBBBBBBBBBBBBB", "张飞", "gw-2", "/ws/chat/G/"),
			aConn("CCCCCCCCCCCCCCCCCCCCCC", "\x1b[2J\x1b[1;1Hroot", "gw-1", "/\r\nADMIN", "a,b", "\u202egnp"),
			aConn("DDDDDDDDDDDDDDDDDDDDDD", "", "gw-3", "/"),
			aConn("EEEEEEEEEEEEEEEEEEEEEE", "zhangfei", "gw-3", "/ws", "hall"),
		},
		sizes: map[string]*pushv1.GroupSize{"kitchen": {Conns: 1, Users: 1}, "hall\x1b[1A": {Conns: 2, Users: 1}},
	}
}

func countsOf(conns map[string]int32, lost ...string) *pushv1.GetTotalsResponse {
	res := &pushv1.GetTotalsResponse{Total: &pushv1.Counts{}, Gateways: map[string]*pushv1.Counts{}, Lost: lost}
	for node, n := range conns {
		c := &pushv1.Counts{Conns: n, Users: n - n/10, Groups: n / 100}
		res.Gateways[node] = c
		res.Total.Conns += c.GetConns()
		res.Total.Users += c.GetUsers()
		res.Total.Groups += c.GetGroups()
	}
	half := res.GetTotal().GetConns() / 2
	res.Workers = map[string]*pushv1.WorkerCounts{"work-1": {Conns: half + half/5}, "work-2": {Conns: half - half/5}}
	return res
}

func aConn(id, user, gateway, path string, groups ...string) *pushv1.Conn {
	return &pushv1.Conn{Id: id, User: user, Gateway: gateway, Groups: groups, Facts: &pushv1.Facts{
		RemoteAddr: "203.0.113.7:50123", LocalAddr: "10.0.0.11:8282", Host: "chat.example.com", Path: path, OpenedAt: ago(90 * time.Second),
	}}
}

// want compares what was written with a golden screen.
func (d *desk) want(t *testing.T, name string) {
	t.Helper()
	got := d.out.String()
	if d.errs.Len() > 0 {
		got += "--- beside it\n" + d.errs.String()
	}
	for _, r := range got {
		if r < ' ' && r != '\n' {
			t.Errorf("%s: %q would reach a terminal", name, r)
		}
	}
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(file, []byte(got), 0o644)); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}
