package main

import (
	"encoding/json"
	"maps"
	"testing"
	"time"

	"github.com/parley-im/parley/gateway"
	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/examples/clustertest"
)

func chats(func()) worker.Handler { return chat{} }

// frame is what any frame of the server has.
type frame struct {
	Type       string            `json:"type"`
	ClientID   string            `json:"client_id"`
	ClientName string            `json:"client_name"`
	ClientList map[string]string `json:"client_list"`
	FromID     string            `json:"from_client_id"`
	FromName   string            `json:"from_client_name"`
	To         string            `json:"to_client_id"`
	Content    string            `json:"content"`
	Time       string            `json:"time"`
}

// client is one who talks.
type client struct{ *clustertest.Client }

func dial(t *testing.T, url string) client {
	t.Helper()
	return client{clustertest.Dial(t, url)}
}

func (c client) frame() (f frame) {
	c.T.Helper()
	text := c.Next()
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		c.T.Fatalf("%s: %v", text, err)
	}
	if _, err := time.Parse("2006-01-02 15:04:05", f.Time); err != nil && f.Type != "ping" {
		c.T.Errorf("%s: %v", text, err)
	}
	f.Time = ""
	return f
}

// login says what the page says first, and returns the id of this client.
func (c client) login(name string) frame {
	c.T.Helper()
	c.Say(`{"type":"login","client_name":"` + name + `","room_id":1}`)
	f := c.frame()
	if f.Type != "login" || f.ClientName != name || f.ClientList[f.ClientID] != name {
		c.T.Fatalf("logged in with %+v", f)
	}
	return f
}

func TestTheDemoOverTwoGateways(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{}, chats)
	ann, bob := dial(t, c.URLs[0]), dial(t, c.URLs[1])
	a := ann.login("ann").ClientID
	in := bob.login("bob")
	b := in.ClientID
	if want := map[string]string{a: "ann", b: "bob"}; !maps.Equal(in.ClientList, want) {
		t.Errorf("the newcomer is told of %v, want %v", in.ClientList, want)
	}
	hears := func(who client, want frame) {
		t.Helper()
		got := who.frame()
		for got.ClientList != nil { // again, because somebody came while the first was on its way
			got = who.frame()
		}
		if got.Type != want.Type || got.ClientID != want.ClientID || got.FromID != want.FromID || got.FromName != want.FromName || got.To != want.To || got.Content != want.Content {
			t.Fatalf("heard %+v\nwant  %+v", got, want)
		}
	}
	hears(ann, frame{Type: "login", ClientID: b, ClientName: "bob"})

	other := dial(t, c.URLs[0]) // another room hears nothing of this one
	other.Say(`{"type":"login","client_name":"cid","room_id":2}`)
	if f := other.frame(); len(f.ClientList) != 1 {
		t.Errorf("in the other room are %v", f.ClientList)
	}
	ann.Say(`{"type":"say","to_client_id":"all","to_client_name":"所有人","content":"a\nb<"}`)
	for _, who := range []client{ann, bob} {
		hears(who, frame{Type: "say", FromID: a, FromName: "ann", To: "all", Content: "a<br />\nb&lt;"})
	}
	bob.Say(`{"type":"say","to_client_id":"` + a + `","to_client_name":"ann","content":"psst"}`)
	hears(ann, frame{Type: "say", FromID: b, FromName: "bob", To: a, Content: "<b>对你说: </b>psst"})
	hears(bob, frame{Type: "say", FromID: b, FromName: "bob", To: a, Content: "<b>你对ann说: </b>psst"})
	_ = bob.Close()
	hears(ann, frame{Type: "logout", FromID: b, FromName: "bob"})
	other.Say(`{"type":"say","to_client_id":"all","content":"alone"}`)
	if f := other.frame(); f.Content != "alone" {
		t.Errorf("the other room heard %+v", f)
	}
}

// TestTheGatewayPings has the flags of gateway.args, only faster.
func TestTheGatewayPings(t *testing.T) {
	limits := gateway.Limits{TextPing: `{"type":"ping"}`, PingInterval: 50 * time.Millisecond}
	c := clustertest.Start(t, clustertest.Config{Limits: limits}, chats)
	ann := dial(t, c.URLs[0])
	ann.Hears(`{"type":"ping"}`)
	ann.Say(`{"type":"pong"}`)
	ann.Hears(`{"type":"ping"}`) // and no answer to the pong
}
