package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/parley-im/parley/worker"
	"github.com/parley-im/parley/worker/examples/clustertest"
)

// desks are two workers that share a file, as two processes of one machine do.
func desks(t *testing.T) func(func()) worker.Handler {
	file := filepath.Join(t.TempDir(), "desk.db")
	var all []*desk
	t.Cleanup(func() {
		for _, d := range all {
			closed(d.db)
		}
	})
	return func(func()) worker.Handler {
		all = append(all, &desk{file: file})
		return all[len(all)-1]
	}
}

// client is one who talks.
type client struct{ *clustertest.Client }

func dial(t *testing.T, url string) client {
	t.Helper()
	return client{clustertest.Dial(t, url)}
}

// message waits for a message, which must have this content.
func (c client) message(from, to, content string) {
	c.T.Helper()
	var f map[string]any
	text := c.Next()
	if err := json.Unmarshal([]byte(text), &f); err != nil || f["flag"] != "msg" || f["from"] != from || f["to"] != to || f["content"] != content || len(f) != 6 {
		c.T.Fatalf("heard %s, want %s", text, content)
	}
	if at, _ := f["at"].(float64); time.Since(time.UnixMilli(int64(at))).Abs() > time.Minute {
		c.T.Errorf("said at %v", f["at"])
	}
}

func TestTwoOnTwoGateways(t *testing.T) {
	c := clustertest.Start(t, clustertest.Config{}, desks(t))
	ann := dial(t, c.URLs[0])
	ann.Say(`{"flag":"init","from":"1","to":"2"}`)
	ann.Hears(`{"flag":"init","from":"1","id":"","to":"2"}`)
	for i := range 3 { // 2 is away
		ann.Say(fmt.Sprintf(`{"flag":"msg","from":"1","to":"2","content":"%d","id":"x%d"}`, i, i))
		ann.Hears(fmt.Sprintf(`{"flag":"sent","from":"1","id":"x%d","to":"2"}`, i))
	}
	bob := dial(t, c.URLs[1])
	bob.Say(`{"flag":"unread","from":"2"}`)
	bob.Hears(`{"code":"FORBIDDEN","flag":"error","id":"","message":"from is not the user of this connection"}`)
	bob.Say(`{"flag":"init","from":"2","to":"9"}`) // another pair
	bob.Hears(`{"flag":"init","from":"2","id":"","to":"9"}`)
	bob.Say(`{"flag":"unread","from":"2"}`)
	bob.Hears(`{"flag":"unread","from":"2","id":"","to":"","unread":[{"count":3,"peer":"1"}]}`)
	bob.Say(`{"flag":"init","from":"2","to":"1"}`)
	for i := range 3 {
		bob.message("1", "2", fmt.Sprint(i))
	}
	bob.Hears(`{"flag":"init","from":"2","id":"","to":"1"}`)
	bob.Say(`{"flag":"unread","from":"2"}`)
	bob.Hears(`{"flag":"unread","from":"2","id":"","to":"","unread":[]}`)

	bob.Say(`{"flag":"msg","from":"2","to":"1","content":"你好 <b>"}`)
	ann.message("2", "1", "你好 <b>")
	bob.Hears(`{"flag":"sent","from":"2","id":"","to":"1"}`)
}
