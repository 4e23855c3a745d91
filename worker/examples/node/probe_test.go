package node

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/websocket"

	"github.com/parley-im/parley/proto/connid"
	"github.com/parley-im/parley/worker/examples/clustertest"
)

// probes starts two processes of testdata/probe.js on two gateways, and waits until
// nothing goes to the worker in Go.
func probes(t *testing.T) (c *clustertest.Cluster, list []*process) {
	t.Helper()
	c, _ = cluster(t)
	for range 2 {
		p := startWith(t, "testdata/probe.js", secret, c.Register(), "--label", "path=/probe")
		p.attached(t, 2)
		list = append(list, p)
	}
	return c, list
}

// enter connects as a user and hears the welcome.
func enter(t *testing.T, c *clustertest.Cluster, gateway int, user string) (*clustertest.Client, connid.ID) {
	t.Helper()
	client := clustertest.Dial(t, at(c, gateway, "/probe/x?user="+user))
	text, ok := strings.CutPrefix(client.Next(), "welcome ")
	id, err := connid.Parse(text)
	if !ok || err != nil {
		t.Fatalf("welcomed with %q: %v", text, err)
	}
	return client, id
}

// sent is what became of a send.
type sent struct {
	Hit, Dropped, Missed int
	Lost                 []string
}

func asks(t *testing.T, client *clustertest.Client, what string) (s sent) {
	t.Helper()
	client.Say(what)
	if err := json.Unmarshal([]byte(client.Next()), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEverythingThatAConnCan(t *testing.T) {
	c, workers := probes(t)
	ann, annID := enter(t, c, 0, "ann")
	bob, bobID := enter(t, c, 1, "bob")
	who := func(client *clustertest.Client, want string) {
		t.Helper()
		client.Say("who")
		client.Hears(want)
	}
	who(ann, `{"user":"ann","groups":["all","hall"],"path":"/probe/x","protocol":""}`)

	// Sends say what became of them, on whichever gateway.
	if s := asks(t, ann, "user bob hi"); s.Hit != 1 || len(s.Lost) != 0 {
		t.Errorf("to bob: %+v", s)
	}
	bob.Hears("hi")
	if s := asks(t, bob, "conn "+annID.String()+" you there?"); s.Hit != 1 {
		t.Errorf("to a conn: %+v", s)
	}
	ann.Hears("you there?")
	if s := asks(t, ann, "others hello"); s.Hit != 1 {
		t.Errorf("to all but one: %+v", s)
	}
	bob.Hears("hello")
	if s := asks(t, ann, "user eve anybody?"); s.Hit != 0 {
		t.Errorf("to nobody: %+v", s)
	}
	if s := asks(t, ann, "conn "+connid.ID{Gateway: annID.Gateway, Conn: bobID.Conn}.String()+" nobody"); s.Hit != 0 || s.Missed != 1 {
		t.Errorf("to a conn that is not there: %+v", s)
	}

	// A bind is read by the send that follows it.
	bob.Say("bind rob")
	bob.Say("user rob me")
	bob.Hears("me") // the send comes before the answer that tells of it
	bob.Hears(`{"hit":1,"dropped":0,"missed":0,"lost":[]}`)
	bob.Say("unbind")
	bob.Say("leave all")
	who(bob, `{"user":"","groups":["hall"],"path":"/probe/x","protocol":""}`)

	bob.Say("enter ") // no name: the handler fails, and the conn goes on
	bob.Say("enter kitchen")
	bob.Hears("entered kitchen")
	bob.Say("leave kitchen")

	// A failure ends nothing, and what was said before it counts.
	bob.Say("fail")
	bob.Hears("before it failed")
	bob.Say("large 1000000")
	bob.Say("still here")
	bob.Hears("Server: still here")
	bob.SayBinary([]byte{1, 2, 3})
	var bytes []byte
	if err := websocket.Message.Receive(bob.Conn, &bytes); err != nil || string(bytes) != "\x03\x02\x01" {
		t.Errorf("a binary frame is answered with %x, %v", bytes, err)
	}

	// Who leaves is told to the others, with what was known of him.
	bob.Say("bind rob")
	bob.Say("count")
	bob.Hears("1")
	bob.Say("close 4444 good night")
	bob.Hears("bye")
	ann.Hears(`{"user":"rob","session":"1","code":4444,"reason":"good night","by":"CLOSED_BY_WORKER"}`)
	_ = ann.Close()
	for _, p := range workers {
		p.terminate(t, nil)
	}
	for _, p := range workers {
		p.gone(t)
	}
}

func TestASessionGoesWithItsConn(t *testing.T) {
	c, workers := probes(t)
	var all []*clustertest.Client
	for i := range 8 {
		client, _ := enter(t, c, i%2, "ann")
		all = append(all, client)
	}
	count := func(want string) {
		t.Helper()
		for _, client := range all {
			client.Say("count")
			client.Hears(want)
		}
	}
	count("1")
	count("2")
	workers[0].kill(t)
	count("3")
	count("4")
	for _, client := range all {
		client.Say("who")
		client.Hears(`{"user":"ann","groups":["all","hall"],"path":"/probe/x","protocol":""}`)
	}
	leave(t, workers[1], all...)
}

func TestAHandlerThatHangsHoldsUpADrainUntilItsDeadline(t *testing.T) {
	c, _ := cluster(t)
	node := startWith(t, "testdata/probe.js", secret, c.Register(), "--label", "path=/probe", "--drain-timeout", "300ms")
	node.attached(t, 2)
	ann, _ := enter(t, c, 0, "ann")
	ann.Say("hang")
	ann.Say("after it")
	ann.Hears("it hangs")
	node.terminate(t, nil)
	node.gone(t)
	if !strings.Contains(node.said(), "not drained") {
		t.Error("it says nothing of what it left behind")
	}
	another := startWith(t, "testdata/probe.js", secret, c.Register(), "--label", "path=/probe")
	ann.Hears("handled again")
	ann.Hears("Server: after it")
	leave(t, another, ann)
}

func TestOpenIsAnsweredBeforeTheHandshakeIs(t *testing.T) {
	c, workers := probes(t)
	for query, want := range map[string]int{"refuse=403": http.StatusForbidden, "refuse=451": 451, "throw=1": http.StatusInternalServerError, "user=": http.StatusInternalServerError} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.Replace(at(c, 0, "/probe?"+query), "ws:", "http:", 1), nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{
			"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
		} {
			r.Header.Set(name, value)
		}
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s: got %d, want %d", query, answer.StatusCode, want)
		}
	}
	config, err := websocket.NewConfig(at(c, 1, "/probe?user=ann&protocol=two"), "http://localhost/")
	if err != nil {
		t.Fatal(err)
	}
	config.Protocol = []string{"one", "two"}
	ws, err := websocket.DialConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	ann := &clustertest.Client{Conn: ws, T: t}
	if got := ann.Next(); !strings.HasPrefix(got, "welcome ") {
		t.Errorf("heard %q", got)
	}
	ann.Say("who")
	ann.Hears(`{"user":"ann","groups":["all","hall"],"path":"/probe","protocol":"two"}`)
	_ = ann.Close()
	for _, p := range workers {
		p.terminate(t, nil)
	}
	for _, p := range workers {
		p.gone(t)
	}
}
