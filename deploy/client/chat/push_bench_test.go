package chatclient

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	chatv1 "github.com/parley-im/parley/proto/chat/v1"

	"github.com/parley-im/parley/deploy/client"
)

// BenchmarkPush is what a pushed message costs a client, the socket not counted.
func BenchmarkPush(b *testing.B) {
	for name, keep := range map[string]int{"counters": None, "all": All} {
		b.Run(name, func(b *testing.B) {
			c, err := New(Config{
				Gateways: []string{"ws://one/"}, Device: "d", Tokens: &chatv1.Tokens{Access: "token"}, Backlog: -1,
				Keep: Keep{Received: keep, Messages: keep, Sent: keep}, Log: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				b.Fatal(err)
			}
			l := &line{n: 1, pending: map[uint64]*call{}, overdue: map[uint64]*call{}, unknown: map[string]bool{}, news: map[string]bool{}}
			c.head(c.conversation("g"), head("g", 0), 0, time.Now())
			b.ReportAllocs()
			seq := 0
			for b.Loop() {
				seq++
				frame := fmt.Appendf(nil, `{"jsonrpc":"2.0","method":"message","params":{"message":{"conversation":"g","seq":"%d","sender":"0199d7f0-0000-7000-8000-000000000001","kind":"MESSAGE_KIND_TEXT","text":"a text of the usual length, that is","sentAt":"2026-11-20T12:00:00.123Z"}}}`, seq)
				c.receivedFrame(l, client.Message{Op: client.Text, Payload: frame}, time.Now())
			}
			if c.n.Shown != int64(seq) {
				b.Errorf("%d of %d shown", c.n.Shown, seq)
			}
		})
	}
}
