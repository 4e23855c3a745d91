package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/parley-im/parley/deploy/client"
	chatclient "github.com/parley-im/parley/deploy/client/chat"
	chatv1 "github.com/parley-im/parley/proto/chat/v1"
)

// caller talks HTTP to api from the phone.
type caller struct {
	base string
	http *http.Client
}

func (m *machines) caller(t *testing.T) *caller {
	t.Helper()
	transport := &http.Transport{DialContext: m.phone.Dial, DisableKeepAlives: true}
	base := "http://" + net.JoinHostPort(m.hosts["api"].Addr, "8080")
	return &caller{base, &http.Client{Transport: transport, Timeout: everything}}
}

// call is POST /v1/method.
func (c *caller) call(t *testing.T, token, method string, req, res proto.Message) {
	t.Helper()
	body, err := protojson.Marshal(req)
	must(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.base+"/v1/"+method, bytes.NewReader(body))
	must(t, err)
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	must(t, protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(c.do(t, r), res))
}

// gateways is GET /v1/gateways.
func (c *caller) gateways(t *testing.T) (urls []string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.base+"/v1/gateways", nil)
	must(t, err)
	var answer struct {
		Gateways []struct{ URL string }
	}
	must(t, json.Unmarshal(c.do(t, r), &answer))
	for _, g := range answer.Gateways {
		urls = append(urls, g.URL)
	}
	return urls
}

func (c *caller) do(t *testing.T, r *http.Request) []byte {
	t.Helper()
	resp, err := c.http.Do(r)
	must(t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	must(t, err)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d %s", r.Method, r.URL.Path, resp.StatusCode, body)
	}
	return body
}

// chatter is somebody who chats from the phone.
type chatter struct {
	*chatclient.Client
	name, id, token string
}

// signUp makes an account over HTTP and connects to the first of the gateways that will.
func (m *machines) signUp(t *testing.T, name string, gateways ...string) *chatter {
	t.Helper()
	const password = "correct horse"
	c := m.caller(t)
	res := new(chatv1.SignUpResponse)
	c.call(t, "", "signUp", &chatv1.SignUpRequest{Name: name, Password: password, Device: "phone", RequestId: "1"}, res)
	p := &chatter{name: name, id: res.GetUser().GetId(), token: res.GetTokens().GetAccess()}
	var err error
	p.Client, err = chatclient.New(chatclient.Config{
		Gateways: gateways, Device: "phone", Tokens: res.GetTokens(), Name: name, Password: password,
		Socket: client.Options{Dial: m.phone.Dial},
	})
	must(t, err)
	stays(t, p.Client)
	must(t, p.WaitLive(within(t, everything)))
	return p
}

// at is the gateway that a chatter is connected to, and since when.
func (p *chatter) at() chatclient.ConnRecord {
	conns := p.Log().Conns
	if len(conns) == 0 {
		return chatclient.ConnRecord{}
	}
	return conns[len(conns)-1]
}

// goTo has a chatter reconnect until the gateway is that one.
func (p *chatter) goTo(t *testing.T, gateway string) {
	t.Helper()
	eventually(t, func() bool {
		now := p.at()
		switch {
		case now.Live == 0 || now.Ended != 0:
			return false // on its way
		case strings.HasPrefix(now.Gateway, gateway):
			return true
		}
		p.Cut()
		return false
	}, func() string { return fmt.Sprintf("%s is at %+v, and not at %s", p.name, p.at(), gateway) })
}

// back is how long a chatter needed for a session after it noticed that the one it had
// at the moment since was dead; ok is false while there is none.
func (p *chatter) back(since chatclient.ConnRecord) (pause time.Duration, where string, ok bool) {
	var noticed time.Duration
	for _, c := range p.Log().Conns {
		if c.N == since.N {
			noticed = c.Ended
		}
		if c.N > since.N && c.Live > 0 && noticed > 0 {
			return c.Live - noticed, c.Gateway, true
		}
	}
	return 0, "", false
}
