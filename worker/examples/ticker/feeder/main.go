// Feeder makes up the prices of some goods and pushes them over HTTP, as a program in any
// language would: --push is where PushService is, and PARLEY_PUSH_KEY a key that may send.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// price is what clients get of one symbol. N counts its values, so that one who reads
// slowly knows how many it has missed.
type price struct {
	Symbol string  `json:"symbol"`
	Price  float64 `json:"price"`
	N      uint64  `json:"n"`
	At     int64   `json:"at"` // Unix milliseconds
}

// push is a send: to whoever watches everything and whoever watches this symbol, who gets
// it once in either case. Of two that wait for one client the newer replaces the older.
type push struct {
	Groups   []string `json:"groups"`
	Text     string   `json:"text"`
	MergeKey string   `json:"mergeKey"`
}

type feeder struct {
	url, key string
	client   http.Client
	failing  bool
}

func main() {
	f := feeder{key: os.Getenv("PARLEY_PUSH_KEY"), client: http.Client{Timeout: 6 * time.Second}}
	flag.StringVar(&f.url, "push", "http://127.0.0.1:8080/push/v1/send", "`URL` of PushService's send")
	every := flag.Duration("every", 200*time.Millisecond, "time between two rounds of prices")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	f.run(ctx, max(*every, time.Millisecond))
}

func (f *feeder) run(ctx context.Context, every time.Duration) {
	prices := []*price{{Symbol: "TEA", Price: 140}, {Symbol: "RICE", Price: 62}, {Symbol: "SILK", Price: 910}, {Symbol: "SALT", Price: 18}, {Symbol: "IRON", Price: 305}, {Symbol: "INK", Price: 44}}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for _, p := range prices {
				p.Price = max(1, math.Round(100*p.Price*(1+rand.NormFloat64()/400))/100)
				p.N, p.At = p.N+1, now.UnixMilli()
				f.say(ctx, p)
			}
		}
	}
}

// say pushes one price. One that fails is not tried again: the next is better.
func (f *feeder) say(ctx context.Context, p *price) {
	err := f.send(ctx, p)
	switch {
	case err != nil && !f.failing && ctx.Err() == nil:
		slog.Warn("nobody hears the prices", "err", err)
	case err == nil && f.failing:
		slog.Info("the prices are heard again")
	}
	f.failing = err != nil
}

func (f *feeder) send(ctx context.Context, p *price) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	body, err := json.Marshal(push{Groups: []string{"ticker", "ticker/" + p.Symbol}, Text: string(text), MergeKey: p.Symbol})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+f.key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := f.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, said)
	}
	return err
}
