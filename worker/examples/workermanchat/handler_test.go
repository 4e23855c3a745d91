package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/parley-im/parley/worker/workertest"
)

// member dials, logs into room 1 and passes over what it hears of that.
func member(t *testing.T, h *workertest.Harness, name string) *workertest.Conn {
	t.Helper()
	c := h.Dial("/")
	login(t, h, c, name)
	return c
}

// login logs in and returns the list that comes back. Who comes before the server has
// done with it would make it send another.
func login(t *testing.T, h *workertest.Harness, c *workertest.Conn, name string) map[string]string {
	t.Helper()
	c.SendJSON(map[string]any{"type": "login", "client_name": name, "room_id": 1})
	h.Settle()
	for {
		var f struct {
			Type, Time string
			ClientID   string            `json:"client_id"`
			ClientList map[string]string `json:"client_list"`
		}
		c.NextJSON(&f)
		if f.ClientList == nil {
			continue
		}
		if _, err := time.Parse("2006-01-02 15:04:05", f.Time); err != nil || f.Type != "login" || f.ClientID != c.ID().String() {
			t.Fatalf("logged in with %+v, %v", f, err)
		}
		return f.ClientList
	}
}

// expects waits for a frame with exactly these fields, and a time.
func expects(t *testing.T, c *workertest.Conn, want map[string]any) {
	t.Helper()
	var got map[string]any
	c.NextJSON(&got)
	if _, err := time.Parse("2006-01-02 15:04:05", fmt.Sprint(got["time"])); err != nil {
		t.Errorf("time: %v", err)
	}
	delete(got, "time")
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %v\nwant %v", got, want)
	}
}

func TestARoomHearsWhoComesSpeaksAndGoes(t *testing.T) {
	h := workertest.New(t, chat{}, workertest.WithGateways(2))
	ann, bob := member(t, h, "ann"), h.Dial("/")
	list := login(t, h, bob, "bob")
	if want := map[string]string{ann.ID().String(): "ann", bob.ID().String(): "bob"}; !maps.Equal(list, want) {
		t.Errorf("the newcomer is told of %v, want %v", list, want)
	}
	expects(t, ann, map[string]any{"type": "login", "client_id": bob.ID().String(), "client_name": "bob"})

	bob.SendText(`{"type":"pong"}`)
	bob.SendText(`{"type":"say","to_client_id":"all","to_client_name":"所有人","content":"<b>hi</b> & 'you'\nthere"}`)
	for _, who := range []*workertest.Conn{ann, bob} {
		expects(t, who, map[string]any{
			"type": "say", "from_client_id": bob.ID().String(), "from_client_name": "bob", "to_client_id": "all",
			"content": "&lt;b&gt;hi&lt;/b&gt; &amp; &#039;you&#039;<br />\nthere",
		})
	}
	bob.Close(1000, "")
	expects(t, ann, map[string]any{"type": "logout", "from_client_id": bob.ID().String(), "from_client_name": "bob"})
	ann.ExpectNothing()
}

// TestARoomIsANumberOrItsText has both: pages of the original send a string.
func TestARoomIsANumberOrItsText(t *testing.T) {
	h := workertest.New(t, chat{})
	ann, bob := member(t, h, "ann"), h.Dial("/")
	bob.SendText(`{"type":"login","client_name":"bob","room_id":"1"}`)
	expects(t, ann, map[string]any{"type": "login", "client_id": bob.ID().String(), "client_name": "bob"})
}

func TestAPrivateLineIsHeardByTwo(t *testing.T) {
	h := workertest.New(t, chat{}, workertest.WithGateways(2))
	ann, bob, cid := member(t, h, "ann"), member(t, h, "b<b"), member(t, h, "cid")
	for range 2 { // who came later
		ann.Next()
	}
	bob.Next()
	h.LoseAcks(2)
	ann.SendJSON(map[string]string{"type": "say", "to_client_id": bob.ID().String(), "to_client_name": "b<b", "content": "psst"})
	line := map[string]any{
		"type": "say", "from_client_id": ann.ID().String(), "from_client_name": "ann", "to_client_id": bob.ID().String(), "content": "<b>对你说: </b>psst",
	}
	expects(t, bob, line)
	line["content"] = "<b>你对b&lt;b说: </b>psst"
	expects(t, ann, line)
	for _, who := range []*workertest.Conn{ann, bob, cid} {
		who.ExpectNothing()
	}
}

func TestNamesAreEscapedAndShort(t *testing.T) {
	h := workertest.New(t, chat{})
	ann := member(t, h, "ann")
	eve := h.Dial("/")
	list := login(t, h, eve, "<i>"+strings.Repeat("名", 100))
	if got := list[eve.ID().String()]; got != "&lt;i&gt;"+strings.Repeat("名", 20) {
		t.Errorf("her name in the list is %q", got)
	}
	expects(t, ann, map[string]any{
		"type": "login", "client_id": eve.ID().String(), "client_name": "&amp;lt;i&amp;gt;" + strings.Repeat("名", 20), // twice
	})
}

func TestWhatIsHostileReachesNobody(t *testing.T) {
	h := workertest.New(t, chat{})
	ann, eve := member(t, h, "ann"), h.Dial("/")
	hostile := []string{
		``, `{`, `null`, `[]`, `7`, `{}`, `{"type":7}`, `{"type":"dance"}`, `{"type":"ping"}`, `{"type":"pong"}`,
		`{"type":"login"}`, `{"type":"login","client_name":"eve"}`, `{"type":"login","client_name":"eve","room_id":"1.5"}`, `{"type":"login","client_name":"eve","room_id":""}`, `{"type":"login","client_name":"eve","room_id":"one"}`, `{"type":"login","client_name":"eve","room_id":1.5}`,
		`{"type":"login","client_name":"eve","room_id":null}`, `{"type":"login","client_name":{},"room_id":1}`, `{"type":"login","client_name":"eve","room_id":1e99}`,
		`{"type":"say"}`, `{"type":"say","content":"x"}`, `{"type":"say","to_client_id":7,"content":"x"}`, `{"type":"say","to_client_id":"all","content":["x"]}`,
	}
	for _, said := range append(hostile, `{"type":"say","to_client_id":"all","content":"not logged in"}`) {
		eve.SendText(said)
	}
	eve.SendBinary([]byte{0, 255})
	eve.ExpectNothing()
	ann.ExpectNothing()
	if eve.User() != "" || len(eve.Groups()) != 0 {
		t.Errorf("she is %q in %q", eve.User(), eve.Groups())
	}

	login(t, h, eve, "eve")
	ann.Next()
	for _, said := range append(hostile, `{"type":"login","client_name":"eve","room_id":2}`) { // one room for each conn
		eve.SendText(said)
	}
	eve.ExpectNothing()
	ann.ExpectNothing()
	for _, to := range []string{"nobody", strings.Repeat("x", 300), "AAAAAAAAAAAAAAAAAAAAAA", "q83vEjRWeJAAAAAAAAAAKg"} {
		eve.SendJSON(map[string]string{"type": "say", "to_client_id": to, "to_client_name": "<n>", "content": "x"})
		var f map[string]any
		if err := json.Unmarshal(eve.Next().Payload, &f); err != nil || f["content"] != "<b>你对&lt;n&gt;说: </b>x" {
			t.Errorf("to %s: %v, %v", to, f, err)
		}
	}
	ann.ExpectNothing()
}
