package chatclient

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"

	"github.com/parley-im/parley/deploy/client"
)

// FuzzFrames reads lines as frames of a server: whatever comes, the client goes on, and
// no screen shows a number twice.
func FuzzFrames(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"2.0","method":"message","params":{"message":{"conversation":"g","seq":"1","sender":"a"}}}` + "\n" +
		`{"jsonrpc":"2.0","method":"message","params":{"message":{"conversation":"g","seq":"3","sender":"a"}}}`))
	f.Add([]byte(`{"jsonrpc":"2.0","id":1,"result":{"heads":[{"conversation":"g","seq":"9007199254740993","rev":"4","fromSeq":"2"}]}}`))
	f.Add([]byte(`{"jsonrpc":"2.0","method":"messageChanged","params":{"change":{"conversation":"g","seq":"1","rev":"1","kind":"CHANGE_KIND_RECALLED"}}}`))
	f.Add([]byte(`{"jsonrpc":"2.0","method":"resync"}` + "\n" + `{"jsonrpc":"2.0","method":"renew"}` + "\n" + `[{"jsonrpc":"2.0","id":2,"error":{"code":-32008}}]`))
	f.Add([]byte(`{"jsonrpc":"2.0","id":2,"result":{"messages":[{"seq":"1"},{"seq":"5"}],"firstSeq":"1","headSeq":"9223372036854775807"}}`))
	f.Fuzz(func(t *testing.T, frames []byte) {
		c, err := New(Config{Gateways: []string{"ws://one/"}, Device: "d", Tokens: &chatv1.Tokens{Access: "token"}, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		l := &line{n: 1, live: true, pending: map[uint64]*call{}, overdue: map[uint64]*call{}, unknown: map[string]bool{}, news: map[string]bool{}}
		c.head(c.conversation("g"), head("g", 0), 0, time.Now())
		now := time.Now()
		for frame := range bytes.Lines(frames) {
			c.renewAt = time.Time{} // a token is obtained over a conn, which is not here
			now = now.Add(time.Second)
			c.step(l, now)
			c.receivedFrame(l, client.Message{Op: client.Text, Payload: frame}, now)
		}
		for id, v := range c.Log().Conversations {
			seen := map[int64]bool{}
			for _, s := range v.Shown {
				if seen[s.Seq] {
					t.Errorf("%s shows %d twice", id, s.Seq)
				}
				seen[s.Seq] = true
			}
		}
	})
}
